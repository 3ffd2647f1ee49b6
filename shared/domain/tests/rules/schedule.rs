//! Schedules against answers of robfig/cron v3.0.1, asked as ESO asks it whether a window is open: `tests/schedule.jsonl`.

use jiff::Timestamp;
use pawl_domain::schedule::Schedule;
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize)]
struct Case {
    schedule: String,
    /// Whether it can be read; without that nothing else is said.
    valid: bool,
    #[serde(default)]
    length: String,
    at: Option<Timestamp>,
    #[serde(default)]
    open: bool,
}

#[test]
fn windows_are_open_when_eso_says_so() {
    let mut wrong = Vec::new();
    let mut open = 0;
    for line in include_str!("../schedule.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let schedule = case.schedule.parse::<Schedule>();
        let got = match (&schedule, case.at) {
            (Ok(schedule), Some(at)) => {
                let length = pawl_golang::duration::parse(&case.length).unwrap().to_std().unwrap();
                schedule.is_open(length, at)
            }
            _ => false,
        };
        open += usize::from(case.open);
        if schedule.is_ok() != case.valid || got != case.open {
            wrong.push(line);
        }
    }
    assert!(open > 100, "the cases say little");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// ESO looks at the first beginning within the window's length, to the second, and so misses the next one for the rest
/// of that second. Windows that touch leave no gap here.
#[test]
fn a_window_that_follows_another_leaves_no_gap() {
    let every_minute: Schedule = "* * * * *".parse().unwrap();
    let at = "2026-11-22T10:00:00.5Z".parse().unwrap();
    assert!(every_minute.is_open(Duration::from_secs(60), at));
}

#[test]
fn lengths_beyond_all_time_are_open_once_the_schedule_began() {
    let at = "2026-11-22T10:00:00Z".parse().unwrap();
    for (schedule, open) in [("0 0 29 2 *", true), ("0 0 31 2 *", false), ("@every 1h", true)] {
        let schedule: Schedule = schedule.parse().unwrap();
        assert_eq!(schedule.is_open(Duration::MAX, at), open, "{schedule:?}");
    }
    let schedule: Schedule = "0 0 1 1 *".parse().unwrap();
    assert!(!schedule.is_open(Duration::from_secs(60), Timestamp::MIN));
}

#[test]
fn what_is_no_schedule_says_what_to_write() {
    for (text, message) in [
        (
            "* * * *",
            "write five fields (minute, hour, day of month, month, day of week) or a name such as @daily",
        ),
        ("60 * * * *", "minute: is out of range"),
        ("* x * * *", "hour: is not a number"),
        ("* * 5-3 * *", "day of month: has a range that ends before it begins"),
        ("* * * janu *", "month: is neither a number nor a name"),
        ("* * * * */0", "day of week: has a step of zero"),
        ("*/2/3 * * * *", "minute: has too many slashes"),
        ("1-2-3 * * * *", "minute: has too many hyphens"),
        (
            "@reboot",
            "write one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every <duration>",
        ),
        ("@every 1d", "unknown unit in duration: use ns, us, ms, s, m or h"),
    ] {
        assert_eq!(text.parse::<Schedule>().unwrap_err().to_string(), message, "{text}");
    }
}
