//! DER, read as strictly as Go reads it and written into buffers that are wiped.

use zeroize::Zeroizing;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0C;
pub(crate) const NUMERIC_STRING: u8 = 0x12;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const T61_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const BMP_STRING: u8 = 0x1E;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const NULL: &[u8] = &[5, 0];

/// A context-specific tag of a plain value.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// A context-specific tag around other values.
pub(crate) const fn explicit(number: u8) -> u8 {
    0xA0 | number
}

/// Reads values one after another. Every method gives `None` for what is not DER or not what is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

/// One value: its tag, its content, and both together with the length.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn next(&mut self) -> Option<Element<'a>> {
        let (tag, first) = (*self.0.first()?, *self.0.get(1)?);
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (header, length) = match first {
            0..=0x7F => (2, usize::from(first)),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7F);
                let bytes = self.0.get(2..2 + count)?;
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                if length < 0x80 || bytes.first() == Some(&0) {
                    return None;
                }
                (2 + count, length)
            }
            _ => return None,
        };
        let (whole, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some(Element { tag, content: whole.get(header..)?, whole })
    }

    pub(crate) fn starts_with(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    pub(crate) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.next().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element)
    }

    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|element| element.content)
    }

    pub(crate) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Reader)
    }

    /// The value of this tag if there is one: `Some(None)` if there is another one or nothing.
    #[expect(clippy::option_option, reason = "absent and broken are two things")]
    pub(crate) fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.starts_with(tag) { self.take(tag).map(Some) } else { Some(None) }
    }

    /// The bytes of an integer in two's complement and in their shortest form.
    pub(crate) fn integer(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [] | [0, 0..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] => None,
            bytes => Some(bytes),
        }
    }

    /// The big-endian bytes of an integer above zero, without leading zeros.
    pub(crate) fn positive(&mut self) -> Option<&'a [u8]> {
        match self.integer()? {
            [0x80..=0xFF, ..] | [0] => None,
            [0, bytes @ ..] | bytes => Some(bytes),
        }
    }

    /// An integer that fits in 64 bits.
    pub(crate) fn small(&mut self) -> Option<i64> {
        small(self.integer()?)
    }

    pub(crate) fn oid(&mut self) -> Option<&'a [u8]> {
        self.take(OID).filter(|oid| components(oid).is_some())
    }

    pub(crate) fn boolean(&mut self) -> Option<bool> {
        match self.take(BOOLEAN)? {
            [0] => Some(false),
            [0xFF] => Some(true),
            _ => None,
        }
    }

    /// The bytes of a bit string and how many bits of the last one do not count.
    pub(crate) fn bit_string(&mut self) -> Option<(&'a [u8], u8)> {
        let (unused, bytes) = self.take(BIT_STRING)?.split_first()?;
        let fits = match bytes.last() {
            _ if *unused > 7 => false,
            None => *unused == 0,
            Some(last) => last & ((1 << unused) - 1) == 0,
        };
        fits.then_some((bytes, *unused))
    }
}

/// What an integer's shortest bytes say, if that fits in 64 bits.
pub(crate) fn small(bytes: &[u8]) -> Option<i64> {
    let sign = if *bytes.first()? >= 0x80 { -1 } else { 0 };
    (bytes.len() <= 8).then(|| bytes.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte)))
}

/// The numbers of an object identifier; each fits in 31 bits.
pub(crate) fn components(oid: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    let (mut number, mut length) = (0_u32, 0);
    for byte in oid {
        if length == 0 && *byte == 0x80 || length == 5 || number >= 1 << 24 {
            return None;
        }
        number = number << 7 | u32::from(byte & 0x7F);
        length += 1;
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= 40 * first;
            }
            numbers.push(number);
            (number, length) = (0, 0);
        }
    }
    (length == 0 && !numbers.is_empty()).then_some(numbers)
}

/// A value of these contents one after another, with its tag and length.
pub(crate) fn value(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|content| content.len()).sum();
    // Never grows: a grown buffer would leave its contents behind.
    let mut out = Zeroizing::new(Vec::with_capacity(length + 10));
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let used = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..];
        out.push(0x80 | used.len() as u8);
        out.extend_from_slice(used);
    }
    for content in contents {
        out.extend_from_slice(content);
    }
    out
}

pub(crate) fn sequence(contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    value(SEQUENCE, contents)
}

/// An integer that is not negative, from its big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    match strip_zeros(bytes) {
        digits @ ([] | [0x80..=0xFF, ..]) => value(INTEGER, &[&[0], digits]),
        digits => value(INTEGER, &[digits]),
    }
}

/// A bit string that fills its last byte.
pub(crate) fn bits(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    value(BIT_STRING, &[&[0], bytes])
}

pub(crate) fn strip_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_length_is_read() {
        for (text, read) in [
            (&[4, 1, 7][..], true),
            (&[4, 0x81, 1, 7], false),
            (&[4, 0x80, 7, 0, 0], false),
            (&[4, 2, 7], false),
            (&[0x1F, 0x20, 1, 7], false),
            (&[4, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], false),
        ] {
            assert_eq!(Reader(text).next().is_some(), read, "{text:?}");
        }
        let long = value(OCTET_STRING, &[&[7; 200]]);
        assert_eq!(long[..3], [4, 0x81, 200]);
        assert_eq!(Reader(&long).take(OCTET_STRING), Some(&[7; 200][..]));
    }

    #[test]
    fn integers_have_one_form() {
        for (text, number) in [
            (&[2, 1, 0][..], Some(0)),
            (&[2, 1, 0x7F], Some(127)),
            (&[2, 2, 0, 0x80], Some(128)),
            (&[2, 1, 0x80], Some(-128)),
            (&[2, 2, 0, 0x7F], None),
            (&[2, 2, 0xFF, 0x80], None),
            (&[2, 0], None),
        ] {
            assert_eq!(Reader(text).small(), number, "{text:?}");
        }
        assert_eq!(*unsigned(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(*unsigned(&[]), [2, 1, 0]);
        assert_eq!(Reader(&[2, 2, 0, 0x80]).positive(), Some(&[0x80][..]));
        assert_eq!(Reader(&[2, 1, 0]).positive(), None);
        assert_eq!(Reader(&[2, 1, 0xFF]).positive(), None);
    }

    #[test]
    fn object_identifiers_have_numbers() {
        assert_eq!(components(&[0x55, 4, 3]), Some(vec![2, 5, 4, 3]));
        assert_eq!(components(&[0x88, 0x37, 1]), Some(vec![2, 999, 1]));
        assert_eq!(components(&[0x2A, 0x80, 1]), None, "a number that is longer than it needs to be");
        assert_eq!(components(&[0x2A, 0x86]), None, "a number that does not end");
        assert_eq!(components(&[]), None);
    }
}
