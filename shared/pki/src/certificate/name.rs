//! Distinguished names and how Go prints them.

use std::fmt::{self, Write as _};

use crate::der::{self, Reader};

/// The attributes of a name in their order.
pub(super) struct Name<'a>(Vec<(&'a [u8], String)>);

/// What Go prints, in the order of its lists: the numbers below 2.5.4 and their short names.
const KNOWN: [(u8, &str); 9] = [
    (6, "C"),
    (8, "ST"),
    (7, "L"),
    (9, "STREET"),
    (17, "POSTALCODE"),
    (10, "O"),
    (11, "OU"),
    (3, "CN"),
    (5, "SERIALNUMBER"),
];

pub(super) fn parse(mut der: Reader<'_>) -> Result<Name<'_>, &'static str> {
    let mut attributes = Vec::new();
    while !der.is_empty() {
        let mut set = Reader(der.take(der::SET).ok_or("invalid RDNSequence")?);
        while !set.is_empty() {
            let mut attribute = set.sequence().ok_or("invalid RDNSequence: invalid attribute")?;
            let oid = attribute.oid().ok_or("invalid RDNSequence: invalid attribute type")?;
            let value = attribute.next().ok_or("invalid RDNSequence: invalid attribute value")?;
            let text = text(value).ok_or("invalid RDNSequence: invalid attribute value")?;
            attributes.push((oid, text));
        }
    }
    Ok(Name(attributes))
}

impl fmt::Display for Name<'_> {
    /// Last part first. Attributes that Go knows stand in its own order, equal ones joined with `+`; the others, as
    /// numbers, behind them. Of several common names and serial numbers the last one counts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |oid: &[u8]| KNOWN.iter().any(|(last, _)| is_known(oid, *last));
        let mut parts: Vec<String> = Vec::new();
        for (oid, value) in self.0.iter().filter(|(oid, _)| !known(oid)) {
            parts.push(as_numbers(oid, value));
        }
        for (last, short) in KNOWN {
            let mut values: Vec<_> =
                self.0.iter().filter(|(oid, _)| is_known(oid, last)).map(|(_, value)| value).collect();
            if matches!(last, 3 | 5) {
                values = values.pop().filter(|value| !value.is_empty()).into_iter().collect();
            }
            if !values.is_empty() {
                let values: Vec<_> =
                    values.into_iter().map(|value| format!("{short}={}", escaped(value))).collect();
                parts.push(values.join("+"));
            }
        }
        parts.reverse();
        formatter.write_str(&parts.join(","))
    }
}

fn is_known(oid: &[u8], last: u8) -> bool {
    oid == [0x55, 4, last]
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, letter) in value.char_indices() {
        let escape = match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            ' ' => at == 0 || at + 1 == value.len(),
            '#' => at == 0,
            _ => false,
        };
        if escape {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn as_numbers(oid: &[u8], value: &str) -> String {
    let numbers = der::components(oid).unwrap_or_default();
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    let printable = value.bytes().all(|byte| is_printable(byte) && byte != b'*' && byte != b'&');
    let tag = if printable { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let mut out = format!("{}=#", numbers.join("."));
    for byte in der::value(tag, &[value.as_bytes()]).iter() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The text of a string of one of the kinds that names are made of.
fn text(value: der::Element<'_>) -> Option<String> {
    let bytes = value.content;
    let plain = |fits: fn(u8) -> bool| {
        bytes.iter().all(|byte| fits(*byte)).then(|| String::from_utf8_lossy(bytes).into_owned())
    };
    match value.tag {
        der::T61_STRING => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        der::PRINTABLE_STRING => plain(is_printable),
        der::UTF8_STRING => std::str::from_utf8(bytes).ok().map(str::to_owned),
        der::BMP_STRING => bmp(bytes),
        der::IA5_STRING => plain(|byte| byte.is_ascii()),
        der::NUMERIC_STRING => plain(|byte| byte.is_ascii_digit() || byte == b' '),
        _ => None,
    }
}

/// Letters of PrintableString, with `*` and `&`, which certificates in use have there.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'() +,-./:=?*&".contains(&byte)
}

fn bmp(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_suffix(&[0, 0]).filter(|_| bytes.len().is_multiple_of(2)).unwrap_or(bytes);
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let letter = |pair: &[u8; 2]| match u16::from_be_bytes(*pair) {
        0xFFFE | 0xFFFF | 0xFDD0..=0xFDEF => None,
        point => char::from_u32(u32::from(point)),
    };
    pairs.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use crate::certificate::Certificate;
    use crate::pem;

    /// `tests/data/subjects.jsonl` has what Go prints of certificates that Go made.
    #[test]
    fn subjects_are_printed_as_go_prints_them() {
        let lines = include_str!("../../tests/data/subjects.jsonl").lines();
        let mut seen = 0;
        for line in lines {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let (block, _) = pem::decode(case["certificate"].as_str().unwrap().as_bytes()).unwrap();
            assert_eq!(
                Certificate::parse(&block.content).unwrap().subject,
                case["subject"].as_str().unwrap()
            );
            seen += 1;
        }
        assert!(seen >= 5);
    }

    #[test]
    fn wide_strings_are_text_of_the_basic_plane() {
        assert_eq!(super::bmp(&[0, b'a', 0x20, 0xAC, 0, 0]).as_deref(), Some("a\u{20ac}"), "zero at the end");
        assert_eq!(super::bmp(&[0, b'a', 0]), None);
        assert_eq!(super::bmp(&[0xD8, 0x3C, 0xDF, 0x89]), None, "a pair of surrogates");
        assert_eq!(super::bmp(&[0xFF, 0xFE]), None);
    }
}
