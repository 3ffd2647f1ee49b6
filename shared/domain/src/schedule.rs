//! Schedules of sync windows: cron's five fields and the usual short names, in UTC.
//!
//! Source: the package robfig/cron v3.0.1, which ESO reads them with, seconds and time zones left out.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use pawl_golang::duration;
use std::str::FromStr;
use std::time::Duration;

/// 29 February comes every four years, and after eight around a century that has none.
const DAYS_LOOKED_BACK: u32 = 9 * 366;

/// When a window opens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Schedule {
    /// At these minutes.
    Cron(Cron),
    /// `@every`: again and again with this pause of whole seconds, from no known moment on.
    Every(Duration),
}

/// The minutes that five fields match.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day must be right by month and by week; else either is enough. True where one of them is a star.
    both: bool,
}

/// The text is no schedule.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSchedule {
    /// It has not five fields.
    #[error("write five fields (minute, hour, day of month, month, day of week) or a name such as @daily")]
    Fields,
    /// A word that begins with `@` is not known.
    #[error(
        "write one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every <duration>"
    )]
    Name,
    /// What follows `@every` is no duration.
    #[error("{0}")]
    Every(#[from] duration::DurationError),
    /// A field cannot be read.
    #[error("{field}: {reason}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Schedule {
    /// Whether a window that opens by this schedule and stays open for `length` is open at `at`, both ends included.
    ///
    /// With `@every`, ESO asks whether a beginning fits in between; that is so always or never.
    pub fn is_open(&self, length: Duration, at: Timestamp) -> bool {
        match self {
            Self::Every(_) => self.always_open(length),
            Self::Cron(cron) => cron.last_before(at).is_some_and(|last| {
                SignedDuration::try_from(length).map_or(true, |length| at.duration_since(last) <= length)
            }),
        }
    }

    /// True for an `@every` whose pause is no longer than the window, and the second that ESO looks back beyond it.
    pub fn always_open(&self, length: Duration) -> bool {
        match self {
            Self::Every(pause) => *pause <= length.saturating_add(Duration::from_secs(1)),
            Self::Cron(_) => false,
        }
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        if let Some(pause) = text.strip_prefix("@every ") {
            // Below a second there is nothing.
            let pause = duration::parse(pause)?.to_std().unwrap_or_default().max(Duration::from_secs(1));
            return Ok(Self::Every(Duration::from_secs(pause.as_secs())));
        }
        if text.starts_with('@') {
            return Err(InvalidSchedule::Name);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else { return Err(InvalidSchedule::Fields) };
        let (minutes, _) = MINUTE.read(minute)?;
        let (hours, _) = HOUR.read(hour)?;
        let (days, any_day) = DAY.read(day)?;
        let (months, _) = MONTH.read(month)?;
        let (weekdays, any_weekday) = WEEKDAY.read(weekday)?;
        Ok(Self::Cron(Cron { minutes, hours, days, months, weekdays, both: any_day || any_weekday }))
    }
}

impl Cron {
    /// The last minute at or before `at` that matches, as far back as it can lie.
    fn last_before(&self, at: Timestamp) -> Option<Timestamp> {
        let at = TimeZone::UTC.to_datetime(at);
        let mut day = at.date();
        let mut limit = at.time();
        for _ in 0..DAYS_LOOKED_BACK {
            if self.matches(day)
                && let Some(time) = self.last_time(limit)
            {
                return DateTime::from_parts(day, time).to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
            }
            day = day.checked_sub(1.day()).ok()?;
            limit = Time::MAX;
        }
        None
    }

    fn matches(&self, day: Date) -> bool {
        let by_month = has(self.days, day.day());
        let by_week = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        has(self.months, day.month()) && if self.both { by_month && by_week } else { by_month || by_week }
    }

    /// The last minute of a day that matches and is not after `limit`.
    fn last_time(&self, limit: Time) -> Option<Time> {
        for hour in (0..=limit.hour()).rev().filter(|hour| has(self.hours, *hour)) {
            let latest = if hour == limit.hour() { limit.minute() } else { 59 };
            if let Some(minute) = (0..=latest).rev().find(|minute| has(self.minutes, *minute)) {
                return Time::new(hour, minute, 0, 0).ok();
            }
        }
        None
    }
}

fn has(bits: u64, bit: i8) -> bool {
    bits & (1 << bit) != 0
}

/// What a field may hold.
struct Bounds {
    field: &'static str,
    first: u32,
    last: u32,
    /// Words for the values, from the first on.
    names: &'static [&'static str],
}

const MINUTE: Bounds = Bounds { field: "minute", first: 0, last: 59, names: &[] };
const HOUR: Bounds = Bounds { field: "hour", first: 0, last: 23, names: &[] };
const DAY: Bounds = Bounds { field: "day of month", first: 1, last: 31, names: &[] };
const MONTH: Bounds = Bounds {
    field: "month",
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Bounds = Bounds {
    field: "day of week",
    first: 0,
    last: 6,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Bounds {
    /// The values of a list of ranges, and whether a star without a step is among them. A list may have empty parts.
    fn read(&self, text: &str) -> Result<(u64, bool), InvalidSchedule> {
        let mut values = (0, false);
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (bits, star) = self.range(part)?;
            values = (values.0 | bits, values.1 || star);
        }
        Ok(values)
    }

    /// `*`, `?`, `a`, `a-b`, each with `/step` or without; `a/step` means from `a` to the end.
    fn range(&self, text: &str) -> Result<(u64, bool), InvalidSchedule> {
        let mut parts = text.split('/');
        let range = parts.next().unwrap_or_default();
        let step = parts.next().map(|step| self.number(step)).transpose()?;
        if parts.next().is_some() {
            return Err(self.wrong("has too many slashes"));
        }
        let ends: Vec<&str> = range.split('-').collect();
        let star = matches!(ends[..], ["*" | "?", ..]);
        let (start, end) = match ends[..] {
            _ if star => (self.first, self.last),
            [only] => {
                let only = self.value(only)?;
                (only, if step.is_some() { self.last } else { only })
            }
            [start, end] => (self.value(start)?, self.value(end)?),
            _ => return Err(self.wrong("has too many hyphens")),
        };
        let step = step.unwrap_or(1);
        if start < self.first || end > self.last {
            return Err(self.wrong("is out of range"));
        }
        if start > end {
            return Err(self.wrong("has a range that ends before it begins"));
        }
        if step == 0 {
            return Err(self.wrong("has a step of zero"));
        }
        let bits = (start..=end)
            .filter(|value| (value - start) % step == 0)
            .fold(0, |bits, value| bits | 1 << value);
        Ok((bits, star && step == 1))
    }

    fn value(&self, text: &str) -> Result<u32, InvalidSchedule> {
        let named = self.names.iter().zip(self.first..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map_or_else(|| self.number(text), |(_, value)| Ok(value))
    }

    fn number(&self, text: &str) -> Result<u32, InvalidSchedule> {
        // A sign is no digit to people, but Go reads it.
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.wrong(if self.names.is_empty() {
                "is not a number"
            } else {
                "is neither a number nor a name"
            }));
        }
        digits.parse().map_err(|_| self.wrong("is out of range"))
    }

    fn wrong(&self, reason: &'static str) -> InvalidSchedule {
        InvalidSchedule::Field { field: self.field, reason }
    }
}
