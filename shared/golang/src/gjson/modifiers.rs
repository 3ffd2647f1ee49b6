//! The functions that a path can apply: `@reverse`, `@pretty:{"indent":" "}`, and the literals behind `!`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::budget::{Budget, TooComplex};
use super::list::List;
use super::pretty::{self, Layout};
use super::scan::{self, trim};
use super::value::{Kind, Value};
use super::walk;
use crate::json::{self, Html, syntax};

/// A new document, and the rest of the path.
pub(super) type Applied<'j, 'p> = Option<(Cow<'j, [u8]>, &'p [u8])>;

type Output<'j> = Result<Cow<'j, [u8]>, TooComplex>;

/// One modifier: the document and its argument to a new document.
pub(super) type Modifier = for<'j> fn(&'j [u8], &[u8], Budget<'_>) -> Output<'j>;

/// The modifier of that name, without its `@`.
pub(super) fn find(name: &[u8]) -> Option<Modifier> {
    Some(match name {
        b"pretty" => pretty,
        b"ugly" => |json, _, _| Ok(Cow::Owned(pretty::ugly(json))),
        b"reverse" => |json, _, budget| reverse(json, budget),
        b"this" => |json, _, _| Ok(Cow::Borrowed(json)),
        b"flatten" => flatten,
        b"join" => join,
        b"valid" => |json, _, _| Ok(Cow::Borrowed(if is_valid(json) { json } else { b"" })),
        b"keys" => |json, _, budget| keys(json, budget),
        b"values" => |json, _, budget| values(json, budget),
        b"tostr" => |json, _, budget| {
            // Each sign may become several, and that is known only afterwards.
            budget.write(json.len())?;
            Ok(Cow::Owned(json::quote(json, Html::Escape)))
        },
        b"fromstr" => |json, _, _| Ok(from_string(json)),
        b"group" => |json, _, budget| group(json, budget),
        b"dig" => dig,
        _ => return None,
    })
}

/// Applies the modifier at the start of `path`; also gives the rest of the path. Nothing if there is no such modifier.
pub(super) fn apply<'j, 'p>(
    json: &'j [u8],
    path: &'p [u8],
    budget: Budget<'_>,
) -> Result<Applied<'j, 'p>, TooComplex> {
    let end = path.iter().position(|byte| matches!(byte, b':' | b'|' | b'.')).unwrap_or(path.len());
    let Some(modifier) = find(&path[1..end]) else { return Ok(None) };
    let (argument, rest) = match path.get(end) {
        Some(b':') => {
            let behind = &path[end + 1..];
            behind.split_at(argument_len(behind))
        }
        _ => (&b""[..], &path[end..]),
    };
    let output = modifier(json, argument, budget.deeper()?)?;
    if let Cow::Owned(output) = &output {
        budget.write(output.len())?;
    }
    Ok(Some((output, rest)))
}

/// The literal at the start of `path`, behind its `!`; also gives the rest of the path. Nothing if it is none.
pub(super) fn literal(path: &[u8]) -> Applied<'static, '_> {
    let text = &path[1..];
    let end = match text.first() {
        Some(b'{' | b'[' | b'"' | b'+' | b'-' | b'0'..=b'9') => scan::group_end(text, 0).min(text.len()),
        _ => {
            let end = text.iter().position(|byte| matches!(byte, b'|' | b'.')).unwrap_or(text.len());
            let name = text[..end].to_ascii_lowercase();
            if !matches!(&*name, b"true" | b"false" | b"null" | b"nan" | b"inf") {
                return None;
            }
            end
        }
    };
    Some((Cow::Owned(text[..end].to_vec()), &text[end..]))
}

/// A JSON argument ends where its value does, any other at the next pipe outside of brackets and strings.
fn argument_len(text: &[u8]) -> usize {
    if let Some(b'{' | b'[' | b'"') = text.first() {
        return scan::squash(text);
    }
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'|' => return at,
            b'{' | b'[' | b'"' | b'(' => at += scan::squash(&text[at..]),
            _ => at += 1,
        }
    }
    text.len()
}

fn is_valid(json: &[u8]) -> bool {
    syntax::check(json, usize::MAX).is_ok()
}

/// Visits the options in a modifier's argument.
fn for_each_option(
    argument: &[u8],
    budget: Budget<'_>,
    mut visit: impl FnMut(&[u8], Value<'_>),
) -> Result<(), TooComplex> {
    let Some(options) = scan::document(argument) else { return Ok(()) };
    options.for_each(budget, |name, value| {
        visit(&name.map_or(Cow::Borrowed(&b""[..]), Value::text), value);
        Ok(())
    })
}

fn pretty<'j>(json: &'j [u8], argument: &[u8], budget: Budget<'_>) -> Output<'j> {
    let mut layout = Layout::default();
    for_each_option(argument, budget, |name, value| match name {
        b"sortKeys" => layout.sort_keys = value.is_trueish(),
        b"indent" => layout.indent = only_space(&value.string()),
        b"prefix" => layout.prefix = only_space(&value.string()),
        b"width" => layout.width = value.integer(),
        _ => {}
    })?;
    pretty::pretty(json, &layout, budget).map(Cow::Owned)
}

fn only_space(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).collect()
}

fn reverse<'j>(json: &'j [u8], budget: Budget<'_>) -> Output<'j> {
    let Some(document) = scan::document(json).filter(|document| document.kind == Kind::Json) else {
        return Ok(Cow::Borrowed(json));
    };
    let mut members = Vec::new();
    document.for_each(budget, |key, value| {
        budget.part(key.as_ref().map_or(0, |key| key.raw.len()) + value.raw.len())?;
        let mut member = Vec::new();
        if let Some(key) = key {
            member.extend_from_slice(&key.raw);
            member.push(b':');
        }
        member.extend_from_slice(&value.raw);
        members.push(member);
        Ok(())
    })?;
    members.reverse();
    let body = members.join(&b","[..]);
    Ok(Cow::Owned(if document.is_object() { wrap(b'{', &body, b'}') } else { wrap(b'[', &body, b']') }))
}

/// Lifts the elements of arrays inside of an array into it; with `{"deep":true}` at every depth.
fn flatten<'j>(json: &'j [u8], argument: &[u8], budget: Budget<'_>) -> Output<'j> {
    let budget = budget.deeper()?;
    let Some(document) = scan::document(json).filter(Value::is_array) else { return Ok(Cow::Borrowed(json)) };
    let mut deep = false;
    for_each_option(argument, budget, |name, value| {
        if name == b"deep" {
            deep = value.is_trueish();
        }
    })?;
    let mut out = Vec::new();
    document.for_each(budget, |_, value| {
        let flat = if value.is_array() && deep {
            flatten(&value.raw, argument, budget)?
        } else {
            Cow::Borrowed(&*value.raw)
        };
        let part = trim_unicode(if value.is_array() { unwrap(&flat) } else { &flat });
        if !part.is_empty() {
            if !out.is_empty() {
                out.push(b',');
            }
            budget.write(part.len())?;
            out.extend_from_slice(part);
        }
        Ok(())
    })?;
    Ok(Cow::Owned(wrap(b'[', &out, b']')))
}

/// Merges the objects in an array. Later members win, in the place of the first; with `{"preserve":true}` all are kept.
fn join<'j>(json: &'j [u8], argument: &[u8], budget: Budget<'_>) -> Output<'j> {
    let Some(document) = scan::document(json).filter(Value::is_array) else { return Ok(Cow::Borrowed(json)) };
    let mut preserve = false;
    for_each_option(argument, budget, |name, value| {
        if name == b"preserve" {
            preserve = value.is_trueish();
        }
    })?;
    let mut members: Vec<Vec<u8>> = Vec::new();
    let mut places: HashMap<Vec<u8>, (usize, Vec<u8>)> = HashMap::new();
    document.for_each(budget, |_, object| {
        if !object.is_object() {
            return Ok(());
        }
        if preserve {
            budget.part(object.raw.len())?;
            members.push(unwrap(&object.raw).to_vec());
            return Ok(());
        }
        object.for_each(budget, |key, value| {
            let Some(key) = key else { return Ok(()) };
            budget.part(3 * key.raw.len() + value.raw.len())?;
            let next = members.len();
            let (place, name) =
                places.entry(key.text().into_owned()).or_insert_with(|| (next, key.raw.to_vec()));
            let member = [&**name, &value.raw].join(&b':');
            match members.get_mut(*place) {
                Some(before) => *before = member,
                None => members.push(member),
            }
            Ok(())
        })
    })?;
    Ok(Cow::Owned(wrap(b'{', &members.join(&b","[..]), b'}')))
}

fn keys<'j>(json: &'j [u8], budget: Budget<'_>) -> Output<'j> {
    let mut names = List::default();
    if let Some(document) = scan::document(json) {
        document.for_each(budget, |key, _| {
            names.push(key.map_or(b"null", |key| &key.raw));
            Ok(())
        })?;
    }
    Ok(Cow::Owned(names.close()))
}

fn values<'j>(json: &'j [u8], budget: Budget<'_>) -> Output<'j> {
    let Some(document) = scan::document(json) else { return Ok(Cow::Borrowed(b"[]")) };
    if document.is_array() {
        return Ok(Cow::Borrowed(json));
    }
    let mut list = List::default();
    document.for_each(budget, |_, value| {
        list.push(&value.raw);
        Ok(())
    })?;
    Ok(Cow::Owned(list.close()))
}

fn from_string(json: &[u8]) -> Cow<'_, [u8]> {
    match scan::document(json) {
        Some(document) if is_valid(json) => Cow::Owned(document.string().into_owned()),
        _ => Cow::Borrowed(b""),
    }
}

/// Turns an object of arrays into an array of objects: `{"a":[1,2],"b":[3]}` into `[{"a":1,"b":3},{"a":2}]`.
fn group<'j>(json: &'j [u8], budget: Budget<'_>) -> Output<'j> {
    let Some(document) = scan::document(json).filter(Value::is_object) else { return Ok(Cow::Borrowed(b"")) };
    let mut objects: Vec<Vec<u8>> = Vec::new();
    document.for_each(budget, |key, list| {
        let Some(key) = key.filter(|_| list.is_array()) else { return Ok(()) };
        let mut place = 0;
        list.for_each(budget, |_, value| {
            budget.part(key.raw.len() + value.raw.len())?;
            if place == objects.len() {
                objects.push(Vec::new());
            }
            let object = &mut objects[place];
            if !object.is_empty() {
                object.push(b',');
            }
            object.extend_from_slice(&key.raw);
            object.push(b':');
            object.extend_from_slice(&value.raw);
            place += 1;
            Ok(())
        })
    })?;
    let objects: Vec<Vec<u8>> = objects.iter().map(|body| wrap(b'{', body, b'}')).collect();
    Ok(Cow::Owned(wrap(b'[', &objects.join(&b","[..]), b']')))
}

/// Lists what a path finds in the document and in every value inside of it.
fn dig<'j>(json: &'j [u8], path: &[u8], budget: Budget<'_>) -> Output<'j> {
    let mut found = Vec::new();
    match scan::document(json) {
        Some(document) => dig_into(&document, path, &mut found, budget)?,
        None => found.extend(walk::get(b"", path, budget)?.map(|value| value.raw.into_owned())),
    }
    Ok(Cow::Owned(wrap(b'[', &found.join(&b","[..]), b']')))
}

fn dig_into(
    parent: &Value<'_>,
    path: &[u8],
    found: &mut Vec<Vec<u8>>,
    budget: Budget<'_>,
) -> Result<(), TooComplex> {
    let budget = budget.deeper()?;
    if let Some(value) = walk::get(&parent.raw, path, budget)? {
        budget.part(value.raw.len())?;
        found.push(value.raw.into_owned());
    }
    if parent.kind == Kind::Json {
        parent.for_each(budget, |_, value| dig_into(&value, path, found, budget))?;
    }
    Ok(())
}

fn wrap(open: u8, body: &[u8], close: u8) -> Vec<u8> {
    [&[open], body, &[close]].concat()
}

/// The content of an object or array; its last byte is taken off whatever it is.
fn unwrap(json: &[u8]) -> &[u8] {
    match trim(json) {
        [b'[' | b'{', body @ .., _] => body,
        other => other,
    }
}

fn trim_unicode(text: &[u8]) -> &[u8] {
    std::str::from_utf8(text).map_or_else(|_| text.trim_ascii(), |text| text.trim().as_bytes())
}
