//! Go's layouts: a date is written as the reference time `Mon Jan 2 15:04:05 MST 2006` would be.

use super::time::Time;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Chunk {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset from UTC.
    Offset(Offset),
    /// Digits of a fraction behind the separator; with `trims` without zeros at the end.
    Fraction {
        digits: usize,
        trims: bool,
        separator: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offset {
    /// `Z` for UTC.
    pub(super) z: bool,
    pub(super) colon: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The text before the first chunk, the chunk, and the rest of the layout.
pub(super) fn next_chunk(layout: &[u8]) -> (&[u8], Option<Chunk>, &[u8]) {
    for at in 0..layout.len() {
        let rest = &layout[at..];
        if rest.starts_with(b"_2006") {
            return (&layout[..=at], Some(Chunk::LongYear), &rest[5..]);
        }
        if let Some((chunk, length)) = chunk(rest) {
            return (&layout[..at], Some(chunk), &rest[length..]);
        }
    }
    (layout, None, b"")
}

fn chunk(rest: &[u8]) -> Option<(Chunk, usize)> {
    const WORDS: &[(&[u8], Chunk)] = &[
        (b"January", Chunk::LongMonth),
        (b"Jan", Chunk::Month),
        (b"Monday", Chunk::LongWeekday),
        (b"Mon", Chunk::Weekday),
        (b"MST", Chunk::ZoneName),
        (b"002", Chunk::ZeroYearDay),
        (b"01", Chunk::ZeroMonth),
        (b"02", Chunk::ZeroDay),
        (b"03", Chunk::ZeroHour12),
        (b"04", Chunk::ZeroMinute),
        (b"05", Chunk::ZeroSecond),
        (b"06", Chunk::Year),
        (b"15", Chunk::Hour),
        (b"1", Chunk::NumMonth),
        (b"2006", Chunk::LongYear),
        (b"2", Chunk::Day),
        (b"__2", Chunk::SpaceYearDay),
        (b"_2", Chunk::SpaceDay),
        (b"3", Chunk::Hour12),
        (b"4", Chunk::Minute),
        (b"5", Chunk::Second),
        (b"PM", Chunk::UpperPm),
        (b"pm", Chunk::LowerPm),
    ];
    for (word, chunk) in WORDS {
        let short = matches!(chunk, Chunk::Month | Chunk::Weekday);
        if rest.starts_with(word) && !(short && rest.get(3).is_some_and(u8::is_ascii_lowercase)) {
            return Some((*chunk, word.len()));
        }
    }
    offset(rest).or_else(|| fraction(rest))
}

fn offset(rest: &[u8]) -> Option<(Chunk, usize)> {
    const FORMS: [(&[u8], bool, bool, bool); 5] = [
        (b"070000", false, true, true),
        (b"07:00:00", true, true, true),
        (b"0700", false, true, false),
        (b"07:00", true, true, false),
        (b"07", false, false, false),
    ];
    let z = match rest.first()? {
        b'Z' => true,
        b'-' => false,
        _ => return None,
    };
    let (form, colon, minutes, seconds) = FORMS.into_iter().find(|(form, ..)| rest[1..].starts_with(form))?;
    Some((Chunk::Offset(Offset { z, colon, minutes, seconds }), form.len() + 1))
}

fn fraction(rest: &[u8]) -> Option<(Chunk, usize)> {
    let (separator, digit) = match rest {
        [separator @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => (*separator, *digit),
        _ => return None,
    };
    let digits = rest[1..].iter().take_while(|byte| **byte == digit).count();
    if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Chunk::Fraction { digits, trims: digit == b'9', separator }, digits + 1))
}

/// `time.Time.Format`.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let civil = time.civil();
    let hour12 = (civil.hour + 11) % 12 + 1;
    let mut out = Vec::with_capacity(layout.len() + 16);
    let mut layout = layout;
    loop {
        let (text, chunk, rest) = next_chunk(layout);
        out.extend_from_slice(text);
        layout = rest;
        let Some(chunk) = chunk else { return out };
        let piece = match chunk {
            Chunk::LongMonth => MONTHS[civil.month as usize - 1].to_owned(),
            Chunk::Month => MONTHS[civil.month as usize - 1][..3].to_owned(),
            Chunk::NumMonth => civil.month.to_string(),
            Chunk::ZeroMonth => format!("{:02}", civil.month),
            Chunk::LongWeekday => WEEKDAYS[civil.weekday as usize].to_owned(),
            Chunk::Weekday => WEEKDAYS[civil.weekday as usize][..3].to_owned(),
            Chunk::Day => civil.day.to_string(),
            Chunk::SpaceDay => format!("{:2}", civil.day),
            Chunk::ZeroDay => format!("{:02}", civil.day),
            Chunk::SpaceYearDay => format!("{:3}", civil.year_day),
            Chunk::ZeroYearDay => format!("{:03}", civil.year_day),
            Chunk::Hour => format!("{:02}", civil.hour),
            Chunk::Hour12 => hour12.to_string(),
            Chunk::ZeroHour12 => format!("{hour12:02}"),
            Chunk::Minute => civil.minute.to_string(),
            Chunk::ZeroMinute => format!("{:02}", civil.minute),
            Chunk::Second => civil.second.to_string(),
            Chunk::ZeroSecond => format!("{:02}", civil.second),
            Chunk::LongYear if civil.year < 0 => format!("-{:04}", -civil.year),
            Chunk::LongYear => format!("{:04}", civil.year),
            Chunk::Year => format!("{:02}", civil.year.max(0) % 100),
            Chunk::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
            Chunk::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
            Chunk::ZoneName if civil.zone.is_empty() => {
                let minutes = civil.offset / 60;
                format!("{}{:02}{:02}", sign(minutes), minutes.abs() / 60, minutes.abs() % 60)
            }
            Chunk::ZoneName => civil.zone.clone(),
            Chunk::Offset(form) => offset_text(civil.offset, form),
            Chunk::Fraction { digits, trims, separator } => {
                fraction_text(civil.nanosecond, digits, trims, separator)
            }
        };
        out.extend_from_slice(piece.as_bytes());
    }
}

fn sign(number: i32) -> char {
    if number < 0 { '-' } else { '+' }
}

fn offset_text(offset: i32, form: Offset) -> String {
    if form.z && offset == 0 {
        return "Z".to_owned();
    }
    let minutes = offset / 60;
    let colon = if form.colon { ":" } else { "" };
    let mut text = format!("{}{:02}", sign(minutes), minutes.abs() / 60);
    if form.minutes {
        text += &format!("{colon}{:02}", minutes.abs() % 60);
    }
    if form.seconds {
        text += &format!("{colon}{:02}", offset.abs() % 60);
    }
    text
}

fn fraction_text(nanosecond: i32, digits: usize, trims: bool, separator: u8) -> String {
    let mut text = format!("{nanosecond:09}");
    text.truncate(digits.min(9));
    if trims {
        text.truncate(text.trim_end_matches('0').len());
        if text.is_empty() {
            return text;
        }
    }
    format!("{}{text}", char::from(separator))
}
