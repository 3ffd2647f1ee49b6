//! What values look like, byte by byte. Nothing here requires that the document is JSON.

use std::borrow::Cow;

use super::text::unescape;
use super::value::{Kind, Value};

/// What the first byte of a value says about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Quote,
    /// `{` or `[`.
    Open(u8),
    Literal,
    Number,
    /// No value begins with this byte.
    None,
}

pub(super) fn lead(json: &[u8], at: usize) -> Lead {
    match json.get(at) {
        Some(b'"') => Lead::Quote,
        Some(open @ (b'{' | b'[')) => Lead::Open(*open),
        Some(b'n') if json.get(at + 1).is_some_and(|next| *next != b'u') => Lead::Number,
        Some(b'n' | b't' | b'f') => Lead::Literal,
        Some(b'+' | b'-' | b'0'..=b'9' | b'i' | b'I' | b'N') => Lead::Number,
        _ => Lead::None,
    }
}

/// The string whose opening quote is at `at`, and the place behind it; nothing if it does not end.
pub(super) fn string(json: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    let (close, escaped) = closing_quote(json, at + 1);
    let close = close?;
    let body = &json[at + 1..close];
    let text = if escaped { Cow::Owned(unescape(body)) } else { Cow::Borrowed(body) };
    Some((Value { kind: Kind::String, raw: Cow::Borrowed(&json[at..=close]), text }, close + 1))
}

/// The literal or number at `at`, and the place behind it.
pub(super) fn scalar(json: &[u8], at: usize, lead: Lead) -> (Value<'_>, usize) {
    let ends: fn(&u8) -> bool = match lead {
        Lead::Number => |byte| matches!(byte, 0..=b' ' | b',' | b']' | b'}'),
        _ => |byte| !byte.is_ascii_lowercase(),
    };
    let end = find(json, at + 1, ends).unwrap_or(json.len());
    let kind = match (lead, json[at]) {
        (Lead::Number, _) => Kind::Number,
        (_, b't') => Kind::True,
        (_, b'f') => Kind::False,
        _ => Kind::Null,
    };
    (Value::plain(kind, &json[at..end]), end)
}

/// The next value at or behind `at`, and the place behind it. Bytes with which no value begins are passed over.
pub(super) fn any(json: &[u8], at: usize) -> (usize, Option<Value<'_>>) {
    let Some(at) = (at..json.len()).find(|at| lead(json, *at) != Lead::None) else {
        return (json.len(), None);
    };
    match lead(json, at) {
        Lead::Quote => match string(json, at) {
            Some((value, end)) => (end, Some(value)),
            None => (json.len(), None),
        },
        Lead::Open(_) => {
            let end = group_end(json, at);
            (end, Some(Value::json(&json[at..end.min(json.len())])))
        }
        lead => {
            let (value, end) = scalar(json, at, lead);
            (end, Some(value))
        }
    }
}

/// A whole document as one value: the first value in it. Objects and arrays reach to the end of the document.
pub(super) fn document(json: &[u8]) -> Option<Value<'_>> {
    let at = find(json, 0, |byte| *byte > b' ')?;
    match lead(json, at) {
        Lead::Open(_) => Some(Value::json(&json[at..])),
        Lead::Quote => Some(match string(json, at) {
            Some((value, _)) => value,
            None => {
                let body = &json[at + 1..];
                let text =
                    if body.contains(&b'\\') { Cow::Owned(unescape(body)) } else { Cow::Borrowed(body) };
                Value { kind: Kind::String, raw: Cow::Borrowed(&json[at..]), text }
            }
        }),
        Lead::None => None,
        lead => Some(scalar(json, at, lead).0),
    }
}

/// The place behind the bracket that closes the one at `at`. Kinds of brackets are not told apart, strings are passed
/// over; without a closing bracket it is the end of the document, and one more if a string does not end.
pub(super) fn group_end(json: &[u8], at: usize) -> usize {
    let mut depth = 1_usize;
    let mut at = at + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => match closing_quote(json, at + 1).0 {
                Some(close) => at = close,
                None => return json.len() + 1,
            },
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    json.len()
}

/// The length of the group or string that `text` starts with. Any other first byte counts as an opening bracket.
pub(super) fn squash(text: &[u8]) -> usize {
    if text.first() == Some(&b'"') {
        closing_quote(text, 1).0.map_or(text.len(), |close| close + 1)
    } else {
        group_end(text, 0).min(text.len())
    }
}

/// The place of the quote that ends a string whose content starts at `at`, and whether there are escapes before it.
pub(super) fn closing_quote(json: &[u8], at: usize) -> (Option<usize>, bool) {
    let mut escaped = false;
    let mut at = at;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return (Some(at), escaped),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
    (None, escaped)
}

/// The bytes without white space and control characters at both ends.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let Some(start) = text.iter().position(|byte| *byte > b' ') else { return b"" };
    let end = text.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
    &text[start..end]
}

fn find(json: &[u8], from: usize, wanted: impl Fn(&u8) -> bool) -> Option<usize> {
    json.get(from..)?.iter().position(wanted).map(|offset| from + offset)
}
