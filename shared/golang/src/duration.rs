//! Lengths of time as Go's `time.Duration` reads and writes them: `1h30m`, `-1.5h`, `300ms`.
//!
//! Source of the facts: `time.ParseDuration` and `time.Duration.String` of Go 1.26.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// The magnitude of the least duration, one more than that of the greatest.
const LIMIT: u64 = 1 << 63;

/// A signed length of time in nanoseconds, at most about 292 years either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

/// Why a text is no duration for Go. Names no part of the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DurationError {
    /// The text does not have the form `1h2m3.5s`, or the sum does not fit.
    #[error("invalid duration")]
    Invalid,
    /// A number has no unit behind it.
    #[error("missing unit in duration: use ns, us, ms, s, m or h")]
    MissingUnit,
    /// A number has a unit that Go does not know; days, for example.
    #[error("unknown unit in duration: use ns, us, ms, s, m or h")]
    UnknownUnit,
    /// The duration is negative where only a length makes sense.
    #[error("negative duration")]
    Negative,
}

impl Duration {
    /// The duration of that many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The whole duration in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whether the duration is zero or less; ESO reads such a refresh interval as "never again".
    pub const fn is_zero_or_less(self) -> bool {
        self.0 <= 0
    }

    /// The same length as a [`std::time::Duration`].
    ///
    /// # Errors
    /// [`DurationError::Negative`] for a duration below zero.
    pub fn to_std(self) -> Result<std::time::Duration, DurationError> {
        u64::try_from(self.0).map(std::time::Duration::from_nanos).map_err(|_| DurationError::Negative)
    }
}

/// Reads a duration as `time.ParseDuration` does: an optional sign, then numbers with optional fraction, each with a
/// unit of `ns`, `us`, `µs`, `ms`, `s`, `m`, `h`; or a bare `0`.
///
/// # Errors
/// The text has another form, or the sum does not fit in 64 bits of nanoseconds.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Duration::default());
    }
    if rest.is_empty() {
        return Err(DurationError::Invalid);
    }
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let term = Term::take(&mut rest)?;
        sum = sum.checked_add(term.nanos()?).filter(|sum| *sum <= LIMIT).ok_or(DurationError::Invalid)?;
    }
    match (negative, i64::try_from(sum)) {
        (true, _) => Ok(Duration((sum as i64).wrapping_neg())),
        (false, Ok(nanos)) => Ok(Duration(nanos)),
        (false, Err(_)) => Err(DurationError::Invalid),
    }
}

/// Writes a duration as `time.Duration.String` does: `0s`, `1.5ms`, `72h3m0.5s`.
pub fn format(duration: Duration) -> String {
    duration.to_string()
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse(text)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0 => f.write_str("0s"),
            1..MICROSECOND => write!(f, "{nanos}ns"),
            MICROSECOND..MILLISECOND => write!(f, "{}µs", Fraction(nanos, MICROSECOND)),
            MILLISECOND..SECOND => write!(f, "{}ms", Fraction(nanos, MILLISECOND)),
            _ => {
                if nanos >= HOUR {
                    write!(f, "{}h", nanos / HOUR)?;
                }
                if nanos >= MINUTE {
                    write!(f, "{}m", nanos % HOUR / MINUTE)?;
                }
                write!(f, "{}s", Fraction(nanos % MINUTE, SECOND))
            }
        }
    }
}

/// A count of nanoseconds written in a greater unit, without trailing zeros.
struct Fraction(u64, u64);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(nanos, unit) = *self;
        write!(f, "{}", nanos / unit)?;
        if nanos % unit != 0 {
            let width = unit.ilog10() as usize;
            let digits = format!("{:0width$}", nanos % unit);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// One number with its unit: `whole + fraction / scale`.
struct Term {
    whole: u64,
    fraction: u64,
    scale: f64,
    unit: u64,
}

impl Term {
    fn take(rest: &mut &str) -> Result<Self, DurationError> {
        let whole_digits = take_digits(rest);
        let mut whole = 0_u64;
        for digit in whole_digits.bytes() {
            whole = whole
                .checked_mul(10)
                .and_then(|whole| whole.checked_add(u64::from(digit - b'0')))
                .filter(|whole| *whole <= LIMIT)
                .ok_or(DurationError::Invalid)?;
        }
        let mut fraction_digits = "";
        if let Some(behind) = rest.strip_prefix('.') {
            *rest = behind;
            fraction_digits = take_digits(rest);
        }
        if whole_digits.is_empty() && fraction_digits.is_empty() {
            return Err(DurationError::Invalid);
        }
        let (fraction, scale) = read_fraction(fraction_digits);
        let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        *rest = behind;
        let unit = match name {
            "" => return Err(DurationError::MissingUnit),
            "ns" => 1,
            // The micro sign U+00B5 and the Greek letter U+03BC.
            "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => return Err(DurationError::UnknownUnit),
        };
        Ok(Self { whole, fraction, scale, unit })
    }

    fn nanos(&self) -> Result<u64, DurationError> {
        let whole = self.whole.checked_mul(self.unit).filter(|nanos| *nanos <= LIMIT);
        // In floating point and in this order, because Go's rounding must come out.
        let part = (self.fraction as f64 * (self.unit as f64 / self.scale)) as u64;
        whole
            .and_then(|whole| whole.checked_add(part))
            .filter(|nanos| *nanos <= LIMIT)
            .ok_or(DurationError::Invalid)
    }
}

fn take_digits<'t>(rest: &mut &'t str) -> &'t str {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    *rest = behind;
    digits
}

/// Digits behind the point; those beyond 63 bits are ignored.
fn read_fraction(digits: &str) -> (u64, f64) {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in digits.bytes() {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let longer = value * 10 + u64::from(digit - b'0');
        if longer > LIMIT {
            break;
        }
        value = longer;
        scale *= 10.0;
    }
    (value, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("5s", 5_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1h0m0s", 3_600_000_000_000),
            ("1m1m", 120_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("+5m", 300_000_000_000),
            ("-1.5h", -5_400_000_000_000),
            ("300ms", 300_000_000),
            ("1us1µs1μs", 3_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.100000000000000000000h", 360_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("2562047h47m16.854775807s", i64::MAX),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse(text), Ok(Duration(nanos)), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        use DurationError::{Invalid, MissingUnit, UnknownUnit};
        let cases = [
            ("", Invalid),
            ("-", Invalid),
            (".", Invalid),
            (".s", Invalid),
            ("s", Invalid),
            (" 1s", Invalid),
            ("1 s", UnknownUnit),
            ("1h 30m", UnknownUnit),
            ("1d", UnknownUnit),
            ("3", MissingUnit),
            ("1h30", MissingUnit),
            ("é", Invalid),
            ("1é", UnknownUnit),
            ("9223372036854775808ns", Invalid),
            ("99999999999999999999h", Invalid),
            ("3000000h", Invalid),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let cases = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (3_600_000_000_000, "1h0m0s"),
            (480_000_000_001, "8m0.000000001s"),
            (-1, "-1ns"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(format(Duration(nanos)), text);
            assert_eq!(parse(text), Ok(Duration(nanos)));
        }
    }

    #[test]
    fn only_lengths_convert_to_the_standard_type() {
        assert_eq!(Duration(5).to_std(), Ok(std::time::Duration::from_nanos(5)));
        assert_eq!(Duration(-5).to_std(), Err(DurationError::Negative));
    }
}
