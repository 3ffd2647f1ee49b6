//! Reading arguments whose types the engine has checked.

use crate::value::{Element, FuncError, List, MAX_ITEMS, MAX_TEXT, Map, Value};

pub(super) fn arg(args: &[Value], index: usize) -> &Value {
    args.get(index).unwrap_or(&Value::Nil)
}

/// The arguments from an index on.
pub(super) fn rest(args: &[Value], from: usize) -> &[Value] {
    args.get(from..).unwrap_or_default()
}

pub(super) fn text(args: &[Value], index: usize) -> &[u8] {
    arg(args, index).as_text().unwrap_or_default()
}

pub(super) fn int(args: &[Value], index: usize) -> i64 {
    match arg(args, index) {
        Value::Int(value) | Value::Int64(value) => *value,
        _ => 0,
    }
}

/// A dict; nil is an empty one.
pub(super) fn dict(args: &[Value], index: usize) -> Map {
    match arg(args, index) {
        Value::Map(map) => map.clone(),
        _ => Map::new(Element::Any),
    }
}

/// The items of any list, as functions take them that look at their argument by reflection.
pub(super) fn items(value: &Value, doing: &str) -> Result<Vec<Value>, FuncError> {
    match value {
        Value::List(list) => Ok(list.items()),
        Value::Nil => Err(FuncError::new("invalid memory address or nil pointer dereference")),
        other => Err(FuncError::new(format!("{doing} {}", other.kind().name()))),
    }
}

/// Go's panic when an index lies outside.
pub(super) fn out_of_range() -> FuncError {
    FuncError::new("slice bounds out of range")
}

/// A text that may not grow beyond [`MAX_TEXT`].
#[derive(Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    over: bool,
}

impl Text {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.over || self.bytes.len() + bytes.len() > MAX_TEXT {
            self.over = true;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn finish(self) -> Result<Value, FuncError> {
        if self.over { Err(FuncError::too_large()) } else { Ok(self.bytes.into()) }
    }
}

/// A list of anything that may not have more than [`MAX_ITEMS`] items.
pub(super) fn list(items: Vec<Value>) -> Result<Value, FuncError> {
    typed_list(Element::Any, items)
}

pub(super) fn typed_list(element: Element, items: Vec<Value>) -> Result<Value, FuncError> {
    if items.len() > MAX_ITEMS {
        Err(FuncError::too_large())
    } else {
        Ok(Value::List(List::new(element, items)))
    }
}

/// The texts between the separators; between all runes if the separator is empty. At most `limit` of them if given.
pub(super) fn split<'a>(text: &'a [u8], separator: &[u8], limit: Option<usize>) -> Vec<&'a [u8]> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    if limit == 0 {
        return parts;
    }
    if separator.is_empty() {
        while !rest.is_empty() && parts.len() + 1 < limit {
            let (part, tail) = rest.split_at(crate::unicode::decode(rest).1);
            parts.push(part);
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(rest);
        }
        return parts;
    }
    while parts.len() + 1 < limit
        && let Some(at) = find(rest, separator)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

/// All parts, unless there are more than a list may have.
pub(super) fn split_all<'a>(
    text: &'a [u8],
    separator: &[u8],
    limit: Option<usize>,
) -> Result<Vec<&'a [u8]>, FuncError> {
    let parts = split(text, separator, Some(limit.unwrap_or(usize::MAX).min(MAX_ITEMS + 1)));
    if parts.len() > MAX_ITEMS { Err(FuncError::too_large()) } else { Ok(parts) }
}

pub(super) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}
