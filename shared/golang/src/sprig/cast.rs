//! Any value as a number, by the rules of spf13/cast: what is no number is 0.

use crate::number::{FloatBits, parse_float, parse_int};
use crate::value::Value;

pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) | Value::Int64(value) => *value,
        Value::Uint(value) => *value as i64,
        Value::Byte(value) => (*value).into(),
        Value::Float(value) => truncated(*value),
        Value::Str(text) => parse_int(without_fraction(text), 0, 64).unwrap_or(0),
        Value::Object(object) => object.underlying().map_or(0, |value| to_int64(&value)),
        _ => 0,
    }
}

pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float(value) => *value,
        Value::Uint(value) => *value as f64,
        Value::Str(text) => parse_float(text, FloatBits::B64).unwrap_or(0.0),
        other => to_int64(other) as f64,
    }
}

/// A float cut to an integer as amd64 does it: what does not fit is the least integer.
pub(super) fn truncated(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

/// A plain decimal number without its fraction; any other text as it is.
fn without_fraction(text: &[u8]) -> Vec<u8> {
    let Some(point) = text.iter().position(|byte| *byte == b'.') else { return text.to_vec() };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    let digits = whole.strip_prefix(b"-").or(whole.strip_prefix(b"+")).unwrap_or(whole);
    if !digits.iter().chain(fraction).all(u8::is_ascii_digit) {
        return text.to_vec();
    }
    if digits.is_empty() { [whole, b"0"].concat() } else { whole.to_vec() }
}
