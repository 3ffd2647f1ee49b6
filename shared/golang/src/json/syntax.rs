//! Whether bytes are one JSON text, without building anything and without recursion.

/// What the grammar allows next.
#[derive(Clone, Copy)]
enum Next {
    Value,
    /// A value or the end of the list that was just opened.
    ValueOrClose,
    Key,
    /// A key or the end of the object that was just opened.
    KeyOrClose,
    /// A comma or the end of the innermost list or object; the end of the text outside of all.
    CommaOrClose,
}

/// Checks that `text` is exactly one JSON value with white space around it. Strings need not be UTF-8.
/// The error is the offset of the first byte that cannot stand where it does; lists and objects may
/// be nested `max_depth` deep.
pub(crate) fn check(text: &[u8], max_depth: usize) -> Result<(), usize> {
    let mut at = 0;
    let mut open = Vec::new();
    let mut next = Next::Value;
    loop {
        at = skip_space(text, at);
        let Some(&byte) = text.get(at) else {
            return if open.is_empty() && matches!(next, Next::CommaOrClose) { Ok(()) } else { Err(at) };
        };
        next = match (next, byte) {
            (Next::Value | Next::ValueOrClose, b'{' | b'[') => {
                if open.len() >= max_depth {
                    return Err(at);
                }
                open.push(byte + 2);
                at += 1;
                if byte == b'{' { Next::KeyOrClose } else { Next::ValueOrClose }
            }
            (Next::KeyOrClose | Next::CommaOrClose, b'}')
            | (Next::ValueOrClose | Next::CommaOrClose, b']')
                if open.last() == Some(&byte) =>
            {
                open.pop();
                at += 1;
                Next::CommaOrClose
            }
            (Next::CommaOrClose, b',') => {
                at += 1;
                match open.last() {
                    Some(b'}') => Next::Key,
                    Some(_) => Next::Value,
                    None => return Err(at - 1),
                }
            }
            (Next::Key | Next::KeyOrClose, b'"') => {
                at = skip_space(text, string_end(text, at)?);
                if text.get(at) != Some(&b':') {
                    return Err(at);
                }
                at += 1;
                Next::Value
            }
            (Next::Value | Next::ValueOrClose, _) => {
                at = scalar_end(text, at)?;
                Next::CommaOrClose
            }
            _ => return Err(at),
        };
    }
}

/// The end of the scalar that starts at `at`.
fn scalar_end(text: &[u8], at: usize) -> Result<usize, usize> {
    let word = |word: &[u8]| {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(word) { Ok(at + word.len()) } else { Err(at) }
    };
    match text.get(at) {
        Some(b'"') => string_end(text, at),
        Some(b'-' | b'0'..=b'9') => number_end(text, at),
        Some(b't') => word(b"true"),
        Some(b'f') => word(b"false"),
        Some(b'n') => word(b"null"),
        _ => Err(at),
    }
}

/// The end of the string whose opening quote is at `at`.
fn string_end(text: &[u8], at: usize) -> Result<usize, usize> {
    let mut at = at + 1;
    loop {
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match text.get(at + 1) {
                Some(b'u') => match (at + 2..at + 6)
                    .find(|place| !text.get(*place).is_some_and(u8::is_ascii_hexdigit))
                {
                    None => at += 6,
                    Some(wrong) => return Err(wrong),
                },
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                _ => return Err(at + 1),
            },
            Some(b' '..) => at += 1,
            _ => return Err(at),
        }
    }
}

/// The end of the number that starts at `at`.
fn number_end(text: &[u8], at: usize) -> Result<usize, usize> {
    let digits =
        |at: usize| at + text.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let some_digits = |at: usize| if digits(at) > at { Ok(digits(at)) } else { Err(at) };
    let whole = if text.get(at) == Some(&b'-') { at + 1 } else { at };
    let mut end = if text.get(whole) == Some(&b'0') { whole + 1 } else { some_digits(whole)? };
    if text.get(end) == Some(&b'.') {
        end = some_digits(end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = some_digits(end + 1 + sign)?;
    }
    Ok(end)
}

pub(crate) fn skip_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_what_is_not() {
        for good in [
            "{}",
            "[]",
            " [ ] ",
            "0",
            "-0",
            "1.5e-7",
            "1E5",
            "\"\"",
            "\"\\u00e9\\/\"",
            "null",
            "true",
            "false",
            "{\"a\":[1,{\"b\":null}],\"a\":2}",
            "\"\u{7f}\"",
        ] {
            assert_eq!(check(good.as_bytes(), 100), Ok(()), "{good}");
        }
        for (bad, at) in [
            ("", 0),
            ("[", 1),
            ("]", 0),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("01", 1),
            ("-", 1),
            ("1.", 2),
            ("1e+", 3),
            (".5", 0),
            ("+1", 0),
            ("nul", 0),
            ("\"", 1),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 5),
            ("\"\n\"", 1),
            ("{\"a\" 1}", 5),
            ("{a:1}", 1),
            ("1 2", 2),
            ("[1}", 2),
            ("{\"a\":1]", 6),
            (",", 0),
            ("{]", 1),
            ("[}", 1),
            ("NaN", 0),
        ] {
            assert_eq!(check(bad.as_bytes(), 100), Err(at), "{bad}");
        }
        assert_eq!(check(b"\"\xff\"", 100), Ok(()));
    }

    #[test]
    fn depth_is_limited_without_recursion() {
        let deep = "[".repeat(1_000_000);
        assert_eq!(check(deep.as_bytes(), 10_000), Err(10_000));
        assert_eq!(check(b"[[[]]]", 3), Ok(()));
        assert_eq!(check(b"[[[]]]", 2), Err(2));
    }
}
