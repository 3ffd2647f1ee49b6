//! Trees to JSON.

use thiserror::Error;

use super::strings::{Html, push_quoted};
use super::{MAX_DEPTH, Tree};
use crate::number::{self, FloatBits, FloatFormat};

/// Why a tree has no JSON form.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    /// JSON has no word for infinity and not-a-number.
    #[error("a number is infinite or not a number, which JSON cannot hold")]
    NotFinite,
    /// Lists and maps nest deeper than [`MAX_DEPTH`].
    #[error("document nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Writes a tree without white space: keys sorted by bytes, U+2028 and U+2029 always escaped, U+FFFD for what is not UTF-8.
///
/// # Errors
/// The tree holds a number that is not finite, or nests too deep.
pub fn encode(tree: &Tree, html: Html) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    write(&mut out, tree, html, MAX_DEPTH)?;
    Ok(out)
}

/// Writes a text as a JSON string.
pub fn quote(text: impl AsRef<[u8]>, html: Html) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.as_ref().len() + 2);
    push_quoted(&mut out, text.as_ref(), html);
    out
}

/// Writes a float as JSON: shortest digits, with an exponent below 1e-6 and from 1e21 on.
/// Nothing for what is not finite.
pub fn format_float(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
        return Some(number::format_float(value, FloatFormat::Fixed, None, FloatBits::B64));
    }
    let text = number::format_float(value, FloatFormat::Exponent, None, FloatBits::B64);
    Some(match text.split_once("e-0") {
        Some((digits, exponent)) => format!("{digits}e-{exponent}"),
        None => text,
    })
}

/// Lays valid JSON out in lines as `json.Indent` does, each level deeper by `indent`. Empty objects and lists stay as they are.
pub fn indent(json: &[u8], indent: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped, mut opened) = (0_usize, false, false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        (0..depth).for_each(|_| out.extend_from_slice(indent.as_bytes()));
    };
    for &byte in json {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        if std::mem::take(&mut opened) && !closes {
            depth += 1;
            line(&mut out, depth);
        } else if closes && !matches!(out.last(), Some(b'{' | b'[')) {
            depth = depth.saturating_sub(1);
            line(&mut out, depth);
        }
        out.push(byte);
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => opened = true,
            b',' => line(&mut out, depth),
            b':' => out.push(b' '),
            _ => {}
        }
    }
    out
}

fn write(out: &mut Vec<u8>, tree: &Tree, html: Html, depth: usize) -> Result<(), EncodeError> {
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Tree::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Tree::Uint(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Tree::Float(value) => {
            out.extend_from_slice(format_float(*value).ok_or(EncodeError::NotFinite)?.as_bytes());
        }
        Tree::Text(text) => push_quoted(out, text, html),
        Tree::List(items) => {
            let depth = depth.checked_sub(1).ok_or(EncodeError::TooDeep)?;
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(out, item, html, depth)?;
            }
            out.push(b']');
        }
        Tree::Map(members) => {
            let depth = depth.checked_sub(1).ok_or(EncodeError::TooDeep)?;
            out.push(b'{');
            for (place, (key, value)) in members.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                push_quoted(out, key, html);
                out.push(b':');
                write(out, value, html, depth)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}
