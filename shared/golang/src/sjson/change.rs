//! The change itself, from the outermost part of a path to the innermost.

use super::SetError;
use super::path::Part;
use crate::gjson;
use crate::json::{Html, quote};

/// What is done at the end of a path.
#[derive(Clone, Copy)]
pub(super) enum Change<'t> {
    /// A text takes the place of what is there.
    Set(&'t [u8]),
    /// What is there goes.
    Delete,
}

/// The document with the change; `None` where there is nothing to delete.
pub(super) fn at(json: &[u8], parts: &[Part], change: Change<'_>) -> Result<Option<Vec<u8>>, SetError> {
    let mut out = Vec::with_capacity(json.len() + 64);
    Ok(write(&mut out, json, parts, change)?.then_some(out))
}

/// Writes the changed value; `false` where there is nothing to delete.
fn write(out: &mut Vec<u8>, json: &[u8], parts: &[Part], change: Change<'_>) -> Result<bool, SetError> {
    let Some((part, deeper)) = parts.split_first() else { return Err(SetError::Path) };
    let Some((start, end)) = found(json, part, change)? else {
        return match change {
            Change::Set(text) => insert(out, json, parts, text).map(|()| true),
            Change::Delete => Ok(false),
        };
    };
    out.extend_from_slice(&json[..start]);
    let mut rest = end;
    match change {
        _ if !deeper.is_empty() => {
            if !write(out, &json[start..end], deeper, change)? {
                return Ok(false);
            }
        }
        Change::Set(text) => push_text(out, text),
        Change::Delete => {
            if cut_back(out) {
                rest += behind_comma(&json[end..]);
            }
        }
    }
    out.extend_from_slice(&json[rest..]);
    Ok(true)
}

/// Where the value of a part begins and ends.
fn found(json: &[u8], part: &Part, change: Change<'_>) -> Result<Option<(usize, usize)>, SetError> {
    if matches!(change, Change::Delete) && part.is_last() {
        let last = gjson::elements(json)?.len().checked_sub(1);
        if json.first() == Some(&b'[')
            && let Some(last) = last
        {
            return place_of(json, last.to_string().as_bytes());
        }
    }
    place_of(json, &part.searched)
}

fn place_of(json: &[u8], path: &[u8]) -> Result<Option<(usize, usize)>, SetError> {
    let Some(value) = gjson::get(json, path)? else { return Ok(None) };
    // A value that was put together stands nowhere in the document.
    let start = (value.raw().as_ptr() as usize).checked_sub(json.as_ptr() as usize);
    let within = start.map(|start| (start, start + value.raw().len()));
    Ok(within.filter(|(start, end)| *start > 0 && *end <= json.len()))
}

/// Writes the value with something in it that was not there.
fn insert(out: &mut Vec<u8>, json: &[u8], parts: &[Part], text: &[u8]) -> Result<(), SetError> {
    let place = parts[0].place()?;
    let begin = json.iter().position(|byte| *byte > b' ');
    let json = match begin.map(|begin| &json[begin..]) {
        Some(json @ [b'{' | b'[', ..]) => json,
        // What is neither gives way.
        _ if place.is_some() => b"[]",
        _ => b"{}",
    };
    let held = json[1..].iter().find(|byte| **byte > b' ');
    let comma = held.is_some_and(|byte| !matches!(byte, b'}' | b']'));
    if json[0] == b'{' {
        let end = json.iter().rposition(|byte| *byte == b'}').unwrap_or(0);
        out.extend_from_slice(&json[..end]);
        if comma {
            out.push(b',');
        }
        build(out, false, parts, text)?;
        out.push(b'}');
        return Ok(());
    }
    match place {
        Some(place) => {
            out.push(b'[');
            let elements = gjson::elements(json)?;
            out.extend_from_slice(&elements.join(&b','));
            let missing = place.saturating_sub(elements.len());
            if elements.is_empty() {
                push_nulls(out, missing);
            } else {
                (0..missing).for_each(|_| out.extend_from_slice(b",null"));
                if comma {
                    out.push(b',');
                }
            }
        }
        None if parts[0].is_last() => {
            let json = json.trim_ascii_end();
            out.extend_from_slice(json.strip_suffix(b"]").unwrap_or(json));
            if comma {
                out.push(b',');
            }
        }
        None => return Err(SetError::KeyOfArray),
    }
    build(out, true, parts, text)?;
    out.push(b']');
    Ok(())
}

/// Writes what leads to the text: keys, objects, arrays.
fn build(out: &mut Vec<u8>, in_array: bool, parts: &[Part], text: &[u8]) -> Result<(), SetError> {
    let Some((part, deeper)) = parts.split_first() else { return Err(SetError::Path) };
    if !in_array {
        push_text(out, &part.key);
        out.push(b':');
    }
    let Some(next) = deeper.first() else {
        push_text(out, text);
        return Ok(());
    };
    match next.place()? {
        None if !next.is_last() => {
            out.push(b'{');
            build(out, false, deeper, text)?;
            out.push(b'}');
        }
        place => {
            out.push(b'[');
            push_nulls(out, place.unwrap_or_default());
            build(out, true, deeper, text)?;
            out.push(b']');
        }
    }
    Ok(())
}

fn push_nulls(out: &mut Vec<u8>, count: usize) {
    (0..count).for_each(|_| out.extend_from_slice(b"null,"));
}

/// A text that is plain stands as it is; any other is written as Go's `json.Marshal` does, `<`, `>` and `&` as escapes.
fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    if text.iter().all(|byte| matches!(byte, b' '..=0x7f) && !matches!(byte, b'"' | b'\\')) {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    } else {
        out.extend_from_slice(&quote(text, Html::Escape));
    }
}

/// Takes away the key or comma before a value that goes. `true` when it was the first one, so that the comma behind it goes.
fn cut_back(out: &mut Vec<u8>) -> bool {
    let Some(sign) = out.iter().rposition(|byte| matches!(byte, b'[' | b',' | b':')) else { return false };
    match out[sign] {
        b'[' => return true,
        b',' => {
            out.truncate(sign);
            return false;
        }
        _ => {}
    }
    // Back over the key's closing quote to its opening one.
    let Some(mut at) = out[..sign].iter().rposition(|byte| *byte == b'"') else { return false };
    loop {
        let Some(quote) = out[..at].iter().rposition(|byte| *byte == b'"') else { return false };
        at = quote;
        if at == 0 || out[at - 1] != b'\\' {
            break;
        }
    }
    match out[..at].iter().rposition(|byte| matches!(byte, b'{' | b',')) {
        Some(open) if out[open] == b'{' => {
            out.truncate(open + 1);
            true
        }
        Some(comma) => {
            out.truncate(comma);
            false
        }
        None => false,
    }
}

/// How far it is to behind the comma that comes next, if one does.
fn behind_comma(rest: &[u8]) -> usize {
    match rest.iter().position(|byte| *byte > b' ') {
        Some(at) if rest[at] == b',' => at + 1,
        _ => 0,
    }
}
