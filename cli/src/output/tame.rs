//! Texts of others on a terminal. Names of keys, and messages that quote them, may hold signs that wipe the screen, move the
//! cursor or turn the direction of what is read.

use std::fmt::Write;

/// Such signs as Rust writes them, `\u{1b}`; ends of lines too.
pub(super) fn tame(text: &str) -> String {
    written(text, is_wild, |tamed, sign| tamed.extend(sign.escape_default()))
}

/// The same, and lines stay lines.
pub(super) fn tame_lines(text: &str) -> String {
    written(text, |sign| sign != '\n' && is_wild(sign), |tamed, sign| tamed.extend(sign.escape_default()))
}

/// Such signs in JSON, where they stand within strings only, as JSON writes them. All of them are of Unicode's first plane.
pub(super) fn tame_json(text: &str) -> String {
    written(
        text,
        |sign| sign != '\n' && is_wild(sign),
        |tamed, sign| {
            // Writing to a string does not fail.
            let _ = write!(tamed, "\\u{:04x}", u32::from(sign));
        },
    )
}

fn written(text: &str, is_meant: impl Fn(char) -> bool, escape: impl Fn(&mut String, char)) -> String {
    let mut tamed = String::with_capacity(text.len());
    for sign in text.chars() {
        if is_meant(sign) {
            escape(&mut tamed, sign);
        } else {
            tamed.push(sign);
        }
    }
    tamed
}

fn is_wild(sign: char) -> bool {
    let turns_direction =
        matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    sign.is_control() || turns_direction
}
