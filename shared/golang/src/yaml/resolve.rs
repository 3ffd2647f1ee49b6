//! What a scalar means: the types of YAML 1.1, as go-yaml guesses them.

use super::YamlError;
use super::source::Mark;
use crate::base64::{self, Encoding};
use crate::number::{FloatBits, parse_float, parse_int, parse_uint};

const PREFIX: &[u8] = b"tag:yaml.org,2002:";

/// A scalar with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond the signed range.
    Uint(u64),
    Float(f64),
    Text(Vec<u8>),
    /// A date or time, which stays the text that it is.
    Timestamp,
}

/// Reads a scalar with a tag; an empty tag is none. `is_implicit` is false for text in quotes and blocks.
pub(super) fn resolve(value: &str, tag: &[u8], is_implicit: bool, mark: Mark) -> Result<Scalar, YamlError> {
    let text = || Scalar::Text(value.as_bytes().to_vec());
    if tag.is_empty() {
        return Ok(if is_implicit { guess(value) } else { text() });
    }
    let wrong = mark.error("a value that does not have the type of its tag");
    let guessed = match tag.strip_prefix(PREFIX).unwrap_or_default() {
        b"str" => return Ok(text()),
        b"binary" => {
            let bytes = base64::decode(Encoding::Standard, value);
            return bytes.map(Scalar::Text).map_err(|_| mark.error("!!binary with invalid base64"));
        }
        b"bool" | b"int" | b"float" | b"null" | b"timestamp" => {
            guess_tagged(value, tag.ends_with(b"timestamp"))
        }
        _ => return Ok(text()),
    };
    match (&tag[PREFIX.len()..], guessed) {
        (b"bool", Scalar::Bool(value)) => Ok(Scalar::Bool(value)),
        (b"int", number @ (Scalar::Int(_) | Scalar::Uint(_))) => Ok(number),
        (b"float", Scalar::Int(value)) => Ok(Scalar::Float(value as f64)),
        (b"float", Scalar::Float(value)) => Ok(Scalar::Float(value)),
        (b"null", Scalar::Null) => Ok(Scalar::Null),
        (b"timestamp", Scalar::Timestamp) => Ok(Scalar::Timestamp),
        _ => Err(wrong),
    }
}

/// The type that a plain scalar has by its looks.
pub(super) fn guess(value: &str) -> Scalar {
    guess_tagged(value, true)
}

fn guess_tagged(value: &str, may_be_timestamp: bool) -> Scalar {
    match value {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match value.as_bytes()[0] {
        b'.' => parse_float(value, FloatBits::B64).ok().map(Scalar::Float),
        b'0'..=b'9' | b'+' | b'-' if may_be_timestamp && is_timestamp(value) => return Scalar::Timestamp,
        b'0'..=b'9' | b'+' | b'-' => guess_number(&value.replace('_', "")),
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(value.as_bytes().to_vec()))
}

fn guess_number(plain: &str) -> Option<Scalar> {
    let int = |text: &str, base: u32| parse_int(text, base, 64).ok().map(Scalar::Int);
    let uint = |text: &str, base: u32| parse_uint(text, base, 64).ok().map(Scalar::Uint);
    if let Some(number) = int(plain, 0).or_else(|| uint(plain, 0)) {
        return Some(number);
    }
    if is_float(plain)
        && let Ok(value) = parse_float(plain, FloatBits::B64)
    {
        return Some(Scalar::Float(value));
    }
    if let Some(digits) = plain.strip_prefix("0b") {
        return int(digits, 2).or_else(|| uint(digits, 2));
    }
    plain.strip_prefix("-0b").and_then(|digits| int(&format!("-{digits}"), 2))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |digits: &str| !digits.is_empty() && all_digits(digits);
    let is_mantissa = match mantissa.split_once('.') {
        None => some_digits(mantissa),
        Some(("", fraction)) => some_digits(fraction),
        Some((whole, fraction)) => some_digits(whole) && all_digits(fraction),
    };
    is_mantissa
        && exponent.is_none_or(|exponent| some_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

/// A date, or a date and time, in one of the four forms that go-yaml knows.
fn is_timestamp(text: &str) -> bool {
    let mut reader = Digits(text);
    let Some(year) = reader.number(4, 4) else { return false };
    let date = (reader.sign("-"), reader.number(1, 2), reader.sign("-"), reader.number(1, 2));
    let (true, Some(month), true, Some(day)) = date else { return false };
    if !(1..=12).contains(&month) || !(1..=days(year, month)).contains(&day) {
        return false;
    }
    let zoned = reader.sign("T") || reader.sign("t");
    if !zoned && !reader.sign(" ") {
        return reader.0.is_empty();
    }
    let time =
        (reader.number(1, 2), reader.sign(":"), reader.number(1, 2), reader.sign(":"), reader.number(1, 2));
    let (Some(0..24), true, Some(0..60), true, Some(0..60)) = time else { return false };
    if let [b'.' | b',', b'0'..=b'9', ..] = reader.0.as_bytes() {
        reader.0 = reader.0[1..].trim_start_matches(|sign: char| sign.is_ascii_digit());
    }
    if !zoned || reader.sign("Z") {
        return reader.0.is_empty();
    }
    let is_offset = reader.sign("+") || reader.sign("-");
    let offset = (reader.number(2, 2), reader.sign(":"), reader.number(2, 2));
    is_offset && matches!(offset, (Some(0..=24), true, Some(0..=60))) && reader.0.is_empty()
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Digits<'t>(&'t str);

impl Digits<'_> {
    /// Passes a number of at least and at most so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        if length < least { None } else { digits.parse().ok() }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}
