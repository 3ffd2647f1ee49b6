//! Random texts and numbers.

use super::{Row, row};
use crate::base64::{self, Encoding};
use crate::sprig::args::{int, text};
use crate::unicode;
use crate::value::Type::{Int, Str};
use crate::value::{FuncError, MAX_TEXT, Value};

pub(super) const TABLE: &[Row] = &[
    row("randAlphaNum", &[Int], 0, |_, a| characters(a, |byte| byte.is_ascii_alphanumeric())),
    row("randAlpha", &[Int], 0, |_, a| characters(a, |byte| byte.is_ascii_alphabetic())),
    row("randNumeric", &[Int], 0, |_, a| characters(a, |byte| byte.is_ascii_digit())),
    row("randAscii", &[Int], 0, |_, a| characters(a, |byte| matches!(byte, b' '..=b'~'))),
    row("randBytes", &[Int], 0, |_, a| {
        let count = usize::try_from(int(a, 0)).map_err(|_| FuncError::new("makeslice: len out of range"))?;
        if count > MAX_TEXT / 2 {
            return Err(FuncError::too_large());
        }
        Ok(base64::encode(Encoding::Standard, bytes(count)).into())
    }),
    row("randInt", &[Int, Int], 0, |_, a| {
        let (low, high) = (int(a, 0), int(a, 1));
        match u64::try_from(high.wrapping_sub(low)) {
            Ok(span) if span > 0 => Ok(Value::Int(low.wrapping_add(below(span) as i64))),
            _ => Err(FuncError::new("invalid argument to Intn")),
        }
    }),
    row("shuffle", &[Str], 0, |_, a| Ok(shuffled(text(a, 0)).into())),
    row("uuidv4", &[], 0, |_, _| Ok(uuid().into())),
];

pub(super) fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::fill(&mut bytes[..]);
    bytes
}

/// A number below a limit, each as likely as the other.
fn below(limit: u64) -> u64 {
    let usable = u64::MAX - u64::MAX % limit;
    loop {
        let number = rand::random::<u64>();
        if number < usable {
            return number % limit;
        }
    }
}

/// So many characters of a class; none for a negative number.
fn characters(a: &[Value], class: fn(&u8) -> bool) -> Result<Value, FuncError> {
    let count = usize::try_from(int(a, 0)).unwrap_or(0);
    if count > MAX_TEXT {
        return Err(FuncError::too_large());
    }
    let alphabet: Vec<u8> = (0..=127).filter(class).collect();
    let picked: Vec<u8> = (0..count).map(|_| alphabet[below(alphabet.len() as u64) as usize]).collect();
    Ok(picked.into())
}

fn shuffled(text: &[u8]) -> Vec<u8> {
    let mut runes: Vec<char> = unicode::runes(text).map(|(_, rune, _)| rune).collect();
    for last in (1..runes.len()).rev() {
        runes.swap(last, below(last as u64 + 1) as usize);
    }
    runes.into_iter().collect::<String>().into_bytes()
}

fn uuid() -> String {
    let mut bits = rand::random::<u128>();
    bits = bits & !(0xF << 76) | 0x4 << 76;
    bits = bits & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
