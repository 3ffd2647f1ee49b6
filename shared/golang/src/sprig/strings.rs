//! Texts: cutting, joining, searching, quoting.

use std::collections::HashSet;

use super::Row;
use super::args::{Text, arg, find, int, out_of_range, split_all, text, typed_list};
use crate::fmt;
use crate::literal;
use crate::unicode;
use crate::value::Type::{Any, Int, Str};
use crate::value::{Element, FuncError, MAX_TEXT, Value};

pub(super) const TABLE: &[Row] = &[
    Row("hello", &[], None, |_| Ok("Hello!".into())),
    Row("trim", &[Str], None, |a| Ok(unicode::trim_space(text(a, 0)).into())),
    Row("trimall", &[Str, Str], None, trim_all),
    Row("trimAll", &[Str, Str], None, trim_all),
    Row("trimPrefix", &[Str, Str], None, |a| {
        Ok(text(a, 1).strip_prefix(text(a, 0)).unwrap_or(text(a, 1)).into())
    }),
    Row("trimSuffix", &[Str, Str], None, |a| {
        Ok(text(a, 1).strip_suffix(text(a, 0)).unwrap_or(text(a, 1)).into())
    }),
    Row("contains", &[Str, Str], None, |a| Ok(find(text(a, 1), text(a, 0)).is_some().into())),
    Row("hasPrefix", &[Str, Str], None, |a| Ok(text(a, 1).starts_with(text(a, 0)).into())),
    Row("hasSuffix", &[Str, Str], None, |a| Ok(text(a, 1).ends_with(text(a, 0)).into())),
    Row("repeat", &[Int, Str], None, repeat),
    Row("substr", &[Int, Int, Str], None, substr),
    Row("trunc", &[Int, Str], None, trunc),
    Row("replace", &[Str, Str, Str], None, replace),
    Row("quote", &[], Some(Any), quote),
    Row("squote", &[], Some(Any), squote),
    Row("cat", &[], Some(Any), cat),
    Row("indent", &[Int, Str], None, |a| indent(int(a, 0), text(a, 1), b"")),
    Row("nindent", &[Int, Str], None, |a| indent(int(a, 0), text(a, 1), b"\n")),
    Row("plural", &[Str, Str, Int], None, |a| Ok(arg(a, usize::from(int(a, 2) != 1)).clone())),
    Row("toString", &[Any], None, |a| Ok(stringify(arg(a, 0))?.into())),
    Row("toStrings", &[Any], None, |a| to_strings(arg(a, 0))),
    Row("join", &[Str, Any], None, join),
    Row("sortAlpha", &[Any], None, sort_alpha),
    Row("split", &[Str, Str], None, |a| Ok(numbered(split_all(text(a, 1), text(a, 0), None)?))),
    Row("splitn", &[Str, Int, Str], None, |a| {
        Ok(numbered(split_all(text(a, 2), text(a, 0), usize::try_from(int(a, 1)).ok())?))
    }),
    Row("splitList", &[Str, Str], None, |a| {
        typed_list(
            Element::Str,
            split_all(text(a, 1), text(a, 0), None)?.into_iter().map(Value::from).collect(),
        )
    }),
    Row("fail", &[Str], None, |a| Err(FuncError::spoken(String::from_utf8_lossy(text(a, 0)).into_owned()))),
];

/// What `toString` makes of a value: itself, what its `String` method says, or `%v`.
pub(super) fn stringify(value: &Value) -> Result<Vec<u8>, FuncError> {
    match value {
        Value::Str(text) => Ok(text.to_vec()),
        other => fmt::display(other),
    }
}

/// The texts of a list without its nils, or of the one value.
pub(super) fn texts(value: &Value) -> Result<Vec<Value>, FuncError> {
    let items = match value {
        Value::List(list) => list.items(),
        other => vec![other.clone()],
    };
    let mut made = 0;
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Nil => {}
            Value::Str(_) => texts.push(item),
            other => {
                let text = stringify(&other)?;
                made += text.len();
                if made > MAX_TEXT {
                    return Err(FuncError::too_large());
                }
                texts.push(text.into());
            }
        }
    }
    Ok(texts)
}

fn trim_all(a: &[Value]) -> Result<Value, FuncError> {
    let cut: HashSet<char> = unicode::runes(text(a, 0)).map(|(_, rune, _)| rune).collect();
    Ok(unicode::trim(text(a, 1), |rune| cut.contains(&rune)).into())
}

fn repeat(a: &[Value]) -> Result<Value, FuncError> {
    let count = usize::try_from(int(a, 0)).map_err(|_| FuncError::new("strings: negative Repeat count"))?;
    match text(a, 1).len().checked_mul(count) {
        Some(length) if length <= MAX_TEXT => {
            Ok(text(a, 1).repeat(if length == 0 { 0 } else { count }).into())
        }
        _ => Err(FuncError::too_large()),
    }
}

fn substr(a: &[Value]) -> Result<Value, FuncError> {
    let (start, end, text) = (int(a, 0), int(a, 1), text(a, 2));
    let length = text.len() as i64;
    let range = match (start, end) {
        (..0, _) => 0..end,
        _ if end < 0 || end > length => start..length,
        _ => start..end,
    };
    let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let part = range.and_then(|(start, end)| text.get(start..end));
    part.map(Value::from).ok_or_else(out_of_range)
}

fn trunc(a: &[Value]) -> Result<Value, FuncError> {
    let (count, text) = (int(a, 0), text(a, 1));
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if length >= text.len() {
        text.into()
    } else if count < 0 {
        text[text.len() - length..].into()
    } else {
        text[..length].into()
    })
}

fn replace(a: &[Value]) -> Result<Value, FuncError> {
    let (old, new, text) = (text(a, 0), text(a, 1), text(a, 2));
    let mut out = Text::default();
    if old.is_empty() {
        out.push(new);
        for (_, _, rune) in unicode::runes(text) {
            out.push(rune);
            out.push(new);
        }
        return out.finish();
    }
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        out.push(&rest[..at]);
        out.push(new);
        rest = &rest[at + old.len()..];
    }
    out.push(rest);
    out.finish()
}

/// Each value that is not nil as `write` writes it, with spaces between.
fn spaced(
    values: &[Value],
    write: impl Fn(&Value) -> Result<Vec<u8>, FuncError>,
) -> Result<Value, FuncError> {
    let mut out = Text::default();
    for (index, value) in values.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(b" ");
        }
        out.push(&write(value)?);
    }
    out.finish()
}

fn quote(a: &[Value]) -> Result<Value, FuncError> {
    spaced(a, |value| Ok(literal::quote(&stringify(value)?)))
}

fn squote(a: &[Value]) -> Result<Value, FuncError> {
    spaced(a, |value| Ok([b"'", fmt::display(value)?.as_slice(), b"'"].concat()))
}

fn cat(a: &[Value]) -> Result<Value, FuncError> {
    spaced(a, fmt::display)
}

fn indent(width: i64, text: &[u8], before: &[u8]) -> Result<Value, FuncError> {
    let width = usize::try_from(width).map_err(|_| FuncError::new("strings: negative Repeat count"))?;
    if width > MAX_TEXT {
        return Err(FuncError::too_large());
    }
    let pad = vec![b' '; width];
    let mut out = Text::default();
    out.push(before);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b"\n");
        }
        out.push(&pad);
        out.push(line);
    }
    out.finish()
}

fn to_strings(value: &Value) -> Result<Value, FuncError> {
    match value {
        Value::List(list) if list.element() == Element::Str => Ok(value.clone()),
        other => typed_list(Element::Str, texts(other)?),
    }
}

fn join(a: &[Value]) -> Result<Value, FuncError> {
    let mut out = Text::default();
    for (index, item) in texts(arg(a, 1))?.iter().enumerate() {
        if index > 0 {
            out.push(text(a, 0));
        }
        out.push(item.as_text().unwrap_or_default());
    }
    out.finish()
}

/// Sorts by bytes. A list of strings is sorted in place, which Go does too.
fn sort_alpha(a: &[Value]) -> Result<Value, FuncError> {
    let value = arg(a, 0);
    if let Value::List(_) = value {
        let texts = to_strings(value)?;
        if let Value::List(list) = &texts {
            // Each comparison may have to read both texts to their ends.
            let length: usize = list.items().iter().filter_map(Value::as_text).map(<[u8]>::len).sum();
            if length > 4 * MAX_TEXT {
                return Err(FuncError::too_large());
            }
            list.sort_texts();
        }
        return Ok(texts);
    }
    Ok(Value::strings([stringify(value)?]))
}

/// Parts under the keys `_0`, `_1` and so on.
fn numbered(parts: Vec<&[u8]>) -> Value {
    Value::string_map(parts.into_iter().enumerate().map(|(index, part)| (format!("_{index}"), part)))
}
