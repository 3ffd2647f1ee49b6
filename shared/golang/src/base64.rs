//! Base64 with the leniency of Go's `encoding/base64`: line breaks anywhere are ignored, bits that the last digit
//! has too many are not checked, padding is mandatory for the padded alphabets and refused for the raw ones.
//!
//! Source of the facts: package encoding/base64 of Go 1.26.

use thiserror::Error;

/// The four encodings that Go's package offers ready-made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `StdEncoding`: `+` and `/`, padded.
    Standard,
    /// `URLEncoding`: `-` and `_`, padded.
    Url,
    /// `RawStdEncoding`: `+` and `/`, not padded.
    RawStandard,
    /// `RawURLEncoding`: `-` and `_`, not padded.
    RawUrl,
}

/// The text is not base64; worded as Go words it, because some template functions print it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("illegal base64 data at input byte {offset}")]
pub struct CorruptInput {
    /// The byte that Go names; not always the first wrong one.
    pub offset: usize,
}

/// Writes bytes in base64, without line breaks.
pub fn encode(encoding: Encoding, bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(encoding.digit(group >> (18 - 6 * place) & 0x3f));
        }
        if encoding.is_padded() {
            out.extend(std::iter::repeat_n('=', 3 - chunk.len()));
        }
    }
    out
}

/// Reads base64 as Go's `Encoding.DecodeString` does.
///
/// # Errors
/// [`CorruptInput`] with the offset that Go reports.
pub fn decode(encoding: Encoding, text: impl AsRef<[u8]>) -> Result<Vec<u8>, CorruptInput> {
    let mut reader = Reader { encoding, text: text.as_ref(), at: 0 };
    let mut out = Vec::with_capacity(reader.text.len() / 4 * 3 + 3);
    while reader.at < reader.text.len() {
        reader.quantum(&mut out)?;
    }
    Ok(out)
}

impl Encoding {
    const fn is_padded(self) -> bool {
        matches!(self, Self::Standard | Self::Url)
    }

    const fn is_url(self) -> bool {
        matches!(self, Self::Url | Self::RawUrl)
    }

    fn digit(self, value: u32) -> char {
        char::from(match value as u8 {
            value @ 0..26 => b'A' + value,
            value @ 26..52 => b'a' + value - 26,
            value @ 52..62 => b'0' + value - 52,
            62 if self.is_url() => b'-',
            62 => b'+',
            _ if self.is_url() => b'_',
            _ => b'/',
        })
    }

    fn value(self, digit: u8) -> Option<u32> {
        Some(u32::from(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' if self.is_url() => 62,
            b'_' if self.is_url() => 63,
            b'+' if !self.is_url() => 62,
            b'/' if !self.is_url() => 63,
            _ => return None,
        }))
    }
}

struct Reader<'t> {
    encoding: Encoding,
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    /// Reads up to four digits, which are up to three bytes.
    fn quantum(&mut self, out: &mut Vec<u8>) -> Result<(), CorruptInput> {
        let (mut group, mut count) = (0_u32, 0_usize);
        while count < 4 {
            let Some(&byte) = self.text.get(self.at) else {
                match count {
                    0 => return Ok(()),
                    2 | 3 if !self.encoding.is_padded() => break,
                    _ => return Err(CorruptInput { offset: self.at - count }),
                }
            };
            self.at += 1;
            if let Some(value) = self.encoding.value(byte) {
                group = group << 6 | value;
                count += 1;
            } else if byte == b'=' && self.encoding.is_padded() {
                self.padding(count)?;
                break;
            } else if !matches!(byte, b'\r' | b'\n') {
                return Err(CorruptInput { offset: self.at - 1 });
            }
        }
        let [_, bytes @ ..] = (group << (6 * (4 - count))).to_be_bytes();
        out.extend_from_slice(&bytes[..count.saturating_sub(1)]);
        Ok(())
    }

    /// Reads the rest of the padding, whose first sign is read already, and requires the end behind it.
    fn padding(&mut self, digits: usize) -> Result<(), CorruptInput> {
        if digits < 2 {
            return Err(CorruptInput { offset: self.at - 1 });
        }
        if digits == 2 {
            self.skip_line_breaks();
            match self.text.get(self.at) {
                None => return Err(CorruptInput { offset: self.text.len() }),
                Some(b'=') => self.at += 1,
                Some(_) => return Err(CorruptInput { offset: self.at - 1 }),
            }
        }
        self.skip_line_breaks();
        if self.at < self.text.len() { Err(CorruptInput { offset: self.at }) } else { Ok(()) }
    }

    fn skip_line_breaks(&mut self) {
        while matches!(self.text.get(self.at), Some(b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_differ_in_two_digits_and_padding() {
        let bytes = [0xfb, 0xff, 0xbf, 0xfe];
        assert_eq!(encode(Encoding::Standard, bytes), "+/+//g==");
        assert_eq!(encode(Encoding::Url, bytes), "-_-__g==");
        assert_eq!(encode(Encoding::RawStandard, bytes), "+/+//g");
        assert_eq!(encode(Encoding::RawUrl, b"hello"), "aGVsbG8");
        assert_eq!(encode(Encoding::Standard, b""), "");
    }

    #[test]
    fn line_breaks_and_spare_bits_are_let_pass() {
        for text in ["aGVsbG8=", "aGVsbG9=", "aGVs\nbG8=", "\r\naGVsbG8\n=\n\n"] {
            assert_eq!(decode(Encoding::Standard, text).unwrap(), b"hello", "{text:?}");
        }
        assert_eq!(decode(Encoding::Standard, "pass").unwrap(), [0xa5, 0xab, 0x2c]);
        assert_eq!(decode(Encoding::Url, "-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
        assert_eq!(decode(Encoding::RawUrl, "aGk\n").unwrap(), b"hi");
        assert_eq!(decode(Encoding::Standard, "aA=\n=").unwrap(), b"h");
        assert_eq!(decode(Encoding::Standard, "\n\n").unwrap(), b"");
    }

    #[test]
    fn corrupt_input_is_named_with_gos_offset() {
        let cases = [
            ("!!!!", 0),
            ("====", 0),
            ("x===", 1),
            ("=AAA", 0),
            ("A=AA", 1),
            ("AA=A", 2),
            ("AA==A", 4),
            ("AAA=AAAA", 4),
            ("AAAAA", 4),
            ("AAAAAA", 4),
            ("A=", 1),
            ("A==", 1),
            ("AA=", 3),
            ("AA=\n", 4),
            ("AAAAAA=", 7),
            ("YWJjZA=====", 8),
            ("aGVsbG8", 4),
            ("A!\n", 1),
            ("A\n", 1),
            ("-_-_", 0),
        ];
        for (text, offset) in cases {
            assert_eq!(decode(Encoding::Standard, text), Err(CorruptInput { offset }), "{text:?}");
        }
        assert_eq!(decode(Encoding::RawUrl, "aGk="), Err(CorruptInput { offset: 3 }));
        assert_eq!(decode(Encoding::RawUrl, "a"), Err(CorruptInput { offset: 0 }));
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(bytes: Vec<u8>) {
            for encoding in [Encoding::Standard, Encoding::Url, Encoding::RawStandard, Encoding::RawUrl] {
                proptest::prop_assert_eq!(decode(encoding, encode(encoding, &bytes)), Ok(bytes.clone()));
            }
        }

        #[test]
        fn any_text_is_decoded_or_refused(text: Vec<u8>) {
            let _ = decode(Encoding::Standard, &text);
            let _ = decode(Encoding::RawUrl, &text);
        }
    }
}
