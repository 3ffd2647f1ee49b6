//! Several paths at once: `[a,b.c]` gives an array of what they find, `{a,"name":b.c}` an object.

use super::budget::{Budget, TooComplex};
use super::walk;
use crate::json::strings::push_quoted;
use crate::json::{Html, syntax};

/// One selected path, under the name it was given.
struct Member<'p> {
    name: &'p [u8],
    path: &'p [u8],
}

/// What became of a path that starts like a multipath.
pub(super) enum Selected<'p> {
    /// What it selects, and the rest of the path, which is empty or starts with a dot or pipe.
    List(Vec<u8>, &'p [u8]),
    /// It is no multipath. The original then searches for the part that it did not read as one.
    Not(&'p [u8]),
}

/// Builds what the multipath at the start of `path` selects.
pub(super) fn select<'p>(
    json: &[u8],
    path: &'p [u8],
    budget: Budget<'_>,
) -> Result<Selected<'p>, TooComplex> {
    let Some((members, rest)) = parse(path) else { return Ok(Selected::Not(b"")) };
    if !matches!(rest, [] | [b'|' | b'.', ..]) {
        return Ok(Selected::Not(rest));
    }
    let is_object = path[0] == b'{';
    let mut out = vec![path[0]];
    for member in members {
        let Some(value) = walk::get(json, member.path, budget)? else { continue };
        budget.write(member.name.len() + value.raw().len() + 1)?;
        if out.len() > 1 {
            out.push(b',');
        }
        if is_object {
            push_name(&mut out, &member);
            out.push(b':');
        }
        out.extend_from_slice(value.raw());
    }
    out.push(path[0] + 2);
    Ok(Selected::List(out, rest))
}

fn parse(path: &[u8]) -> Option<(Vec<Member<'_>>, &[u8])> {
    let mut members = Vec::new();
    let (mut start, mut depth) = (1, 1_usize);
    let (mut colon, mut in_modifier) = (None, false);
    let mut at = 1;
    loop {
        let byte = *path.get(at)?;
        let closes = match byte {
            b'[' | b'(' | b'{' => {
                depth += 1;
                false
            }
            b']' | b')' | b'}' => {
                depth -= 1;
                depth == 0
            }
            _ => false,
        };
        match byte {
            b'\\' => at += 1,
            b'@' => in_modifier |= matches!(path[at - 1], b'.' | b'|'),
            b':' if !in_modifier && colon.is_none() && depth == 1 => colon = Some(at),
            b'"' => {
                at += 1;
                while path.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if path[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        if closes || byte == b',' && depth == 1 {
            members.push(match colon {
                None => Member { name: b"", path: &path[start..at] },
                Some(colon) => Member { name: &path[start..colon], path: &path[colon + 1..at] },
            });
            (colon, in_modifier, start) = (None, false, at + 1);
        }
        at += 1;
        if closes {
            return Some((members, &path[at..]));
        }
    }
}

/// Appends the key of a member: the given name, else the last step of its path, else `_`.
fn push_name(out: &mut Vec<u8>, member: &Member<'_>) {
    if !member.name.is_empty() {
        if member.name[0] == b'"' && syntax::check(member.name, usize::MAX).is_ok() {
            out.extend_from_slice(member.name);
        } else {
            push_quoted(out, member.name, Html::Escape);
        }
        return;
    }
    let last = last_step(member.path);
    push_quoted(out, if is_simple(last) { last } else { b"_" }, Html::Escape);
}

fn last_step(path: &[u8]) -> &[u8] {
    let is_separator = |at: &usize| matches!(path[*at], b'|' | b'.') && (*at == 0 || path[*at - 1] != b'\\');
    (0..path.len()).rev().find(is_separator).map_or(path, |at| &path[at + 1..])
}

fn is_simple(step: &[u8]) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b'[' | b']' | b'{' | b'}' | b'(' | b')' | b'#' | b'|' | b'!');
    !step.iter().any(|byte| *byte < b' ' || is_sign(byte))
}
