//! JSON strings to bytes and back, with the leniency and the escapes of Go's `encoding/json`.

/// Whether `<`, `>` and `&` are written as escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Html {
    /// As `json.Marshal` does.
    Escape,
    /// As an encoder with `SetEscapeHTML(false)` does.
    Keep,
}

/// Reads a JSON string with its quotes. What is not UTF-8, and a surrogate without its partner, becomes U+FFFD.
/// Nothing for what is no JSON string.
pub(crate) fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let [b'"', body @ .., b'"'] = quoted else { return None };
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        let plain = rest.iter().take_while(|byte| !matches!(byte, b'\\' | b'"' | ..b' ')).count();
        push_utf8(&mut out, &rest[..plain]);
        match &rest[plain..] {
            [] => return Some(out),
            [b'\\', b'u', hex @ ..] => {
                let (character, behind) = read_unicode(hex)?;
                push_char(&mut out, character);
                rest = behind;
            }
            [b'\\', escaped, behind @ ..] => {
                out.push(match escaped {
                    b'"' | b'\\' | b'/' => *escaped,
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return None,
                });
                rest = behind;
            }
            _ => return None,
        }
    }
}

/// The character of a `\u` escape, whose four digits `hex` starts with, together with its partner if it is half of a pair.
fn read_unicode(hex: &[u8]) -> Option<(char, &[u8])> {
    let (first, behind) = four_digits(hex)?;
    if let [b'\\', b'u', more @ ..] = behind
        && let Some((second, behind)) = four_digits(more)
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
        && pair > '\u{ffff}'
    {
        return Some((pair, behind));
    }
    Some((char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), behind))
}

fn four_digits(hex: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, behind) = hex.split_at_checked(4)?;
    let value =
        digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | char::from(*digit).to_digit(16)? as u16));
    Some((value?, behind))
}

/// Appends text, with U+FFFD for every byte that belongs to no UTF-8 character.
pub(crate) fn push_utf8(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            push_char(out, char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Appends one character in UTF-8.
pub(crate) fn push_char(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Appends a text as a JSON string.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &[u8], html: Html) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\u{8}' => out.extend_from_slice(b"\\b"),
                '\u{c}' => out.extend_from_slice(b"\\f"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '<' | '>' | '&' if html == Html::Keep => push_char(out, character),
                ..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
                }
                _ => push_char(out, character),
            }
        }
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}
