//! Encodings and checksums. What cannot be decoded becomes the text of the error, as in sprig.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::Row;
use super::args::text;
use crate::base64::{self, Encoding};
use crate::literal::named;
use crate::value::Type::Str;
use crate::value::Value;

pub(super) const TABLE: &[Row] = &[
    Row("b64enc", &[Str], None, |a| Ok(base64::encode(Encoding::Standard, text(a, 0)).into())),
    Row("b64dec", &[Str], None, |a| {
        Ok(base64::decode(Encoding::Standard, text(a, 0))
            .unwrap_or_else(|error| error.to_string().into_bytes())
            .into())
    }),
    Row("b32enc", &[Str], None, |a| Ok(base32(text(a, 0)).into())),
    Row("b32dec", &[Str], None, |a| Ok(unbase32(text(a, 0)).unwrap_or_else(String::into_bytes).into())),
    Row("hexdec", &[Str], None, |a| Ok(unhex(text(a, 0)).unwrap_or_else(String::into_bytes).into())),
    Row("sha1sum", &[Str], None, |a| Ok(hex(&Sha1::digest(text(a, 0))))),
    Row("sha256sum", &[Str], None, |a| Ok(hex(&Sha256::digest(text(a, 0))))),
    Row("sha512sum", &[Str], None, |a| Ok(hex(&Sha512::digest(text(a, 0))))),
    Row("adler32sum", &[Str], None, |a| Ok(adler32(text(a, 0)).to_string().into())),
];

pub(super) fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

fn unhex(text: &[u8]) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| {
        let invalid = || format!("encoding/hex: invalid byte: {}", named(char::from(byte)));
        char::from(byte).to_digit(16).map(|digit| digit as u8).ok_or_else(invalid)
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks(2) {
        match *pair {
            [high, low] => out.push(digit(high)? << 4 | digit(low)?),
            [single, ..] => return digit(single).and(Err("encoding/hex: odd length hex string".to_owned())),
            [] => {}
        }
    }
    Ok(out)
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let bits =
            chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - chunk.len()));
        let used = (chunk.len() * 8).div_ceil(5);
        out.extend((0..used).map(|place| ALPHABET[(bits >> (35 - 5 * place) & 31) as usize]));
        out.extend(std::iter::repeat_n(b'=', 8 - used));
    }
    out
}

/// Padding is required, newlines are skipped, and the error names the byte, all as in Go.
fn unbase32(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base32 data at input byte {at}");
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    while at < text.len() {
        let (mut bits, mut used) = (0_u64, 0);
        while used < 8 {
            let Some(&byte) = text.get(at) else { return Err(corrupt(text.len() - used)) };
            at += 1;
            if byte == b'=' && used >= 2 && text.len() - at < 8 {
                if text.len() - at + used < 7 {
                    return Err(corrupt(text.len()));
                }
                for pad in 0..7 - used {
                    if text.get(at + pad).is_some_and(|byte| *byte != b'=') {
                        return Err(corrupt(at + pad - 1));
                    }
                }
                if matches!(used, 1 | 3 | 6) {
                    return Err(corrupt(at - 1));
                }
                at = text.len();
                break;
            }
            let Some(digit) = ALPHABET.iter().position(|known| *known == byte) else {
                return Err(corrupt(at - 1));
            };
            bits |= (digit as u64) << (35 - 5 * used);
            used += 1;
        }
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + used * 5 / 8]);
    }
    Ok(out)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}
