//! Floats to text.

use super::{FloatBits, FloatFormat};

/// The precision beyond which no more digits are written; the same limit as Go's `fmt` has.
const MAX_PRECISION: usize = 1_000_000;
/// No double has more significant decimal digits than this.
const MAX_SIGNIFICANT: usize = 800;
/// No double has more digits behind the point than this.
const MAX_FRACTION: usize = 1_100;

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
