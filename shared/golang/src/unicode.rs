//! Runes in byte strings as Go reads them, and the character classes of Go's `unicode` package.

use std::sync::LazyLock;

use regex::Regex;

/// The first rune of the bytes and its length; an invalid byte is U+FFFD of length 1. Empty input has length 0.
pub(crate) fn decode(bytes: &[u8]) -> (char, usize) {
    let length = match bytes.first() {
        None => return (char::REPLACEMENT_CHARACTER, 0),
        Some(&byte) if byte < 0x80 => return (char::from(byte), 1),
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        Some(_) => return (char::REPLACEMENT_CHARACTER, 1),
    };
    let rune = bytes.get(..length).and_then(|rune| std::str::from_utf8(rune).ok());
    match rune.and_then(|rune| rune.chars().next()) {
        Some(rune) => (rune, length),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// The last rune of the bytes and its length, by the same rules.
pub(crate) fn decode_last(bytes: &[u8]) -> (char, usize) {
    for length in (1..=4.min(bytes.len())).rev() {
        let (rune, size) = decode(&bytes[bytes.len() - length..]);
        if size == length {
            return (rune, length);
        }
    }
    (char::REPLACEMENT_CHARACTER, bytes.len().min(1))
}

/// The runes of the bytes, each with its position and its bytes.
pub(crate) fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, char, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, size) = decode(bytes.get(at..)?);
        let raw = bytes.get(at..at + size).filter(|raw| !raw.is_empty())?;
        at += size;
        Some((at - size, rune, raw))
    })
}

/// The number of runes.
pub(crate) fn count(bytes: &[u8]) -> usize {
    runes(bytes).count()
}

/// Each rune replaced; an invalid byte becomes what U+FFFD becomes, as in `strings.Map`.
pub(crate) fn map(bytes: &[u8], mut change: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (_, rune, _) in runes(bytes) {
        push(&mut out, change(rune));
    }
    out
}

/// Appends a rune as UTF-8.
pub(crate) fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// `unicode.IsLetter`.
pub(crate) fn is_letter(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}").ok());
    if rune.is_ascii() { rune.is_ascii_alphabetic() } else { matches(&CLASS, rune) }
}

/// `unicode.IsDigit`.
pub(crate) fn is_digit(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}").ok());
    if rune.is_ascii() { rune.is_ascii_digit() } else { matches(&CLASS, rune) }
}

/// `unicode.IsPrint`, which is also what `strconv.Quote` leaves as it is.
pub(crate) fn is_print(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]").ok());
    if rune.is_ascii() { matches!(rune, ' '..='~') } else { matches(&CLASS, rune) }
}

/// `unicode.IsPunct`.
pub(crate) fn is_punctuation(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{P}").ok());
    matches(&CLASS, rune)
}

/// `unicode.IsNumber`.
pub(crate) fn is_number(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{N}").ok());
    if rune.is_ascii() { rune.is_ascii_digit() } else { matches(&CLASS, rune) }
}

/// `unicode.IsUpper`.
pub(crate) fn is_upper(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Lu}").ok());
    if rune.is_ascii() { rune.is_ascii_uppercase() } else { matches(&CLASS, rune) }
}

/// `unicode.IsLower`.
pub(crate) fn is_lower(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Ll}").ok());
    if rune.is_ascii() { rune.is_ascii_lowercase() } else { matches(&CLASS, rune) }
}

/// `unicode.IsTitle`.
pub(crate) fn is_title(rune: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Lt}").ok());
    !rune.is_ascii() && matches(&CLASS, rune)
}

/// `unicode.IsSpace`.
pub(crate) fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// `unicode.ToUpper`: one rune for one rune.
pub(crate) fn to_upper(rune: char) -> char {
    let mut upper = rune.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => match rune {
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => offset(rune, 8),
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => offset(rune, 9),
            _ => rune,
        },
    }
}

/// `unicode.ToLower`: one rune for one rune.
pub(crate) fn to_lower(rune: char) -> char {
    let mut lower = rune.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ if rune == '\u{130}' => 'i',
        _ => rune,
    }
}

/// `unicode.ToTitle`: as upper case, except for the letters that have a title case of their own.
pub(crate) fn to_title(rune: char) -> char {
    match rune {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => rune,
        _ => to_upper(rune),
    }
}

/// `strings.TrimSpace`.
pub(crate) fn trim_space(bytes: &[u8]) -> &[u8] {
    trim(bytes, is_space)
}

/// The bytes without the runes of the class at both ends.
pub(crate) fn trim(mut bytes: &[u8], class: impl Fn(char) -> bool) -> &[u8] {
    loop {
        match decode(bytes) {
            (_, 0) => return bytes,
            (rune, size) if class(rune) => bytes = &bytes[size..],
            _ => break,
        }
    }
    loop {
        match decode_last(bytes) {
            (_, 0) => return bytes,
            (rune, size) if class(rune) => bytes = &bytes[..bytes.len() - size],
            _ => return bytes,
        }
    }
}

fn matches(class: &Option<Regex>, rune: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(rune.encode_utf8(&mut [0; 4])))
}

fn offset(rune: char, by: u32) -> char {
    char::from_u32(rune as u32 + by).unwrap_or(rune)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bytes_are_replacement_runes_of_one_byte() {
        let bytes = b"a\xff\xe2\x82b\xe2\x82\xac\xed\xa0\x80";
        let lengths: Vec<usize> = runes(bytes).map(|(_, _, raw)| raw.len()).collect();
        assert_eq!(lengths, [1, 1, 1, 1, 1, 3, 1, 1, 1]);
        assert_eq!(decode_last(b"x\xe2\x82\xac"), ('€', 3));
        assert_eq!(decode_last(b"x\x82\xac"), ('\u{FFFD}', 1));
        assert_eq!(decode_last(b""), ('\u{FFFD}', 0));
    }

    #[test]
    fn case_maps_one_rune_to_one_rune() {
        assert_eq!(to_upper('ß'), 'ß');
        assert_eq!(to_upper('ÿ'), 'Ÿ');
        assert_eq!(to_lower('İ'), 'i');
        assert_eq!(to_title('ǆ'), 'ǅ');
        assert_eq!(to_upper('ᾳ'), 'ᾼ');
    }

    #[test]
    fn classes_are_those_of_go() {
        assert!(is_letter('é') && is_letter('ª') && !is_letter('Ⅷ'));
        assert!(is_print('€') && !is_print('\u{a0}') && !is_print('\u{200b}'));
        assert!(is_digit('٣') && !is_digit('²'));
    }
}
