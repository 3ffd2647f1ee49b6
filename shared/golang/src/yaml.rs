//! YAML 1.1 as sigs.k8s.io/yaml v1.6 reads and writes it, the library by which Go programs around Kubernetes do.
//!
//! [`read`] gives a tree, [`read_strings`] the keys and texts that ESO makes of a rendered template. A document goes
//! through `source` (characters), `scanner` (tokens), `parser` (events), `compose` (nodes) and `build` (trees). [`write()`] goes through `emit` (collections) and `style` (scalars).
//! Errors name places, never content. Documents that expand without end are refused.

mod build;
mod compose;
mod emit;
mod parser;
mod resolve;
mod scalars;
mod scanner;
mod source;
mod style;
mod tags;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::json::{self, EncodeError, Html, Tree};
use build::Scalars;

/// Why YAML cannot be read or written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum YamlError {
    /// The document is no YAML, or holds what the reader cannot use.
    #[error("invalid YAML in line {line}, column {column}: {problem}")]
    Invalid {
        /// From 1 on.
        line: usize,
        /// In characters, from 1 on.
        column: usize,
        /// What stands there; never taken from the document.
        problem: &'static str,
    },
    /// The document is a list or a scalar where keys are wanted.
    #[error("the YAML document is not a mapping")]
    NotAMapping,
    /// The document nests too deep, or expands to too much through aliases.
    #[error("the YAML document nests too deep or expands to too much")]
    TooLarge,
    /// The tree to write has no JSON form, over which it goes.
    #[error(transparent)]
    Json(#[from] EncodeError),
}

/// Reads the first document of a stream; a stream without one is [`Tree::Null`]. Keys become text. Numbers keep their
/// kind; [`Tree::with_floats`] gives what Go has after the detour over JSON.
///
/// # Errors
/// The stream is no YAML; a key is null, a list or a mapping; a number is infinite or not a number.
pub fn read(yaml: impl AsRef<[u8]>) -> Result<Tree, YamlError> {
    build::build(&compose::compose(yaml.as_ref())?, Scalars::Typed)
}

/// Reads the first document of a stream as keys and texts, the way Go does into a `map[string]string`: numbers and
/// booleans are written anew (`0123` is `83`, `no` is `false`, `1.10` is `1.1`), null is empty. Of equal keys the last
/// wins. A document that is null has no keys.
///
/// # Errors
/// As [`read`], and when the document is no mapping or a value is a list or a mapping.
pub fn read_strings(yaml: impl AsRef<[u8]>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, YamlError> {
    match build::build(&compose::compose(yaml.as_ref())?, Scalars::Text)? {
        Tree::Null => Ok(BTreeMap::new()),
        Tree::Map(members) => Ok(members
            .into_iter()
            .map(|(key, value)| match value {
                Tree::Text(text) => (key, text),
                _ => (key, Vec::new()),
            })
            .collect()),
        _ => Err(YamlError::NotAMapping),
    }
}

/// Writes a tree as one document: block style, keys in natural order, quotes where a text would be read as something else.
/// The tree takes the way of the original over JSON, so that numbers and odd characters come out the same.
///
/// # Errors
/// The tree holds a number that is not finite, a control character that YAML cannot hold, or a key of more than about
/// a thousand characters; or it nests too deep.
pub fn write(tree: &Tree) -> Result<String, YamlError> {
    let json = json::encode(tree, Html::Escape)?;
    Ok(emit::emit(&read(json)?))
}

#[cfg(test)]
mod tests;
