//! `time.Time`, `time.Duration`, `time.Month` and `time.Weekday` with their methods.

use std::any::Any;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::args::{int, text};
use super::layout::{self, MONTHS, WEEKDAYS};
use crate::duration::{self, Duration as GoDuration};
use crate::value::Type::{Int, Named, Str};
use crate::value::{FuncError, Kind, Object, Signature, Value};

pub(super) const TIME: &str = "time.Time";
const DURATION: &str = "time.Duration";

/// A moment in a time zone.
#[derive(Clone, Debug)]
pub(super) struct Time {
    pub(super) at: Timestamp,
    zone: Zone,
}

#[derive(Clone, Debug)]
pub(super) enum Zone {
    Utc,
    Place(TimeZone),
    Fixed { name: String, offset: i32 },
}

impl Zone {
    pub(super) fn of(zone: &TimeZone) -> Self {
        if *zone == TimeZone::UTC { Self::Utc } else { Self::Place(zone.clone()) }
    }
}

/// A moment as calendar and clock show it.
pub(super) struct Civil {
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
    pub(super) year_day: i32,
    /// Sunday is 0.
    pub(super) weekday: i32,
    pub(super) hour: i32,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) nanosecond: i32,
    /// Seconds east of UTC.
    pub(super) offset: i32,
    pub(super) zone: String,
}

impl Time {
    pub(super) fn new(at: Timestamp, zone: Zone) -> Self {
        Self { at, zone }
    }

    /// Go's zero time: the first second of year 1, in UTC.
    pub(super) fn zero() -> Self {
        Self::new(Timestamp::from_second(-62_135_596_800).unwrap_or(Timestamp::MIN), Zone::Utc)
    }

    pub(super) fn civil(&self) -> Civil {
        let (offset, zone) = match &self.zone {
            Zone::Utc => (0, "UTC".to_owned()),
            Zone::Place(place) => {
                let info = place.to_offset_info(self.at);
                (info.offset().seconds(), info.abbreviation().to_owned())
            }
            Zone::Fixed { name, offset } => (*offset, name.clone()),
        };
        let shifted = self.at.saturating_add(SignedDuration::from_secs(offset.into())).unwrap_or(self.at);
        let civil = TimeZone::UTC.to_datetime(shifted);
        Civil {
            year: civil.year().into(),
            month: civil.month().into(),
            day: civil.day().into(),
            year_day: civil.date().day_of_year().into(),
            weekday: civil.weekday().to_sunday_zero_offset().into(),
            hour: civil.hour().into(),
            minute: civil.minute().into(),
            second: civil.second().into(),
            nanosecond: civil.subsec_nanosecond(),
            offset,
            zone,
        }
    }

    pub(super) fn unix(&self) -> i64 {
        self.at.as_nanosecond().div_euclid(1_000_000_000) as i64
    }

    pub(super) fn plus(&self, nanos: i64) -> Result<Self, FuncError> {
        let at = self.at.checked_add(SignedDuration::from_nanos(nanos));
        Ok(Self { at: at.map_err(|_| FuncError::new("time out of range"))?, ..self.clone() })
    }

    /// The time since another one, at most what a duration can hold.
    pub(super) fn since(&self, other: &Self) -> i64 {
        let nanos = self.at.as_nanosecond() - other.at.as_nanosecond();
        nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    fn add_date(&self, years: i64, months: i64, days: i64) -> Result<Self, FuncError> {
        let out_of_range = || FuncError::new("time out of range");
        let civil = self.civil();
        let month = i64::from(civil.year) * 12 + i64::from(civil.month) - 1;
        let month = years
            .checked_mul(12)
            .and_then(|y| y.checked_add(months)?.checked_add(month))
            .ok_or_else(out_of_range)?;
        let year = i16::try_from(month.div_euclid(12)).map_err(|_| out_of_range())?;
        let first = jiff::civil::date(year.clamp(-9999, 9999), month.rem_euclid(12) as i8 + 1, 1);
        let midnight = TimeZone::UTC
            .to_timestamp(first.to_datetime(jiff::civil::Time::midnight()))
            .map_err(|_| out_of_range())?;
        let day = days.checked_add(i64::from(civil.day) - 1).and_then(|days| days.checked_mul(86_400));
        let clock = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
        let seconds = day.and_then(|day| day.checked_add(clock)).ok_or_else(out_of_range)?;
        let wall = midnight
            .checked_add(SignedDuration::new(seconds, civil.nanosecond))
            .map_err(|_| out_of_range())?;
        let at = match &self.zone {
            Zone::Utc => Ok(wall),
            Zone::Place(place) => place.to_timestamp(TimeZone::UTC.to_datetime(wall)),
            Zone::Fixed { offset, .. } => wall.checked_sub(SignedDuration::from_secs((*offset).into())),
        };
        Ok(Self { at: at.map_err(|_| out_of_range())?, ..self.clone() })
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        TIME
    }

    fn text(&self) -> Option<Vec<u8>> {
        Some(layout::format(self, b"2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn json(&self) -> Option<Value> {
        Some(layout::format(self, b"2006-01-02T15:04:05.999999999Z07:00").into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        Some(match name {
            "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "Weekday"
            | "YearDay" | "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "UTC" | "IsZero" | "String" => {
                Signature::exactly(&[])
            }
            "Format" => Signature::exactly(&[Str]),
            "Add" | "Truncate" | "Round" => Signature::exactly(&[Named(DURATION)]),
            "AddDate" => Signature::exactly(&[Int, Int, Int]),
            "Sub" | "Before" | "After" | "Equal" | "Compare" => Signature::exactly(&[Named(TIME)]),
            _ => return None,
        })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, FuncError> {
        let civil = self.civil();
        let nanos = self.at.as_nanosecond();
        let other = time(args, 0).unwrap_or(self);
        Ok(match name {
            "Year" => Value::Int(civil.year.into()),
            "Month" => Value::object(CalendarName { kind: CalendarUnit::Month, number: civil.month.into() }),
            "Day" => Value::Int(civil.day.into()),
            "Hour" => Value::Int(civil.hour.into()),
            "Minute" => Value::Int(civil.minute.into()),
            "Second" => Value::Int(civil.second.into()),
            "Nanosecond" => Value::Int(civil.nanosecond.into()),
            "Weekday" => {
                Value::object(CalendarName { kind: CalendarUnit::Weekday, number: civil.weekday.into() })
            }
            "YearDay" => Value::Int(civil.year_day.into()),
            "Unix" => Value::Int64(self.unix()),
            "UnixMilli" => Value::Int64(nanos.div_euclid(1_000_000) as i64),
            "UnixMicro" => Value::Int64(nanos.div_euclid(1_000) as i64),
            "UnixNano" => Value::Int64(nanos as i64),
            "UTC" => Value::object(Self { zone: Zone::Utc, ..self.clone() }),
            "IsZero" => (self.at == Self::zero().at).into(),
            "String" => self.text().unwrap_or_default().into(),
            "Format" => layout::format(self, text(args, 0)).into(),
            "Add" => Value::object(self.plus(nanos_of(args))?),
            "Truncate" => Value::object(self.plus(-(self.since(&Self::zero()) % nanos_of(args).max(1)))?),
            "Round" => {
                let unit = nanos_of(args).max(1);
                let past = self.since(&Self::zero()) % unit;
                Value::object(self.plus(if past < unit - past { -past } else { unit - past })?)
            }
            "AddDate" => Value::object(self.add_date(int(args, 0), int(args, 1), int(args, 2))?),
            "Sub" => Value::object(Duration(self.since(other))),
            "Before" => (self.at < other.at).into(),
            "After" => (self.at > other.at).into(),
            "Equal" => (self.at == other.at).into(),
            "Compare" => Value::Int(self.at.cmp(&other.at) as i64),
            _ => return Err(FuncError::new(format!("no method {name}"))),
        })
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<Self>()
            .is_some_and(|other| self.at == other.at && self.text() == other.text())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The time that an argument is.
pub(super) fn time(args: &[Value], index: usize) -> Option<&Time> {
    match args.get(index) {
        Some(Value::Object(object)) => object.as_any().downcast_ref::<Time>(),
        _ => None,
    }
}

/// A duration argument: an object, or a literal that became one.
fn nanos_of(args: &[Value]) -> i64 {
    match args.first() {
        Some(Value::Object(object)) => {
            object.as_any().downcast_ref::<Duration>().map_or(0, |duration| duration.0)
        }
        Some(Value::Int(nanos) | Value::Int64(nanos)) => *nanos,
        _ => 0,
    }
}

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duration(pub(super) i64);

impl Duration {
    pub(super) fn show(self) -> String {
        duration::format(GoDuration::from_nanos(self.0))
    }

    /// To a multiple of a unit, half away from zero.
    pub(super) fn rounded(self, unit: i64) -> Self {
        if unit <= 0 {
            return self;
        }
        let past = self.0 % unit;
        let down = self.0 - past;
        if past.unsigned_abs() < unit.abs_diff(past.abs()) {
            return Self(down);
        }
        Self(if self.0 < 0 { down.saturating_sub(unit) } else { down.saturating_add(unit) })
    }
}

impl Object for Duration {
    fn type_name(&self) -> &'static str {
        DURATION
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn text(&self) -> Option<Vec<u8>> {
        Some(self.show().into_bytes())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        Some(match name {
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "String"
            | "Abs" => Signature::exactly(&[]),
            "Round" | "Truncate" => Signature::exactly(&[Named(DURATION)]),
            _ => return None,
        })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, FuncError> {
        let in_unit = |unit: i64| Value::Float((self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64);
        Ok(match name {
            "Hours" => in_unit(3_600_000_000_000),
            "Minutes" => in_unit(60_000_000_000),
            "Seconds" => in_unit(1_000_000_000),
            "Milliseconds" => Value::Int64(self.0 / 1_000_000),
            "Microseconds" => Value::Int64(self.0 / 1_000),
            "Nanoseconds" => Value::Int64(self.0),
            "String" => self.show().into(),
            "Abs" => Value::object(Self(self.0.saturating_abs())),
            "Round" => Value::object(self.rounded(nanos_of(args))),
            "Truncate" => Value::object(Self(self.0 - self.0 % nanos_of(args).max(1))),
            _ => return Err(FuncError::new(format!("no method {name}"))),
        })
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A month or a day of the week: a number with a name.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CalendarName {
    kind: CalendarUnit,
    number: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum CalendarUnit {
    Month,
    Weekday,
}

impl Object for CalendarName {
    fn type_name(&self) -> &'static str {
        match self.kind {
            CalendarUnit::Month => "time.Month",
            CalendarUnit::Weekday => "time.Weekday",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Int
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int(self.number))
    }

    fn text(&self) -> Option<Vec<u8>> {
        let name = match self.kind {
            CalendarUnit::Month => MONTHS[(self.number - 1).rem_euclid(12) as usize],
            CalendarUnit::Weekday => WEEKDAYS[self.number.rem_euclid(7) as usize],
        };
        Some(name.into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "String").then_some(Signature::exactly(&[]))
    }

    fn call(&self, _: &str, _: &[Value]) -> Result<Value, FuncError> {
        Ok(self.text().unwrap_or_default().into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
