//! Go's literals: quoted strings and characters.

use crate::unicode;

/// `strconv.Quote`: a double-quoted Go string.
pub(crate) fn quote(text: &[u8]) -> Vec<u8> {
    quoted(text, b'"', false)
}

/// `strconv.QuoteToASCII`: a double-quoted Go string of ASCII only.
pub(crate) fn quote_ascii(text: &[u8]) -> Vec<u8> {
    quoted(text, b'"', true)
}

/// `strconv.QuoteRune`: a single-quoted Go character.
pub(crate) fn quote_rune(rune: char, ascii: bool) -> Vec<u8> {
    quoted(rune.encode_utf8(&mut [0; 4]).as_bytes(), b'\'', ascii)
}

/// A character as Go names it in errors: `U+0040 '@'`.
pub(crate) fn named(rune: char) -> String {
    let code = rune as u32;
    if unicode::is_print(rune) { format!("U+{code:04X} '{rune}'") } else { format!("U+{code:04X}") }
}

/// Whether the text can stand in backquotes as it is.
pub(crate) fn can_backquote(text: &[u8]) -> bool {
    unicode::runes(text).all(|(_, rune, raw)| {
        let invalid = rune == char::REPLACEMENT_CHARACTER && raw.len() == 1;
        !invalid && rune != '\u{FEFF}' && rune != '`' && rune != '\u{7F}' && (rune >= ' ' || rune == '\t')
    })
}

/// The text of a double-quoted or backquoted literal, quotes included; `None` if it is malformed.
pub(crate) fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&mark, rest) = literal.split_first()?;
    let (&end, mut inner) = rest.split_last()?;
    if mark != end {
        return None;
    }
    if mark == b'`' {
        let text = inner.iter().copied().filter(|byte| *byte != b'\r').collect();
        return if inner.contains(&b'`') { None } else { Some(text) };
    }
    if mark != b'"' {
        return None;
    }
    let mut text = Vec::with_capacity(inner.len());
    while !inner.is_empty() {
        if inner[0] == b'\n' {
            return None;
        }
        inner = unquote_char(inner, b'"', &mut text)?.1;
    }
    Some(text)
}

/// The character of a single-quoted literal, quotes included, as its number; `None` if it is malformed.
pub(crate) fn unquote_rune(literal: &[u8]) -> Option<u32> {
    let inner = literal.strip_prefix(b"'")?;
    let (rune, tail) = unquote_char(inner, b'\'', &mut Vec::new())?;
    if tail == b"'" { Some(rune) } else { None }
}

fn quoted(text: &[u8], mark: u8, ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(mark);
    for (_, rune, raw) in unicode::runes(text) {
        match rune {
            char::REPLACEMENT_CHARACTER if raw.len() == 1 => {
                out.extend_from_slice(format!("\\x{:02x}", raw[0]).as_bytes())
            }
            _ if rune == char::from(mark) || rune == '\\' => {
                out.push(b'\\');
                unicode::push(&mut out, rune);
            }
            _ if (rune.is_ascii() || !ascii) && unicode::is_print(rune) => unicode::push(&mut out, rune),
            '\u{7}' => out.extend_from_slice(b"\\a"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{b}' => out.extend_from_slice(b"\\v"),
            ..' ' | '\u{7f}' => out.extend_from_slice(format!("\\x{:02x}", rune as u32).as_bytes()),
            ..'\u{10000}' => out.extend_from_slice(format!("\\u{:04x}", rune as u32).as_bytes()),
            _ => out.extend_from_slice(format!("\\U{:08x}", rune as u32).as_bytes()),
        }
    }
    out.push(mark);
    out
}

/// Reads one character or escape, appends its bytes, and returns its number and the rest.
fn unquote_char<'a>(text: &'a [u8], mark: u8, out: &mut Vec<u8>) -> Option<(u32, &'a [u8])> {
    let (&first, rest) = text.split_first()?;
    if first == mark {
        return None;
    }
    if first != b'\\' {
        let (rune, size) = unicode::decode(text);
        // Invalid bytes pass as they are: Go keeps the original bytes of a literal without escapes, and turns
        // them into U+FFFD only where an escape forces it to rebuild the text.
        out.extend_from_slice(&text[..size]);
        return Some((rune as u32, &text[size..]));
    }
    let (&kind, rest) = rest.split_first()?;
    let simple = match kind {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => 10,
        b'r' => 13,
        b't' => 9,
        b'v' => 11,
        b'\\' => b'\\',
        b'\'' | b'"' if kind == mark => kind,
        b'x' => {
            let value = digits(rest, 2, 16)?;
            out.push(value as u8);
            return Some((value, &rest[2..]));
        }
        b'0'..=b'7' => {
            let value = digits(&text[1..], 3, 8).filter(|value| *value < 256)?;
            out.push(value as u8);
            return Some((value, &text[4..]));
        }
        b'u' | b'U' => {
            let length = if kind == b'u' { 4 } else { 8 };
            let value = digits(rest, length, 16)?;
            unicode::push(out, char::from_u32(value)?);
            return Some((value, &rest[length..]));
        }
        _ => return None,
    };
    out.push(simple);
    Some((simple.into(), rest))
}

fn digits(text: &[u8], length: usize, base: u32) -> Option<u32> {
    let digits = text.get(..length)?;
    digits
        .iter()
        .try_fold(0_u32, |value, byte| Some(value.wrapping_mul(base) + char::from(*byte).to_digit(base)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_unquoting_agree() {
        for text in
            [&b"plain"[..], b"tab\t\"q\" \\ \x00\x7f", "h\u{e9}\u{200b}\u{1f600}".as_bytes(), b"\xff\xc3"]
        {
            assert_eq!(unquote(&quote(text)).as_deref(), Some(text));
            assert_eq!(unquote(&quote_ascii(text)).as_deref(), Some(text));
        }
        assert_eq!(quote("é\u{200b}\n".as_bytes()), "\"é\\u200b\\n\"".as_bytes());
        assert_eq!(unquote(b"`a\\n\r`").as_deref(), Some(&b"a\\n"[..]));
        for bad in [&b"\"a"[..], b"\"\\q\"", b"\"\\'\"", b"\"\\ud800\"", b"\"\\400\"", b"\"", b""] {
            assert_eq!(unquote(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }
}
