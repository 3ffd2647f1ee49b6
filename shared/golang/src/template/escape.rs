//! `html`, `js` and `urlquery`.

use crate::unicode;

pub(super) fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(*byte),
        }
    }
    out
}

pub(super) fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (_, rune, raw) in unicode::runes(text) {
        match rune {
            '\\' | '\'' | '"' => out.extend_from_slice(&[b'\\', raw[0]]),
            '<' | '>' | '&' | '=' | ..' ' => {
                out.extend_from_slice(format!("\\u{:04X}", rune as u32).as_bytes())
            }
            _ if rune.is_ascii() || unicode::is_print(rune) => out.extend_from_slice(raw),
            _ => out.extend_from_slice(format!("\\u{:04X}", rune as u32).as_bytes()),
        }
    }
    out
}

/// The text as Go's `url.QueryEscape` writes it: what has a meaning in a URL becomes `%XX`, and a space `+`.
pub fn query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' ' => out.push(b'+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}
