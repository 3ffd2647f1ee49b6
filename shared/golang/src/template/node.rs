//! The parsed template: nodes in flat tables, so that no depth of nesting can overflow the stack when it is dropped.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use crate::literal;
use crate::value::Func;

use super::builtins::Builtin;

/// The index of a list of nodes in [`Tree::lists`].
pub(super) type ListId = usize;
/// The index of a pipeline in [`Tree::pipes`].
pub(super) type PipeId = usize;

/// All of one parsed text: the main template and those it defines.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) lists: Vec<Vec<Node>>,
    pub(super) pipes: Vec<Pipe>,
    /// How many operands and pipelines there are.
    pub(super) parts: usize,
    /// The body of each template by its name.
    pub(super) templates: HashMap<Vec<u8>, ListId>,
}

impl Tree {
    /// The names of all functions that are called.
    pub(super) fn functions(&self) -> BTreeSet<&str> {
        let commands = self.pipes.iter().flat_map(|pipe| &pipe.commands);
        commands.flat_map(|command| &command.args).filter_map(Operand::function).collect()
    }
}

/// A node of a list, with the byte at which Go says that it stands.
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: NodeKind,
}

pub(super) enum NodeKind {
    Text(Arc<[u8]>),
    Action(PipeId),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { name: Vec<u8>, pipe: Option<PipeId> },
    Break,
    Continue,
}

/// The parts of `if`, `with` and `range`.
pub(super) struct Branch {
    pub(super) pipe: PipeId,
    pub(super) body: ListId,
    pub(super) otherwise: Option<ListId>,
}

/// Declared variables, and commands of which each passes its value to the next.
pub(super) struct Pipe {
    pub(super) at: usize,
    pub(super) assigns: bool,
    pub(super) variables: Vec<Arc<str>>,
    pub(super) commands: Vec<Command>,
}

/// An operand with its arguments; there is at least one.
pub(super) struct Command {
    pub(super) at: usize,
    pub(super) args: Vec<Operand>,
}

pub(super) struct Operand {
    pub(super) at: usize,
    pub(super) kind: OperandKind,
}

pub(super) enum OperandKind {
    Bool(bool),
    Dot,
    Nil,
    Number(super::number::Number),
    Text {
        quoted: Vec<u8>,
        text: Arc<[u8]>,
    },
    /// `.a.b`
    Field(Vec<Arc<str>>),
    /// `$x.a.b`: the variable with its dollar sign first.
    Variable(Vec<Arc<str>>),
    Function(Function),
    Pipe(PipeId),
    /// `(pipeline).a.b` or `function.a.b`
    Chain {
        head: Box<Operand>,
        fields: Vec<Arc<str>>,
    },
}

impl Operand {
    /// The function that this is, or whose result it takes apart.
    fn function(&self) -> Option<&str> {
        let mut operand = self;
        while let OperandKind::Chain { head, .. } = &operand.kind {
            operand = head;
        }
        match &operand.kind {
            OperandKind::Function(function) => Some(&function.name),
            _ => None,
        }
    }
}

#[derive(Clone)]
pub(super) struct Function {
    pub(super) name: Arc<str>,
    pub(super) callee: Callee,
}

#[derive(Clone)]
pub(super) enum Callee {
    Builtin(Builtin),
    Given(Func),
}

/// A part of the tree as the text that Go prints for it in errors.
pub(super) struct Shown<'t, T>(pub(super) &'t Tree, pub(super) T);

impl Display for Shown<'_, &Node> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(tree, node) = self;
        match &node.kind {
            NodeKind::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            NodeKind::Action(pipe) => write!(f, "{{{{{}}}}}", Shown(tree, &tree.pipes[*pipe])),
            NodeKind::If(branch) => write!(f, "{{{{if {}}}}}", Shown(tree, &tree.pipes[branch.pipe])),
            NodeKind::With(branch) => write!(f, "{{{{with {}}}}}", Shown(tree, &tree.pipes[branch.pipe])),
            NodeKind::Range(branch) => write!(f, "{{{{range {}}}}}", Shown(tree, &tree.pipes[branch.pipe])),
            NodeKind::Template { name, pipe } => {
                write!(f, "{{{{template {}", String::from_utf8_lossy(&literal::quote(name)))?;
                if let Some(pipe) = pipe {
                    write!(f, " {}", Shown(tree, &tree.pipes[*pipe]))?;
                }
                f.write_str("}}")
            }
            NodeKind::Break => f.write_str("{{break}}"),
            NodeKind::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl Display for Shown<'_, &Pipe> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(tree, pipe) = self;
        for (index, variable) in pipe.variables.iter().enumerate() {
            write!(f, "{}{variable}", if index > 0 { ", " } else { "" })?;
        }
        if !pipe.variables.is_empty() {
            f.write_str(if pipe.assigns { " = " } else { " := " })?;
        }
        for (index, command) in pipe.commands.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { " | " } else { "" }, Shown(tree, command))?;
        }
        Ok(())
    }
}

impl Display for Shown<'_, &Command> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.1.args.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match arg.kind {
                OperandKind::Pipe(pipe) => write!(f, "({})", Shown(self.0, &self.0.pipes[pipe]))?,
                _ => write!(f, "{}", Shown(self.0, arg))?,
            }
        }
        Ok(())
    }
}

impl Display for Shown<'_, &Operand> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(tree, operand) = self;
        match &operand.kind {
            OperandKind::Bool(value) => write!(f, "{value}"),
            OperandKind::Dot => f.write_str("."),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Number(number) => f.write_str(&number.text),
            OperandKind::Text { quoted, .. } => f.write_str(&String::from_utf8_lossy(quoted)),
            OperandKind::Field(names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            OperandKind::Variable(names) => f.write_str(&names.join(".")),
            OperandKind::Function(function) => f.write_str(&function.name),
            OperandKind::Pipe(pipe) => write!(f, "{}", Shown(tree, &tree.pipes[*pipe])),
            OperandKind::Chain { head, fields } => {
                match head.kind {
                    OperandKind::Pipe(pipe) => write!(f, "({})", Shown(tree, &tree.pipes[pipe]))?,
                    _ => write!(f, "{}", Shown(tree, head.as_ref()))?,
                }
                fields.iter().try_for_each(|name| write!(f, ".{name}"))
            }
        }
    }
}
