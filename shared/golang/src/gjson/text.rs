//! Strings out of JSON by gjson's own rules, which are more lenient than those of Go's `encoding/json`.

use crate::json::strings::push_char;

/// Undoes the escapes of a string's content. Stops without complaint at the first byte that cannot stand in a string.
pub(super) fn unescape(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        rest = match rest {
            [b'\\', b'u', hex @ ..] => match hex.split_at_checked(4) {
                Some((digits, behind)) => unicode(&mut out, digits, behind),
                None => return out,
            },
            [b'\\', escaped, behind @ ..] => {
                out.push(match escaped {
                    b'\\' | b'/' | b'"' => *escaped,
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return out,
                });
                behind
            }
            [] | [b'\\' | ..b' ', ..] => return out,
            [plain, behind @ ..] => {
                out.push(*plain);
                behind
            }
        };
    }
}

/// Appends the character of one `\u` escape, or of two that are a surrogate pair. Behind any surrogate a second escape
/// is consumed, whether it fits or not.
fn unicode<'b>(out: &mut Vec<u8>, digits: &[u8], behind: &'b [u8]) -> &'b [u8] {
    let first = hexadecimal(digits);
    if (0xd800..0xe000).contains(&first)
        && let [b'\\', b'u', more @ ..] = behind
        && let Some((digits, behind)) = more.split_at_checked(4)
    {
        let pair = char::decode_utf16([first, hexadecimal(digits)]).next();
        push_char(out, pair.and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER));
        return behind;
    }
    push_char(out, char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    behind
}

/// Four hexadecimal digits; zero for anything else.
fn hexadecimal(digits: &[u8]) -> u16 {
    let value =
        digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | char::from(*digit).to_digit(16)? as u16));
    value.unwrap_or(0)
}
