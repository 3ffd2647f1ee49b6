//! Numbers as Go's `strconv` reads and writes them.
//!
//! Writing: [`format_float`]. Reading: [`parse_float`], [`parse_int`], [`parse_uint`].
//! Source of the facts: package strconv of Go 1.26.

use thiserror::Error;

/// The precision beyond which no more digits are written; the same limit as Go's `fmt` has.
const MAX_PRECISION: usize = 1_000_000;
/// No double has more significant decimal digits than this.
const MAX_SIGNIFICANT: usize = 800;
/// No double has more digits behind the point than this.
const MAX_FRACTION: usize = 1_100;

/// The three decimal layouts of Go's `strconv.FormatFloat` that manifests can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatFormat {
    /// `e`: `-d.dddde±dd`, always with an exponent of at least two digits.
    Exponent,
    /// `f`: `-ddd.dddd`, never with an exponent.
    Fixed,
    /// `g`: [`Exponent`](Self::Exponent) for exponents below -4 or at least the precision, else
    /// [`Fixed`](Self::Fixed). The precision counts as 6 for this choice when the shortest form is asked for.
    General,
}

/// The size of the binary float whose digits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatBits {
    /// `float32`: the value is rounded to single precision first.
    B32,
    /// `float64`.
    B64,
}

/// Why a text is no number for Go.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NumberError<T> {
    /// The text does not have the form of a number.
    #[error("invalid syntax")]
    Syntax,
    /// The number does not fit; holds the nearest value that does, which is what Go returns beside its error.
    #[error("value out of range")]
    Range(T),
}

impl<T: Default> NumberError<T> {
    /// The value that Go returns together with this error: zero for bad syntax, the nearest value otherwise.
    pub fn value(self) -> T {
        match self {
            Self::Syntax => T::default(),
            Self::Range(nearest) => nearest,
        }
    }
}

/// Writes a float as `strconv.FormatFloat` does.
///
/// `precision` is the number of digits behind the point, for [`FloatFormat::General`] the number of significant
/// digits; `None` is Go's -1, the fewest digits that read back as the same float. At most a million digits
/// are written. Not-numbers are `NaN`, `+Inf` and `-Inf`.
pub fn format_float(value: f64, format: FloatFormat, precision: Option<usize>, bits: FloatBits) -> String {
    let value = match bits {
        FloatBits::B32 => f64::from(value as f32),
        FloatBits::B64 => value,
    };
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let precision = precision.map(|wanted| wanted.min(MAX_PRECISION));
    let mut out = String::new();
    if value.is_sign_negative() {
        out.push('-');
    }
    let magnitude = value.abs();
    match format {
        FloatFormat::Exponent => {
            let decimal = Decimal::new(magnitude, precision.map(|behind| behind + 1), bits);
            let behind = precision.unwrap_or_else(|| decimal.digits.len().saturating_sub(1));
            decimal.write_exponent(&mut out, behind);
        }
        FloatFormat::Fixed => match precision {
            None => {
                let decimal = Decimal::new(magnitude, None, bits);
                decimal.write_fixed(&mut out, decimal.behind_point());
            }
            Some(behind) => {
                let exact = behind.min(MAX_FRACTION);
                out.push_str(&format!("{magnitude:.exact$}"));
                out.extend(std::iter::repeat_n('0', behind - exact));
            }
        },
        FloatFormat::General => {
            let wanted = precision.map(|digits| digits.max(1));
            let decimal = Decimal::new(magnitude, wanted, bits);
            let len = decimal.digits.len();
            let limit = match wanted {
                None => 6,
                Some(digits) if digits > len && len as i64 >= decimal.point => len,
                Some(digits) => digits,
            };
            let exponent = decimal.point - 1;
            if exponent < -4 || exponent >= limit as i64 {
                decimal.write_exponent(&mut out, len.saturating_sub(1));
            } else {
                decimal.write_fixed(&mut out, decimal.behind_point());
            }
        }
    }
    out
}

/// Reads a float as `strconv.ParseFloat` does: decimal, hexadecimal with a `p` exponent, `inf`, `infinity` and
/// `nan` in any case, underscores only after a base prefix.
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

/// The fewest digits that identify the value. Where two such numbers are equally near, Go takes the even one and Rust the
/// greater; rounding to that many digits gives the even one.
fn shortest(value: f64, bits: FloatBits) -> String {
    let narrow = bits == FloatBits::B32;
    let shortest = if narrow { format!("{:e}", value as f32) } else { format!("{value:e}") };
    let behind_point =
        shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count() - 1;
    let rounded = format!("{value:.behind_point$e}");
    let is_same = if narrow { rounded.parse() == Ok(value as f32) } else { rounded.parse() == Ok(value) };
    if is_same { rounded } else { shortest }
}

/// Decimal digits without trailing zeros and the place of the point: `0.d1d2d3… * 10^point`. Zero has no digits.
struct Decimal {
    digits: String,
    point: i64,
}

impl Decimal {
    /// `significant` digits of a finite positive value, or the fewest that identify it.
    fn new(value: f64, significant: Option<usize>, bits: FloatBits) -> Self {
        let text = match significant {
            Some(count) => format!("{value:.*e}", count.clamp(1, MAX_SIGNIFICANT) - 1),
            None => shortest(value, bits),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.replace('.', "");
        let digits = digits.trim_end_matches('0').to_owned();
        let point = if digits.is_empty() { 0 } else { exponent.parse::<i64>().unwrap_or(0) + 1 };
        Self { digits, point }
    }

    fn behind_point(&self) -> usize {
        usize::try_from(self.digits.len() as i64 - self.point).unwrap_or(0)
    }

    fn write_exponent(&self, out: &mut String, behind: usize) {
        let mut digits = self.digits.chars().chain(std::iter::repeat('0'));
        out.extend(digits.next());
        if behind > 0 {
            out.push('.');
            out.extend(digits.take(behind));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push_str(&format!("e{sign}{:02}", exponent.unsigned_abs()));
    }

    fn write_fixed(&self, out: &mut String, behind: usize) {
        let whole = usize::try_from(self.point).unwrap_or(0);
        let leading = usize::try_from(-self.point).unwrap_or(0);
        let mut digits = self.digits.chars().chain(std::iter::repeat('0'));
        if whole == 0 {
            out.push('0');
        }
        out.extend(digits.by_ref().take(whole));
        if behind > 0 {
            out.push('.');
            out.extend(std::iter::repeat_n('0', leading).chain(digits).take(behind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general(value: f64) -> String {
        format_float(value, FloatFormat::General, None, FloatBits::B64)
    }

    fn fixed(value: f64, precision: Option<usize>) -> String {
        format_float(value, FloatFormat::Fixed, precision, FloatBits::B64)
    }

    #[test]
    fn shortest_general_form_switches_to_exponents_at_six_digits_and_below_minus_four() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (5432.0, "5432"),
            (100_000.0, "100000"),
            (100_000.5, "100000.5"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (1e20, "1e+20"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1e-7, "1e-07"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(general(value), expected);
        }
    }

    #[test]
    fn precise_forms_round_half_to_even_on_the_exact_value() {
        assert_eq!(general(-1.672_291_564_941_406_3e1), "-16.722915649414062");
        assert_eq!(fixed(2.5, Some(0)), "2");
        assert_eq!(fixed(3.5, Some(0)), "4");
        assert_eq!(fixed(0.125, Some(2)), "0.12");
        assert_eq!(fixed(1.005, Some(2)), "1.00");
        assert_eq!(fixed(1e21, None), "1000000000000000000000");
        assert_eq!(fixed(12_345_678_901_234_567_890.0, None), "12345678901234567000");
        assert_eq!(format_float(25.0, FloatFormat::Exponent, Some(0), FloatBits::B64), "2e+01");
        assert_eq!(format_float(0.0, FloatFormat::Exponent, Some(2), FloatBits::B64), "0.00e+00");
        assert_eq!(format_float(1234.5678, FloatFormat::General, Some(3), FloatBits::B64), "1.23e+03");
        assert_eq!(format_float(100.0, FloatFormat::General, Some(3), FloatBits::B64), "100");
        assert_eq!(
            format_float(123_456_789.123, FloatFormat::General, None, FloatBits::B32),
            "1.2345679e+08"
        );
        assert_eq!(fixed(0.5, Some(1500)).len(), 1502);
        assert_eq!(fixed(1.0, Some(usize::MAX)).len(), MAX_PRECISION + 2);
    }

    #[test]
    fn floats_are_read_as_go_reads_them() {
        let good = [
            ("1", 1.0),
            ("+1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            ("0x1p-2", 0.25),
            ("0X1.8p1", 3.0),
            ("0x_1F.8p0", 31.5),
            ("1_000.5", 1000.5),
            ("-iNf", f64::NEG_INFINITY),
            ("Infinity", f64::INFINITY),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x1p1023", f64::MAX / 2.0 + 2_f64.powi(969)),
        ];
        for (text, expected) in good {
            assert_eq!(parse_float(text, FloatBits::B64), Ok(expected), "{text}");
        }
        for text in [
            "", "+", ".", "e5", "1e", "1e+", "0x1", "0x", "1__0", "_1", "1_", "infin", "1 ", " 1", "1.2.3",
            "-nan",
        ] {
            assert_eq!(parse_float(text, FloatBits::B64), Err(NumberError::Syntax), "{text}");
        }
        assert!(parse_float("NaN", FloatBits::B64).unwrap().is_nan());
        assert_eq!(parse_float("-1e400", FloatBits::B64), Err(NumberError::Range(f64::NEG_INFINITY)));
        assert_eq!(parse_float("1e39", FloatBits::B32), Err(NumberError::Range(f64::INFINITY)));
        assert_eq!(parse_float("0x1p1024", FloatBits::B64).unwrap_err().value(), f64::INFINITY);
    }

    #[test]
    fn integers_are_read_as_go_reads_them() {
        let good = [
            ("0", 0, 0),
            ("0755", 0, 493),
            ("0o17", 0, 15),
            ("0x_1F", 0, 31),
            ("1_000", 0, 1000),
            ("-0b11", 0, -3),
        ];
        for (text, base, expected) in good {
            assert_eq!(parse_int(text, base, 64), Ok(expected), "{text}");
        }
        assert_eq!(parse_int("-9223372036854775808", 10, 64), Ok(i64::MIN));
        assert_eq!(parse_int("9223372036854775808", 10, 64), Err(NumberError::Range(i64::MAX)));
        assert_eq!(parse_int("-9223372036854775809", 10, 0), Err(NumberError::Range(i64::MIN)));
        assert_eq!(parse_int("128", 10, 8), Err(NumberError::Range(127)));
        assert_eq!(parse_int("-128", 10, 8), Ok(-128));
        assert_eq!(parse_uint("18446744073709551615", 10, 64), Ok(u64::MAX));
        assert_eq!(parse_uint("zz", 36, 64), Ok(1295));
        for (text, base) in [
            ("", 10),
            ("08", 0),
            ("1_000", 10),
            ("0x", 0),
            ("1__0", 0),
            ("9", 8),
            ("1", 1),
            ("1", 37),
            ("é", 10),
        ] {
            assert_eq!(parse_int(text, base, 64), Err(NumberError::Syntax), "{text}");
        }
    }
}
