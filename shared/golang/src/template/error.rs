//! What goes wrong with a template, in Go's words and never with a value of the data.

use thiserror::Error;

/// The text is no template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name of the template.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// The template failed on this data, or reached a limit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("template: {name}:{line}:{column}: executing {template} at <{context}>: {message}")]
pub struct ExecError {
    /// The name that the text was parsed with.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte within the line, from 0.
    pub column: usize,
    /// The quoted name of the template within the text that was executing.
    pub template: String,
    /// The part of the template that was evaluated, as Go prints it.
    pub context: String,
    /// What is wrong there.
    pub message: String,
    /// Whether one of the [`Limits`](super::Limits) was reached.
    pub limit: bool,
}
