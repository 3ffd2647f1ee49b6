//! The paths of `PaesslerAG/jsonpath`, by which ESO's webhook stores pick a value out of an answer:
//! `$.data.value`, `$.fields[?(@.id == "password")].value`, `$..token`.
//!
//! Start at [`JsonPath`]. `scan` reads words, `parse` makes `path` of them, `eval` follows it.
//!
//! The language is that of version 0.1.1 on gval 1.2.4, with its ways: filters know `==` and `!=` alone; an index counts from
//! 0 and is never negative; of single quotes there is one character between; a name without `$` before it is a variable of
//! the document. The members of an object come in the order of their names, where the original has another order each time.

mod eval;
mod parse;
mod path;
mod scan;

use crate::budget::{Budget, Exhausted};
use crate::json::Tree;
use path::Node;
use std::borrow::Cow;
use std::fmt;
use thiserror::Error;

/// The longest path that is read, in bytes.
pub const LONGEST: usize = 16 << 10;
/// How deep parentheses, brackets and signs may nest.
pub const DEEPEST: usize = 64;

/// A path that was read. It can be followed in any number of documents.
pub struct JsonPath(Node);

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What the original refuses, what is longer than [`LONGEST`], and what nests deeper than [`DEEPEST`].
    pub fn parse(path: &str) -> Result<Self, PathError> {
        parse::parse(path).map(Self)
    }

    /// What the path leads to. A path that may lead to several values gives a list of them, which may be empty.
    ///
    /// # Errors
    /// [`NoValue::Nothing`] where it leads to nothing; [`NoValue::Exhausted`] when finding it costs more than the budget has,
    /// so that what it leads to is unknown.
    pub fn find<'v>(&'v self, document: &'v Tree, budget: &mut Budget) -> Result<Cow<'v, Tree>, NoValue> {
        eval::find(&self.0, document, budget)
    }
}

/// A path may hold a secret: nothing of it is shown.
impl fmt::Debug for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonPath")
    }
}

/// A text is no path. Names places, never content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// It is not written as one.
    #[error("it cannot be read as a path at byte {0}")]
    Syntax(usize),
    /// It is too long.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// It nests too deep.
    #[error("it nests deeper than {DEEPEST} levels")]
    TooDeep,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoValue {
    /// The path leads to nothing in this document.
    #[error("it leads to nothing")]
    Nothing,
    /// Finding out costs too much.
    #[error("following it {0}")]
    Exhausted(#[from] Exhausted),
}
