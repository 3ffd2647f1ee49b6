//! The two forms of time in a certificate.

use crate::der::{GENERALIZED_TIME, Reader, UTC_TIME};

/// Reads a time and drops it, if Go takes it: an existing day, no fraction, and a zone that is `Z` or an offset.
pub(super) fn check(der: &mut Reader<'_>) -> Option<()> {
    let (year_digits, text) = match der.next()? {
        element if element.tag == UTC_TIME => (2, element.content),
        element if element.tag == GENERALIZED_TIME => (4, element.content),
        _ => return None,
    };
    let (year, rest) = number(text, year_digits)?;
    // Of two digits, 69 to 99 are of the last century; for leap years only 2000 and 1900 would differ.
    let year = if year_digits == 2 { if year >= 69 { 1900 + year } else { 2000 + year } } else { year };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    // Seconds may be missing in the short form.
    let (second, rest) = match number(rest, 2) {
        Some(found) => found,
        None if year_digits == 2 => (0, rest),
        None => return None,
    };
    let fits = (1..=12).contains(&month) && (1..=days(year, month)).contains(&day) && hour < 24;
    (fits && minute < 60 && second < 60 && zone(rest)).then_some(())
}

fn zone(text: &[u8]) -> bool {
    match text {
        b"Z" => true,
        [b'+' | b'-', digits @ ..] if digits.len() == 4 => {
            let parts = number(digits, 2).and_then(|(hours, rest)| Some((hours, number(rest, 2)?.0)));
            parts.is_some_and(|(hours, minutes)| hours <= 24 && minutes < 60 && hours + minutes > 0)
        }
        _ => false,
    }
}

fn number(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let all = number.iter().all(u8::is_ascii_digit);
    all.then(|| (number.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')), rest))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;

    #[test]
    fn times_that_go_takes_and_refuses() {
        for (tag, text, taken) in [
            (UTC_TIME, "240101000000Z", true),
            (UTC_TIME, "2401010000Z", true),
            (UTC_TIME, "240229000000Z", true),
            (UTC_TIME, "230229000000Z", false),
            (UTC_TIME, "240101000000+0130", true),
            (UTC_TIME, "240101000000+0000", false),
            (UTC_TIME, "240101000000.5Z", false),
            (UTC_TIME, "241301000000Z", false),
            (UTC_TIME, "240101240000Z", false),
            (GENERALIZED_TIME, "20240101000000Z", true),
            (GENERALIZED_TIME, "202401010000Z", false),
            (GENERALIZED_TIME, "19000229000000Z", false),
            (der::UTF8_STRING, "240101000000Z", false),
        ] {
            let value = der::value(tag, &[text.as_bytes()]);
            assert_eq!(check(&mut Reader(&value)).is_some(), taken, "{text}");
        }
    }
}
