//! JSON to trees and to pieces.

use std::collections::BTreeMap;

use thiserror::Error;

use super::encode::{format_float, quote};
use super::strings::Html;
use super::strings::{push_quoted, unquote};
use super::syntax::{self, skip_space};
use super::{MAX_DEPTH, Tree};
use crate::number::{FloatBits, parse_float};

/// How deep Go lets a document nest.
const GO_MAX_DEPTH: usize = 10_000;

/// Why bytes cannot be read as the JSON that is wanted. Names places, never content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not one JSON value.
    #[error("invalid JSON at byte {0}")]
    Syntax(usize),
    /// The value is a list or a scalar.
    #[error("JSON value is not an object")]
    NotAnObject,
    /// A member of the object is no string, where all should be.
    #[error("a member of the JSON object is not a string")]
    NotText,
    /// A number is greater than a float can be.
    #[error("JSON number at byte {0} is out of range")]
    Number(usize),
    /// Lists and objects nest deeper than [`MAX_DEPTH`].
    #[error("JSON nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Whether the bytes are one JSON value, with white space around it allowed.
pub fn is_valid(json: impl AsRef<[u8]>) -> bool {
    syntax::check(json.as_ref(), GO_MAX_DEPTH).is_ok()
}

/// Takes a JSON object apart, as ESO does to make the keys of a Secret: strings are unescaped, `null` is empty, every
/// other value keeps its exact text. Of equal keys the last wins. A document that is `null` has no keys.
///
/// # Errors
/// The bytes are no JSON, or a list or scalar.
pub fn object_to_raw(json: impl AsRef<[u8]>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, DecodeError> {
    members(json.as_ref(), |reader| match reader.peek() {
        Some(b'"') => reader.text(),
        Some(b'n') => {
            reader.word();
            Ok(Vec::new())
        }
        _ => Ok(reader.raw().to_vec()),
    })
}

/// The members of an object as they stand there: Go's `map[string]json.RawMessage`. Of equal names the last wins, and `null` has
/// none.
///
/// # Errors
/// The bytes are no JSON, or no object.
pub fn object_to_quoted(json: impl AsRef<[u8]>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, DecodeError> {
    members(json.as_ref(), |reader| Ok(reader.raw().to_vec()))
}

fn members<'j>(
    json: &'j [u8],
    value: impl Fn(&mut Reader<'j>) -> Result<Vec<u8>, DecodeError>,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, DecodeError> {
    syntax::check(json, GO_MAX_DEPTH).map_err(DecodeError::Syntax)?;
    let mut reader = Reader { json, at: skip_space(json, 0) };
    match reader.peek() {
        Some(b'{') => {}
        Some(b'n') => return Ok(BTreeMap::new()),
        _ => return Err(DecodeError::NotAnObject),
    }
    let mut members = BTreeMap::new();
    reader.skip_sign();
    while reader.peek() == Some(b'"') {
        let key = reader.text()?;
        reader.skip_sign();
        let value = value(&mut reader)?;
        members.insert(key, value);
        reader.skip_space();
        reader.skip_sign();
    }
    Ok(members)
}

/// Reads a document as Go reads it into an `interface{}`. Of equal keys the last wins; what is not UTF-8, and half a
/// surrogate pair, becomes U+FFFD.
///
/// # Errors
/// The bytes are no JSON, nest too deep, or hold a number beyond the range of floats.
pub fn decode(json: impl AsRef<[u8]>) -> Result<Tree, DecodeError> {
    build(json.as_ref(), &Trees)
}

/// Writes a document again as Go does after reading it with `UseNumber`: without white space, keys sorted by bytes,
/// strings escaped anew, numbers as they were written. Of equal keys the last wins.
///
/// # Errors
/// The bytes are no JSON, or nest too deep.
pub fn rewrite(json: impl AsRef<[u8]>, html: Html) -> Result<Vec<u8>, DecodeError> {
    build(json.as_ref(), &Texts(html))
}

/// Writes a document again as Kubernetes' clients do after reading an object of any kind: as [`rewrite`], but numbers anew,
/// whole ones that fit 64 bits with a sign as such and others as floats.
///
/// Source: `UnmarshalCaseSensitivePreserveInts` of sigs.k8s.io/json, then `json.Marshal`.
///
/// # Errors
/// The bytes are no JSON, nest too deep, or hold a number beyond the range of floats.
pub fn rewrite_object(json: impl AsRef<[u8]>, html: Html) -> Result<Vec<u8>, DecodeError> {
    build(json.as_ref(), &Objects(Texts(html)))
}

/// What a document is turned into, piece by piece.
trait Build {
    type Value;

    fn text(&self, text: Vec<u8>) -> Self::Value;

    /// A number or a literal that stands at byte `at`.
    fn word(&self, word: &[u8], at: usize) -> Result<Self::Value, DecodeError>;

    fn list(&self, items: Vec<Self::Value>) -> Self::Value;

    fn map(&self, members: BTreeMap<Vec<u8>, Self::Value>) -> Self::Value;
}

struct Trees;

impl Build for Trees {
    type Value = Tree;

    fn text(&self, text: Vec<u8>) -> Tree {
        Tree::Text(text)
    }

    fn word(&self, word: &[u8], at: usize) -> Result<Tree, DecodeError> {
        Ok(match word {
            b"null" => Tree::Null,
            b"true" => Tree::Bool(true),
            b"false" => Tree::Bool(false),
            number => Tree::Float(parse_float(number, FloatBits::B64).map_err(|_| DecodeError::Number(at))?),
        })
    }

    fn list(&self, items: Vec<Tree>) -> Tree {
        Tree::List(items)
    }

    fn map(&self, members: BTreeMap<Vec<u8>, Tree>) -> Tree {
        Tree::Map(members)
    }
}

/// JSON again.
struct Texts(Html);

impl Build for Texts {
    type Value = Vec<u8>;

    fn text(&self, text: Vec<u8>) -> Vec<u8> {
        quote(text, self.0)
    }

    fn word(&self, word: &[u8], _: usize) -> Result<Vec<u8>, DecodeError> {
        Ok(word.to_vec())
    }

    fn list(&self, items: Vec<Vec<u8>>) -> Vec<u8> {
        let mut out = vec![b'['];
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(item);
        }
        out.push(b']');
        out
    }

    fn map(&self, members: BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (place, (key, value)) in members.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_quoted(&mut out, key, self.0);
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        out
    }
}

/// JSON again, with its numbers read.
struct Objects(Texts);

impl Build for Objects {
    type Value = Vec<u8>;

    fn text(&self, text: Vec<u8>) -> Vec<u8> {
        self.0.text(text)
    }

    fn word(&self, word: &[u8], at: usize) -> Result<Vec<u8>, DecodeError> {
        if matches!(word, b"null" | b"true" | b"false") {
            return Ok(word.to_vec());
        }
        if let Some(whole) = std::str::from_utf8(word).ok().and_then(|text| text.parse::<i64>().ok()) {
            return Ok(whole.to_string().into_bytes());
        }
        let float = parse_float(word, FloatBits::B64).ok().and_then(format_float);
        float.map(String::into_bytes).ok_or(DecodeError::Number(at))
    }

    fn list(&self, items: Vec<Vec<u8>>) -> Vec<u8> {
        self.0.list(items)
    }

    fn map(&self, members: BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
        self.0.map(members)
    }
}

fn build<B: Build>(json: &[u8], builder: &B) -> Result<B::Value, DecodeError> {
    syntax::check(json, GO_MAX_DEPTH).map_err(DecodeError::Syntax)?;
    let mut reader = Reader { json, at: skip_space(json, 0) };
    let mut open: Vec<Open<B::Value>> = Vec::new();
    loop {
        // The syntax is checked, so each step only has to tell the valid cases apart.
        let start = reader.at;
        let mut value = match reader.peek() {
            Some(b'{' | b'[') => {
                if open.len() >= MAX_DEPTH {
                    return Err(DecodeError::TooDeep);
                }
                let is_map = reader.peek() == Some(b'{');
                reader.skip_sign();
                let mut opened =
                    if is_map { Open::Map(BTreeMap::new(), Vec::new()) } else { Open::List(Vec::new()) };
                if matches!(reader.peek(), Some(b'}' | b']')) {
                    reader.at += 1;
                    opened.close(builder)
                } else {
                    opened.read_key(&mut reader)?;
                    open.push(opened);
                    continue;
                }
            }
            Some(b'"') => builder.text(reader.text()?),
            _ => builder.word(reader.word(), start)?,
        };
        loop {
            let Some(parent) = open.last_mut() else { return Ok(value) };
            parent.add(value);
            reader.skip_space();
            let is_last = reader.peek() != Some(b',');
            if !is_last {
                reader.skip_sign();
                parent.read_key(&mut reader)?;
                break;
            }
            reader.at += 1;
            value = parent.close(builder);
            open.pop();
        }
    }
}

/// A list or map whose end is not yet reached.
enum Open<V> {
    List(Vec<V>),
    /// With the key that waits for its value.
    Map(BTreeMap<Vec<u8>, V>, Vec<u8>),
}

impl<V> Open<V> {
    fn read_key(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        if let Self::Map(_, key) = self {
            *key = reader.text()?;
            reader.skip_space();
            reader.skip_sign();
        }
        Ok(())
    }

    fn add(&mut self, value: V) {
        match self {
            Self::List(items) => items.push(value),
            Self::Map(members, key) => {
                members.insert(std::mem::take(key), value);
            }
        }
    }

    fn close<B: Build<Value = V>>(&mut self, builder: &B) -> V {
        match self {
            Self::List(items) => builder.list(std::mem::take(items)),
            Self::Map(members, _) => builder.map(std::mem::take(members)),
        }
    }
}

/// A place in JSON whose syntax is known to be right.
struct Reader<'j> {
    json: &'j [u8],
    at: usize,
}

impl<'j> Reader<'j> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.at = skip_space(self.json, self.at);
    }

    /// Passes one sign and the white space behind it.
    fn skip_sign(&mut self) {
        self.at += 1;
        self.skip_space();
    }

    /// A string, unescaped; also passes the white space behind it.
    fn text(&mut self) -> Result<Vec<u8>, DecodeError> {
        let start = self.at;
        let text = unquote(self.quoted()).ok_or(DecodeError::Syntax(start))?;
        self.skip_space();
        Ok(text)
    }

    /// A string with its quotes.
    fn quoted(&mut self) -> &'j [u8] {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek().filter(|byte| *byte != b'"') {
            self.at += if byte == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        self.json.get(start..self.at).unwrap_or_default()
    }

    /// What stands there, whatever it is.
    fn raw(&mut self) -> &'j [u8] {
        match self.peek() {
            Some(b'{' | b'[') => self.group(),
            Some(b'"') => self.quoted(),
            _ => self.word(),
        }
    }

    /// The text of a number or literal.
    fn word(&mut self) -> &'j [u8] {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
        let word = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// The text of an object or list.
    fn group(&mut self) -> &'j [u8] {
        let start = self.at;
        let mut depth = 0_usize;
        let mut in_string = false;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match (in_string, byte) {
                (true, b'\\') => self.at += 1,
                (_, b'"') => in_string = !in_string,
                (false, b'{' | b'[') => depth += 1,
                (false, b'}' | b']') => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        &self.json[start..self.at]
    }
}
