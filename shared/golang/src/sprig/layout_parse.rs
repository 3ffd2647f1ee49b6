//! Reading dates by Go's layouts: `time.ParseInLocation`.

use jiff::tz::TimeZone;

use super::layout::{Chunk, MONTHS, Offset, WEEKDAYS, next_chunk};
use super::time::{Time, Zone};

/// What was read so far. Absent parts have Go's defaults in the end.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    pm: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
}

/// Reads a time; one without a zone is local. `None` if the text does not fit the layout.
pub(super) fn parse(layout: &[u8], text: &[u8], local: &TimeZone) -> Option<Time> {
    let mut parts = Parts::default();
    let (mut layout, mut text) = (layout, text);
    loop {
        let (prefix, chunk, rest) = next_chunk(layout);
        text = skip(text, prefix)?;
        let Some(chunk) = chunk else { break };
        layout = rest;
        text = parts.take(chunk, text, rest)?;
    }
    if text.is_empty() { parts.finish(local) } else { None }
}

impl Parts {
    fn take<'t>(&mut self, chunk: Chunk, text: &'t [u8], layout: &[u8]) -> Option<&'t [u8]> {
        let fixed = matches!(
            chunk,
            Chunk::ZeroMonth | Chunk::ZeroDay | Chunk::ZeroHour12 | Chunk::ZeroMinute | Chunk::ZeroSecond
        );
        let within =
            |number: i64, range: std::ops::RangeInclusive<i64>| range.contains(&number).then_some(number);
        let mut text = text;
        match chunk {
            Chunk::LongYear => self.year = digits(&mut text, 4)?,
            Chunk::Year => {
                let year = digits(&mut text, 2)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            Chunk::LongMonth => self.month = Some(name(&mut text, &MONTHS, usize::MAX)? as i64 + 1),
            Chunk::Month => self.month = Some(name(&mut text, &MONTHS, 3)? as i64 + 1),
            Chunk::NumMonth | Chunk::ZeroMonth => {
                self.month = Some(within(number(&mut text, fixed)?, 1..=12)?)
            }
            Chunk::LongWeekday => _ = name(&mut text, &WEEKDAYS, usize::MAX)?,
            Chunk::Weekday => _ = name(&mut text, &WEEKDAYS, 3)?,
            Chunk::Day | Chunk::SpaceDay | Chunk::ZeroDay => {
                if chunk == Chunk::SpaceDay {
                    text = text.strip_prefix(b" ").unwrap_or(text);
                }
                self.day = Some(number(&mut text, fixed)?);
            }
            Chunk::SpaceYearDay => {
                let spaces = text.iter().take(2).take_while(|byte| **byte == b' ').count();
                text = &text[spaces..];
                let count = text.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                self.year_day = Some(digits(&mut text, count.max(1))?);
            }
            Chunk::ZeroYearDay => self.year_day = Some(digits(&mut text, 3)?),
            Chunk::Hour => self.hour = within(number(&mut text, false)?, 0..=23)?,
            Chunk::Hour12 | Chunk::ZeroHour12 => self.hour = within(number(&mut text, fixed)?, 0..=12)?,
            Chunk::Minute | Chunk::ZeroMinute => self.minute = within(number(&mut text, fixed)?, 0..=59)?,
            Chunk::Second | Chunk::ZeroSecond => {
                self.second = within(number(&mut text, fixed)?, 0..=59)?;
                // A fraction may follow even if the layout has none.
                let expected = matches!(next_chunk(layout).1, Some(Chunk::Fraction { .. }));
                if !expected && is_fraction(text) {
                    self.fraction(&mut text, None)?;
                }
            }
            Chunk::UpperPm => self.pm = Some(half(&mut text, b"PM", b"AM")?),
            Chunk::LowerPm => self.pm = Some(half(&mut text, b"pm", b"am")?),
            Chunk::Offset(form) => self.zone_offset(&mut text, form)?,
            Chunk::ZoneName => self.zone_by_name(&mut text)?,
            Chunk::Fraction { digits, trims: false, .. } => self.fraction(&mut text, Some(digits))?,
            Chunk::Fraction { .. } if is_fraction(text) => self.fraction(&mut text, None)?,
            Chunk::Fraction { .. } => {}
        }
        Some(text)
    }

    fn fraction(&mut self, text: &mut &[u8], count: Option<usize>) -> Option<()> {
        let available = text.get(1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let count = count.unwrap_or(available);
        if !matches!(text.first(), Some(b'.' | b',')) || count > available {
            return None;
        }
        let padded = text[1..=count].iter().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0));
        self.nanosecond = padded.take(9).fold(0, |sum, digit| sum * 10 + digit);
        *text = &text[1 + count..];
        Some(())
    }

    fn zone_offset(&mut self, text: &mut &[u8], form: Offset) -> Option<()> {
        if form.z && text.starts_with(b"Z") {
            *text = &text[1..];
            self.utc = true;
            return Some(());
        }
        let negative = match take(text, 1)? {
            b"+" => false,
            b"-" => true,
            _ => return None,
        };
        let mut offset = digits(text, 2).filter(|hours| *hours <= 24)? * 3600;
        for (wanted, unit) in [(form.minutes, 60), (form.seconds, 1)] {
            if wanted {
                if form.colon && take(text, 1)? != b":" {
                    return None;
                }
                offset += digits(text, 2).filter(|part| *part <= 60)? * unit;
            }
        }
        self.offset = Some(if negative { -offset } else { offset });
        Some(())
    }

    fn zone_by_name(&mut self, text: &mut &[u8]) -> Option<()> {
        if text.starts_with(b"UTC") {
            *text = &text[3..];
            self.utc = true;
            return Some(());
        }
        let length = zone_name_length(text)?;
        let name = take(text, length)?;
        self.zone_name = Some(String::from_utf8_lossy(name).into_owned());
        Some(())
    }

    fn finish(mut self, local: &TimeZone) -> Option<Time> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        if let Some(year_day) = self.year_day {
            let (month, day) = month_of(year_day, leap)?;
            if self.month.is_some_and(|given| given != month) || self.day.is_some_and(|given| given != day) {
                return None;
            }
            (self.month, self.day) = (Some(month), Some(day));
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(1..=days_in(month, leap)).contains(&day) {
            return None;
        }
        let civil = jiff::civil::DateTime::new(
            self.year.try_into().ok()?,
            month as i8,
            day as i8,
            self.hour as i8,
            self.minute as i8,
            self.second as i8,
            self.nanosecond as i32,
        )
        .ok()?;
        let as_utc = TimeZone::UTC.to_timestamp(civil).ok()?;
        let shifted = |offset: i64| as_utc.checked_sub(jiff::SignedDuration::from_secs(offset)).ok();
        if self.utc {
            return Some(Time::new(as_utc, Zone::Utc));
        }
        if let Some(offset) = self.offset {
            let at = shifted(offset)?;
            let info = local.to_offset_info(at);
            let named = self.zone_name.as_ref().is_none_or(|name| info.abbreviation() == name);
            if i64::from(info.offset().seconds()) == offset && named {
                return Some(Time::new(at, Zone::of(local)));
            }
            let name = self.zone_name.unwrap_or_default();
            return Some(Time::new(at, Zone::Fixed { name, offset: offset as i32 }));
        }
        if let Some(name) = self.zone_name {
            let info = local.to_offset_info(as_utc);
            if info.abbreviation() == name {
                return Some(Time::new(shifted(info.offset().seconds().into())?, Zone::of(local)));
            }
            let hours: i64 =
                name.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or(0_i64).clamp(-24, 24);
            // Go reads the clock as UTC here and only shows it in the zone.
            return Some(Time::new(as_utc, Zone::Fixed { name, offset: (hours * 3600) as i32 }));
        }
        Some(Time::new(local.to_timestamp(civil).ok()?, Zone::of(local)))
    }
}

fn days_in(month: i64, leap: bool) -> i64 {
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn month_of(year_day: i64, leap: bool) -> Option<(i64, i64)> {
    let mut day = year_day;
    if day < 1 {
        return None;
    }
    for month in 1..=12 {
        let days = days_in(month, leap);
        if day <= days {
            return Some((month, day));
        }
        day -= days;
    }
    None
}

/// Passes the fixed text of a layout; a run of spaces stands for any number of them.
fn skip<'t>(text: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
    let (mut text, mut prefix) = (text, prefix);
    while let Some((&first, rest)) = prefix.split_first() {
        if first == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return None;
            }
            prefix = prefix.trim_ascii_start_spaces();
            text = text.trim_ascii_start_spaces();
            continue;
        }
        let (byte, tail) = text.split_first()?;
        if *byte != first {
            return None;
        }
        (text, prefix) = (tail, rest);
    }
    Some(text)
}

trait TrimSpaces {
    fn trim_ascii_start_spaces(&self) -> &Self;
}

impl TrimSpaces for [u8] {
    fn trim_ascii_start_spaces(&self) -> &Self {
        let spaces = self.iter().take_while(|byte| **byte == b' ').count();
        &self[spaces..]
    }
}

fn take<'t>(text: &mut &'t [u8], count: usize) -> Option<&'t [u8]> {
    let (taken, rest) = text.split_at_checked(count)?;
    *text = rest;
    Some(taken)
}

/// Exactly so many digits.
fn digits(text: &mut &[u8], count: usize) -> Option<i64> {
    take(text, count)?
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// One or two digits; two if the layout has a zero.
fn number(text: &mut &[u8], fixed: bool) -> Option<i64> {
    let two = text.get(1).is_some_and(u8::is_ascii_digit);
    if fixed && !two {
        return None;
    }
    digits(text, if two { 2 } else { 1 })
}

/// A name, in any case, of which only the first `length` letters are written.
fn name(text: &mut &[u8], names: &[&str], length: usize) -> Option<usize> {
    let index = names.iter().position(|name| {
        let name = &name.as_bytes()[..length.min(name.len())];
        text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    })?;
    take(text, length.min(names[index].len()))?;
    Some(index)
}

fn half(text: &mut &[u8], pm: &[u8], am: &[u8]) -> Option<bool> {
    let word = take(text, 2)?;
    if word == pm || word == am { Some(word == pm) } else { None }
}

fn is_fraction(text: &[u8]) -> bool {
    matches!(text, [b'.' | b',', digit, ..] if digit.is_ascii_digit())
}

/// How long the abbreviation of a time zone is that the text starts with.
fn zone_name_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if text.starts_with(b"GMT") {
        return Some(3 + signed_offset_length(&text[3..]));
    }
    if matches!(text[0], b'+' | b'-') {
        return Some(signed_offset_length(text)).filter(|length| *length > 0);
    }
    match text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        5 if text[4] == b'T' => Some(5),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_offset_length(text: &[u8]) -> usize {
    if !matches!(text.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let count = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours =
        text[1..=count].iter().fold(0_u32, |value, digit| (value * 10 + u32::from(digit - b'0')).min(1000));
    if count == 0 || hours >= 24 { 0 } else { 1 + count }
}
