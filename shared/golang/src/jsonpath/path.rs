//! What a path is, once it was read.

use crate::json::Tree;

/// An expression: it has a value in each document, or none.
pub(super) enum Node {
    /// A literal, or what can be told without a document.
    Constant(Tree),
    /// `-x`.
    Negative(Box<Self>),
    /// `a == b`, or `a != b` where `wanted` is false.
    Equal { left: Box<Self>, right: Box<Self>, wanted: bool },
    /// `a.b[0]`, without a sign before it.
    Variable(Vec<Self>),
    /// `f(x)`: no document holds functions, so that none is ever found.
    Call,
    /// `$…` or `@…`.
    Path(Vec<Step>),
}

/// One step of a path, from each of the values that the steps before led to.
pub(super) enum Step {
    /// To the value that a filter looks at.
    Current,
    /// To the member or item that an expression names.
    Select(Node),
    /// To what an expression says, whatever it is.
    Script(Node),
    /// To every member or item.
    Star,
    /// To the value itself and all that is in it, however deep.
    Descend,
    /// To each of the named members or items that is there.
    Several(Vec<Node>),
    /// To every member or item of which a condition holds.
    Filter(Node),
    /// To the items from one place to another, each so many behind the one before.
    Slice(Box<[Node; 3]>),
}

impl Step {
    /// Whether it may lead to several values, so that the path gives a list, and passes over what leads nowhere.
    pub(super) fn is_plural(&self) -> bool {
        match self {
            Self::Current | Self::Select(_) | Self::Script(_) => false,
            Self::Star | Self::Descend | Self::Several(_) | Self::Filter(_) | Self::Slice(_) => true,
        }
    }
}

impl Node {
    /// Whether its value is known without a document.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}
