//! Text to numbers.

use super::{FloatBits, NumberError};

/// Reads a float as `strconv.ParseFloat` does: decimal, hexadecimal with a `p` exponent, `inf`, `infinity` and
/// `nan` in any case, underscores between digits.
///
/// # Errors
/// [`NumberError::Range`] with an infinity when the magnitude is too great for `bits`.
pub fn parse_float(text: impl AsRef<[u8]>, bits: FloatBits) -> Result<f64, NumberError<f64>> {
    let text = text.as_ref();
    let (negative, body) = split_sign(text);
    let signed = |magnitude: f64| if negative { -magnitude } else { magnitude };
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Ok(signed(f64::INFINITY));
    }
    if text.eq_ignore_ascii_case(b"nan") {
        return Ok(f64::NAN);
    }
    if text.contains(&b'_') && !underscores_allowed(body) {
        return Err(NumberError::Syntax);
    }
    let magnitude = if body.len() > 2 && body[0] == b'0' && body[1].eq_ignore_ascii_case(&b'x') {
        let (mantissa, exponent) = read_hexadecimal(&body[2..]).ok_or(NumberError::Syntax)?;
        scale(mantissa, exponent, bits)
    } else {
        let clean = decimal_syntax(body).ok_or(NumberError::Syntax)?;
        match bits {
            FloatBits::B32 => clean.parse::<f32>().map(f64::from),
            FloatBits::B64 => clean.parse::<f64>(),
        }
        .map_err(|_| NumberError::Syntax)?
    };
    if magnitude.is_infinite() { Err(NumberError::Range(signed(magnitude))) } else { Ok(signed(magnitude)) }
}

/// Reads a signed integer as `strconv.ParseInt` does. Base 0 takes the base from the prefix (`0x`, `0o`, `0b`, `0`)
/// and allows underscores; other bases are 2 to 36. `bits` is the size of the integer, 1 to 64, and 0 means 64.
///
/// # Errors
/// [`NumberError::Syntax`] also for a base or size outside the limits.
pub fn parse_int(text: impl AsRef<[u8]>, base: u32, bits: u32) -> Result<i64, NumberError<i64>> {
    let (negative, body) = split_sign(text.as_ref());
    let bits = if bits == 0 { 64 } else { bits };
    let magnitude = match parse_uint(body, base, bits) {
        Ok(magnitude) | Err(NumberError::Range(magnitude)) => magnitude,
        Err(NumberError::Syntax) => return Err(NumberError::Syntax),
    };
    let limit = 1_u64 << (bits - 1);
    match (negative, magnitude) {
        (false, m) if m >= limit => Err(NumberError::Range((limit - 1) as i64)),
        (true, m) if m > limit => Err(NumberError::Range((limit as i64).wrapping_neg())),
        (false, m) => Ok(m as i64),
        (true, m) => Ok((m as i64).wrapping_neg()),
    }
}

/// Reads an unsigned integer as `strconv.ParseUint` does; no sign is allowed. See [`parse_int`] for base and size.
///
/// # Errors
/// [`NumberError::Syntax`] also for a base or size outside the limits.
pub fn parse_uint(text: impl AsRef<[u8]>, base: u32, bits: u32) -> Result<u64, NumberError<u64>> {
    let text = text.as_ref();
    if text.is_empty() || bits > 64 || base == 1 || base > 36 {
        return Err(NumberError::Syntax);
    }
    let (radix, digits) = if base == 0 { split_prefix(text) } else { (base, text) };
    let largest = match bits {
        0 | 64 => u64::MAX,
        bits => (1 << bits) - 1,
    };
    let mut sum = 0_u64;
    for &byte in digits {
        if byte == b'_' && base == 0 {
            continue;
        }
        let digit =
            char::from(byte).to_digit(36).filter(|digit| *digit < radix).ok_or(NumberError::Syntax)?;
        sum = sum
            .checked_mul(u64::from(radix))
            .and_then(|sum| sum.checked_add(u64::from(digit)))
            .filter(|sum| *sum <= largest)
            .ok_or(NumberError::Range(largest))?;
    }
    if base == 0 && text.contains(&b'_') && !underscores_allowed(text) {
        return Err(NumberError::Syntax);
    }
    Ok(sum)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn split_prefix(text: &[u8]) -> (u32, &[u8]) {
    match text {
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        _ => (10, text),
    }
}

/// Underscores may stand only between digits, or between a base prefix and a digit.
fn underscores_allowed(unsigned: &[u8]) -> bool {
    let prefixed = matches!(unsigned, [b'0', b'b' | b'B' | b'o' | b'O' | b'x' | b'X', ..]);
    let hexadecimal = matches!(unsigned, [b'0', b'x' | b'X', ..]);
    let (mut previous, rest) = if prefixed { (b'0', &unsigned[2..]) } else { (b'^', unsigned) };
    for &byte in rest {
        let is_digit = byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit();
        match (is_digit, byte, previous) {
            (true, ..) => previous = b'0',
            (false, b'_', b'0') => previous = b'_',
            (false, b'_', _) | (false, _, b'_') => return false,
            _ => previous = b'!',
        }
    }
    previous != b'_'
}

/// The text without underscores, if it is a decimal float.
fn decimal_syntax(body: &[u8]) -> Option<String> {
    let mut clean = String::with_capacity(body.len());
    let (mut digits, mut point) = (false, false);
    let mut rest = body.iter().copied().filter(|byte| *byte != b'_').peekable();
    while let Some(byte) = rest.next_if(|byte| byte.is_ascii_digit() || *byte == b'.') {
        if byte == b'.' && std::mem::replace(&mut point, true) {
            return None;
        }
        digits |= byte != b'.';
        clean.push(char::from(byte));
    }
    if !digits {
        return None;
    }
    if rest.next_if(|byte| byte.eq_ignore_ascii_case(&b'e')).is_some() {
        clean.push('e');
        clean.extend(rest.next_if(|byte| matches!(byte, b'+' | b'-')).map(char::from));
        let before = clean.len();
        while let Some(byte) = rest.next_if(u8::is_ascii_digit) {
            clean.push(char::from(byte));
        }
        if clean.len() == before {
            return None;
        }
    }
    rest.next().is_none().then_some(clean)
}

/// Mantissa and binary exponent of a hexadecimal float behind its `0x`. Digits beyond the 64th bit are kept
/// as one sticky lowest bit, which is all that rounding needs.
fn read_hexadecimal(body: &[u8]) -> Option<(u64, i64)> {
    let (mut mantissa, mut exponent) = (0_u64, 0_i64);
    let (mut digits, mut point) = (false, false);
    let mut rest = body.iter().copied().filter(|byte| *byte != b'_').peekable();
    while let Some(byte) = rest.next_if(|byte| byte.is_ascii_hexdigit() || *byte == b'.') {
        if byte == b'.' {
            if std::mem::replace(&mut point, true) {
                return None;
            }
            continue;
        }
        digits = true;
        let digit = u64::from(char::from(byte).to_digit(16)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if point { 4 } else { 0 };
        } else {
            mantissa |= u64::from(digit != 0);
            exponent += if point { 0 } else { 4 };
        }
    }
    if !digits || !rest.next()?.eq_ignore_ascii_case(&b'p') {
        return None;
    }
    let sign = if rest.next_if(|byte| matches!(byte, b'+' | b'-')) == Some(b'-') { -1 } else { 1 };
    let mut power = None;
    while let Some(byte) = rest.next_if(u8::is_ascii_digit) {
        power = Some((power.unwrap_or(0) * 10 + i64::from(byte - b'0')).min(100_000));
    }
    rest.next().is_none().then_some((mantissa, exponent + sign * power?))
}

/// `mantissa * 2^exponent`, rounded once, half to even.
fn scale(mantissa: u64, exponent: i64, bits: FloatBits) -> f64 {
    let (precision, lowest) = match bits {
        FloatBits::B32 => (24, -149),
        FloatBits::B64 => (53, -1074),
    };
    let length = 64 - i64::from(mantissa.leading_zeros());
    let drop = (length - precision).max(lowest - exponent).max(0);
    let rounded = match drop {
        0 => mantissa,
        1..=64 => {
            let kept = if drop == 64 { 0 } else { mantissa >> drop };
            let lost = u128::from(mantissa) & ((1_u128 << drop) - 1);
            let half = 1_u128 << (drop - 1);
            kept + u64::from(lost > half || lost == half && kept & 1 == 1)
        }
        _ => 0,
    };
    // Exact from here on: the digits fit, and each step multiplies by a power of two that stays in range.
    let mut value = rounded as f64;
    let mut power = exponent + drop;
    while value != 0.0 && value.is_finite() && power != 0 {
        let step = power.clamp(-512, 512);
        value *= 2_f64.powi(step as i32);
        power -= step;
    }
    if bits == FloatBits::B32 { f64::from(value as f32) } else { value }
}
