//! Replacement templates: `$1`, `${name}`, `$$`.

use super::Output;
use crate::unicode::{is_digit, is_letter, runes};

/// Appends `template` with its references replaced by what `group` gives; nothing for groups that there are not.
pub(super) fn expand<'t>(
    out: &mut Output,
    template: &[u8],
    names: &[Option<String>],
    group: impl Fn(usize) -> Option<&'t [u8]>,
) {
    let mut rest = template;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        out.push(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(behind) = rest.strip_prefix(b"$") {
            out.push(b"$");
            rest = behind;
            continue;
        }
        let Some((name, behind)) = reference(rest) else {
            out.push(b"$");
            continue;
        };
        rest = behind;
        let found = match number(name) {
            Some(index) => group(index),
            // Of groups with the same name the first that took part counts.
            None => names
                .iter()
                .enumerate()
                .filter(|(_, known)| known.as_ref().is_some_and(|known| known.as_bytes() == name))
                .find_map(|(index, _)| group(index)),
        };
        out.push(found.unwrap_or_default());
    }
    out.push(rest);
}

/// The name behind a dollar sign, without braces, and what follows it.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, braced) = text.strip_prefix(b"{").map_or((text, false), |inner| (inner, true));
    let is_name = |rune: char| is_letter(rune) || is_digit(rune) || rune == '_';
    let end = runes(text).find(|(_, rune, _)| !is_name(*rune)).map_or(text.len(), |(at, ..)| at);
    let (name, behind) = text.split_at(end);
    let behind = if braced { behind.strip_prefix(b"}")? } else { behind };
    (!name.is_empty()).then_some((name, behind))
}

/// The index that a name is, if it is one: digits without a leading zero.
fn number(name: &[u8]) -> Option<usize> {
    if name.len() > 9 || name.len() > 1 && name[0] == b'0' || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(name.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}
