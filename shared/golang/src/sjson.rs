//! What tidwall/sjson writes: one text set in a JSON document, or one value taken out of it, the rest of the document as it
//! stands, byte by byte. ESO's `property` of a PushSecret is such a path: `db.password`, `users.0.name`, `tls\.crt`.
//!
//! The results are those of sjson v1.2.5, for documents that are JSON. Where it would change nothing, lose the document or
//! set many values at once, [`set`] and [`delete`] fail instead.

mod change;
mod path;

use crate::gjson::TooComplex;
use crate::json::is_valid;
use change::Change;
use thiserror::Error;

/// Why a document could not be changed. No message quotes the document.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum SetError {
    /// The document is no JSON.
    #[error("the value is no JSON")]
    NotJson,
    /// The path is empty, or has one of `| # @ * ?`, which would name many places. A backslash before it makes it plain.
    #[error("the path is empty or has a sign of | # @ * ?; write \\ before such a sign")]
    Path,
    /// A key is to be set in an array.
    #[error("the path names a key, and an array stands there")]
    KeyOfArray,
    /// The path has too many parts, or counts too far into an array.
    #[error("the path leads too deep or too far")]
    TooFar,
    /// The document is too costly to search.
    #[error("{0}")]
    TooComplex(#[from] TooComplex),
}

/// The document with a text at this path, in place of what is there. An empty document becomes an object, or an array where
/// the path begins with a number.
///
/// # Errors
/// [`SetError`]; the document is as it was.
pub fn set(json: &[u8], path: &str, text: &str) -> Result<Vec<u8>, SetError> {
    let parts = readable(json, path)?;
    let changed = change::at(json, &parts, Change::Set(text.as_bytes()))?;
    // To set is always to change.
    changed.ok_or(SetError::Path)
}

/// The document without what is at this path; `None` when nothing is there.
///
/// # Errors
/// [`SetError`]; the document is as it was.
pub fn delete(json: &[u8], path: &str) -> Result<Option<Vec<u8>>, SetError> {
    change::at(json, &readable(json, path)?, Change::Delete)
}

fn readable(json: &[u8], path: &str) -> Result<Vec<path::Part>, SetError> {
    if !json.is_empty() && !is_valid(json) {
        return Err(SetError::NotJson);
    }
    path::parts(path)
}
