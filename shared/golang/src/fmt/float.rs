//! Floats with a verb and a precision: `strconv.AppendFloat` for 64 bits.

use crate::number::{self, FloatBits, FloatFormat};

/// The text of a float for one of the verbs `e E f g G b x X`; no precision means the shortest exact text.
pub(crate) fn format_float(value: f64, verb: u8, precision: Option<usize>) -> Vec<u8> {
    let format = match verb {
        b'b' | b'x' | b'X' if value.is_finite() => return power_of_two(value, verb, precision),
        b'f' => FloatFormat::Fixed,
        b'e' | b'E' => FloatFormat::Exponent,
        _ => FloatFormat::General,
    };
    let mut text = number::format_float(value, format, precision, FloatBits::B64).into_bytes();
    if value.is_finite() && verb.is_ascii_uppercase() {
        text.make_ascii_uppercase();
    }
    text
}

fn power_of_two(value: f64, verb: u8, precision: Option<usize>) -> Vec<u8> {
    let mut out = Vec::new();
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if verb == b'b' {
        binary(&mut out, value.abs());
    } else {
        hexadecimal(&mut out, value.abs(), verb, precision);
    }
    out
}

fn binary(out: &mut Vec<u8>, value: f64) {
    let (mantissa, power) = parts(value);
    out.extend_from_slice(format!("{mantissa}p{power:+}").as_bytes());
}

fn hexadecimal(out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>) {
    let (mut mantissa, mut power) = parts(value);
    if mantissa == 0 {
        power = 0;
    } else {
        // One bit before the point, 60 bits after it.
        let shift = mantissa.leading_zeros() as i32 - 3;
        mantissa <<= shift;
        power += 60 - shift;
    }
    if let Some(places) = precision.filter(|places| *places < 15) {
        let drop = 60 - 4 * places as u32;
        let (rest, half) = (mantissa & ((1 << drop) - 1), 1_u64 << (drop - 1));
        mantissa >>= drop;
        if rest > half || rest == half && mantissa & 1 == 1 {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            power += 1;
        }
    }
    let mut digits = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(places) => {
            digits.extend(std::iter::repeat_n('0', places.saturating_sub(digits.len())));
            digits.truncate(places);
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{digits}p{sign}{:02}", mantissa >> 60, power.abs());
    out.extend_from_slice(if verb == b'X' { text.to_uppercase() } else { text }.as_bytes());
}

/// The value as `mantissa * 2^power`.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let (power, mantissa) = ((bits >> 52 & 0x7FF) as i32, bits & ((1 << 52) - 1));
    if power == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, power - 1075) }
}
