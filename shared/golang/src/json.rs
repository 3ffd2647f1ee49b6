//! JSON as Go's `encoding/json` reads and writes it.
//!
//! [`object_to_raw`] takes an object apart and keeps the text of its values; [`decode`] reads a whole document into a
//! [`Tree`] with every number as a float, as Go does without further instructions; [`encode`] writes trees; [`rewrite`] gives
//! a document the form that Go would write, with its numbers as they are, [`rewrite_object`] that of Kubernetes' clients.
//! Source of the facts: package encoding/json of Go 1.26.

mod decode;
mod encode;
pub(crate) mod strings;
pub(crate) mod syntax;
mod tree;

pub use decode::{DecodeError, decode, is_valid, object_to_quoted, object_to_raw, rewrite, rewrite_object};
pub use encode::{EncodeError, encode, format_float, indent, quote};
pub use strings::Html;
pub use tree::Tree;

/// How deep lists and maps may nest in a [`Tree`]. Go allows 10,000.
pub const MAX_DEPTH: usize = 500;

#[cfg(test)]
mod tests;
