//! Dates and durations.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Environment;
use super::args::{arg, text};
use super::layout;
use super::layout_parse::parse;
use super::time::{Duration, TIME, Time, Zone, time};
use crate::duration;
use crate::number::{NumberError, parse_int};
use crate::prices;
use crate::value::Type::{self, Any, Named, Str};
use crate::value::{Func, FuncError, Signature, Value};

const SECOND: i64 = 1_000_000_000;

type Body = fn(&Environment, &[Value]) -> Result<Value, FuncError>;

const TABLE: &[(&str, &[Type], Body)] = &[
    ("now", &[], |env, _| Ok(Value::object(now(env)))),
    ("date", &[Str, Any], |env, a| formatted(env, text(a, 0), arg(a, 1), b"Local")),
    ("dateInZone", &[Str, Any, Str], |env, a| formatted(env, text(a, 0), arg(a, 1), text(a, 2))),
    ("date_in_zone", &[Str, Any, Str], |env, a| formatted(env, text(a, 0), arg(a, 1), text(a, 2))),
    ("htmlDate", &[Any], |env, a| formatted(env, b"2006-01-02", arg(a, 0), b"Local")),
    ("htmlDateInZone", &[Any, Str], |env, a| formatted(env, b"2006-01-02", arg(a, 0), text(a, 1))),
    ("dateModify", &[Str, Named(TIME)], |_, a| Ok(modified(a).unwrap_or_else(|_| arg(a, 1).clone()))),
    ("date_modify", &[Str, Named(TIME)], |_, a| Ok(modified(a).unwrap_or_else(|_| arg(a, 1).clone()))),
    ("mustDateModify", &[Str, Named(TIME)], |_, a| modified(a)),
    ("must_date_modify", &[Str, Named(TIME)], |_, a| modified(a)),
    ("toDate", &[Str, Str], |env, a| {
        Ok(Value::object(parse(text(a, 0), text(a, 1), &env.local).unwrap_or_else(Time::zero)))
    }),
    ("mustToDate", &[Str, Str], |env, a| {
        let time = parse(text(a, 0), text(a, 1), &env.local);
        time.map(Value::object)
            .ok_or_else(|| FuncError::new("parsing time: the text does not fit the layout"))
    }),
    ("unixEpoch", &[Named(TIME)], |_, a| Ok(time(a, 0).map_or(0, Time::unix).to_string().into())),
    ("ago", &[Any], |env, a| {
        let since = now(env).since(&moment(env, arg(a, 0))?);
        Ok(Duration(since).rounded(SECOND).show().into())
    }),
    ("duration", &[Any], |_, a| {
        let seconds = match arg(a, 0) {
            Value::Str(text) => parse_int(text, 10, 64).unwrap_or_else(NumberError::value),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        Ok(Duration(seconds.wrapping_mul(SECOND)).show().into())
    }),
    ("durationRound", &[Any], |env, a| {
        let nanos = match arg(a, 0) {
            Value::Str(text) => nanos(text).unwrap_or(0),
            Value::Int64(nanos) => *nanos,
            _ => time(a, 0).map_or(0, |time| now(env).since(time)),
        };
        Ok(in_greatest_unit(nanos).into())
    }),
];

/// The functions with the clock and the zone that they need.
pub(super) fn table(environment: &Environment) -> Vec<(String, Func)> {
    let with = |(name, fixed, body): &(&str, &'static [Type], Body)| {
        let (environment, body) = (environment.clone(), *body);
        let func = Func::new(Signature::exactly(fixed), move |args| body(&environment, args));
        ((*name).to_owned(), func.with_cost_by(prices::dated))
    };
    TABLE.iter().map(with).collect()
}

fn now(env: &Environment) -> Time {
    Time::new((env.now)(), Zone::of(&env.local))
}

/// A time, or seconds since 1970; anything else is now.
fn moment(env: &Environment, value: &Value) -> Result<Time, FuncError> {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => {
            let at = Timestamp::from_second(*seconds).map_err(|_| FuncError::new("time out of range"))?;
            Ok(Time::new(at, Zone::of(&env.local)))
        }
        other => Ok(time(std::slice::from_ref(other), 0).cloned().unwrap_or_else(|| now(env))),
    }
}

fn formatted(env: &Environment, layout: &[u8], value: &Value, zone: &[u8]) -> Result<Value, FuncError> {
    let time = Time::new(moment(env, value)?.at, zone_by_name(env, zone));
    Ok(layout::format(&time, layout).into())
}

/// A zone of the time zone database; what is not in it is UTC. Names are case sensitive, as files are.
fn zone_by_name(env: &Environment, name: &[u8]) -> Zone {
    if name == b"Local" {
        return Zone::of(&env.local);
    }
    let name = String::from_utf8_lossy(name);
    match TimeZone::get(&name) {
        Ok(zone) if name != "UTC" && zone.iana_name() == Some(&name) => Zone::Place(zone),
        _ => Zone::Utc,
    }
}

fn nanos(text: &[u8]) -> Result<i64, FuncError> {
    let text = String::from_utf8_lossy(text);
    duration::parse(&text)
        .map(duration::Duration::as_nanos)
        .map_err(|error| FuncError::new(error.to_string()))
}

fn modified(a: &[Value]) -> Result<Value, FuncError> {
    let nanos = nanos(text(a, 0))?;
    time(a, 1).map_or(Ok(Value::Nil), |time| Ok(Value::object(time.plus(nanos)?)))
}

fn in_greatest_unit(nanos: i64) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (365 * 24 * HOUR, "y"),
        (30 * 24 * HOUR, "mo"),
        (24 * HOUR, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (HOUR / 3600, "s"),
    ];
    let length = nanos.unsigned_abs();
    let unit = UNITS.into_iter().find(|(unit, _)| length > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", length / unit))
}
