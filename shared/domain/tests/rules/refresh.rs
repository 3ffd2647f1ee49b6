//! When a declaration is read again without anybody having said that its keys changed. Times are seconds before now.

use crate::given;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::declaration::RefreshPolicy::{self, CreatedOnce, OnChange, Periodic};
use pawl_domain::declaration::{Declaration, Refresh};
use pawl_domain::record::State;
use pawl_domain::refresh::{due, overdue, retry_at};
use pawl_domain::{Complaint, Failure, Kind, Outcome, Record, Rule, Step};
use std::time::Duration;

const HOUR: i64 = 3600;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn declaration(policy: RefreshPolicy, interval: u64) -> Declaration {
    Declaration {
        refresh: Refresh { policy, interval: Duration::from_secs(interval), windows: None },
        ..given::declaration()
    }
}

/// What was recorded of it: last refreshed and last tried so long ago, and whether it was edited since.
fn record(of: &Declaration, state: State, refreshed: Option<i64>, tried: i64, edited: bool) -> Record {
    let mut record = Record::pending(of, ago(tried));
    record.state = state;
    record.refreshed = refreshed.map(ago);
    if edited {
        record.declaration = "the digest of what it was".into();
    }
    record
}

fn settled() -> State {
    State::Settled(Outcome::Written)
}

fn failed(attempts: u32) -> State {
    let (step, kind, complaint) = (Step::Fetch, Kind::Throttled, Complaint::Provider);
    State::Failed(Failure { step, kind, message: "slow down".into(), complaint, attempts })
}

#[test]
fn what_was_never_recorded_is_due_whatever_its_policy() {
    for policy in [Periodic, OnChange, CreatedOnce] {
        for interval in [0, 60] {
            assert!(due(&declaration(policy, interval), None, now()), "{policy:?} {interval}");
        }
    }
}

#[test]
fn settled_declarations_are_due_as_in_eso() {
    for (policy, interval, refreshed, edited, want) in [
        (Periodic, 3600, Some(HOUR - 1), false, false),
        (Periodic, 3600, Some(HOUR), false, true),
        (Periodic, 3600, Some(0), false, false),
        (Periodic, 3600, Some(-5), false, true),
        (Periodic, 3600, Some(0), true, true),
        (Periodic, 3600, None, false, true),
        (Periodic, 0, Some(1000 * HOUR), false, false),
        (Periodic, 0, Some(-5), false, false),
        (Periodic, 0, Some(0), true, false),
        (Periodic, 0, None, false, true),
        (OnChange, 3600, Some(1000 * HOUR), false, false),
        (OnChange, 3600, Some(0), true, true),
        (OnChange, 0, Some(0), true, true),
        (OnChange, 3600, None, false, true),
        (CreatedOnce, 3600, Some(1000 * HOUR), false, false),
        (CreatedOnce, 3600, Some(0), true, false),
        (CreatedOnce, 3600, None, true, true),
    ] {
        let declaration = declaration(policy, interval);
        let record = record(&declaration, settled(), refreshed, 0, edited);
        let got = due(&declaration, Some(&record), now());
        assert_eq!(got, want, "{policy:?} {interval}s, refreshed {refreshed:?}, edited {edited}");
    }
}

#[test]
fn what_fails_is_tried_again_after_pauses_that_double_to_seven_minutes() {
    let declaration = declaration(Periodic, 10);
    for (attempts, pause) in
        [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (9, 256), (10, 420), (11, 420), (40, 420), (u32::MAX, 420)]
    {
        for (refreshed, edited) in [(None, false), (Some(HOUR), false), (Some(HOUR), true)] {
            let tried = |seconds| record(&declaration, failed(attempts), refreshed, seconds, edited);
            let of = |seconds| due(&declaration, Some(&tried(seconds)), now());
            assert!(!of(pause - 1), "{attempts} attempts, {refreshed:?}: too soon");
            assert!(of(pause), "{attempts} attempts, {refreshed:?}: too late");
            assert!(of(-5), "a clock that went back holds nothing up");
        }
    }
}

#[test]
fn failed_and_waiting_ones_that_are_read_once_are_due_until_they_were_written() {
    for (policy, interval, refreshed, edited, want) in [
        (CreatedOnce, 3600, None, false, true),
        (CreatedOnce, 3600, Some(HOUR), true, false),
        (OnChange, 3600, None, false, true),
        (OnChange, 3600, Some(HOUR), false, false),
        (OnChange, 3600, Some(HOUR), true, true),
        (Periodic, 0, None, false, true),
        (Periodic, 0, Some(HOUR), true, false),
        (Periodic, 3600, Some(0), false, true),
    ] {
        let declaration = declaration(policy, interval);
        for state in [failed(1), State::Pending] {
            let record = record(&declaration, state.clone(), refreshed, 30, edited);
            let got = due(&declaration, Some(&record), now());
            assert_eq!(got, want, "{policy:?} {interval}s, {refreshed:?}, edited {edited}, {state:?}");
        }
    }
}

#[test]
fn what_was_asked_to_wait_waits_but_not_for_a_clock_that_was_ahead() {
    let declaration = declaration(Periodic, 3600);
    for (state, refreshed) in [(State::Pending, None), (failed(1), Some(HOUR)), (failed(1), None)] {
        for (until, want) in [(-1, false), (-3600, false), (0, true), (1, true), (-3601, true)] {
            let mut record = record(&declaration, state.clone(), refreshed, 60, false);
            record.not_before = Some(ago(until));
            assert_eq!(due(&declaration, Some(&record), now()), want, "{state:?} until {until}");
        }
    }
}

#[test]
fn the_next_attempt_comes_after_the_pause_and_not_before_it_may() {
    let declaration = declaration(Periodic, 3600);
    for (state, not_before, want) in [
        (settled(), None, None),
        (State::Pending, None, Some(10)),
        (State::Pending, Some(3), Some(3)),
        (failed(3), None, Some(6)),
        (failed(3), Some(2), Some(2)),
        (failed(3), Some(8), Some(6)),
    ] {
        let mut record = record(&declaration, state.clone(), Some(HOUR), 10, false);
        record.not_before = not_before.map(ago);
        assert_eq!(retry_at(&record), want.map(ago), "{state:?} {not_before:?}");
    }
}

#[test]
fn a_promise_is_broken_when_the_interval_and_a_sweep_have_passed() {
    let minute = Duration::from_secs(60);
    for (policy, interval, state, open, want) in [
        (Periodic, 3600, failed(1), 3660, None),
        (Periodic, 3600, failed(1), 3661, Some(1)),
        (Periodic, 3600, State::Pending, 3670, Some(10)),
        (Periodic, 3600, settled(), 9000, None),
        (Periodic, 3600, State::Settled(Outcome::TargetMissing), 9000, None),
        (OnChange, 3600, failed(1), 61, Some(1)),
        (Periodic, 0, failed(1), 60, None),
    ] {
        let declaration = declaration(policy, interval);
        let mut record = record(&declaration, state.clone(), Some(9000), 5, false);
        record.unsettled_since = Some(ago(open));
        let got = overdue(&declaration, &record, minute, now());
        assert_eq!(got, want.map(Duration::from_secs), "{policy:?} {interval} {state:?} {open}");
    }
}

#[test]
fn intervals_beyond_all_time_do_not_overflow() {
    let mut declaration = declaration(Periodic, 0);
    declaration.refresh.interval = Duration::MAX;
    let record = record(&declaration, settled(), Some(HOUR), 0, false);
    assert!(!due(&declaration, Some(&record), now()));
}

#[test]
fn what_the_operator_refused_is_looked_at_no_more_often_than_what_is_well() {
    let refused = |attempts| {
        let complaint = Complaint::Refused(Rule::Key);
        let (step, kind, message) = (Step::Lookup, Kind::Refused, "no".to_owned());
        State::Failed(Failure { step, kind, message, complaint, attempts })
    };
    for (interval, attempts, tried, want) in [
        (3600, 1, HOUR - 1, false),
        (3600, 100, HOUR - 1, false),
        (3600, 1, HOUR, true),
        // Nothing is asked for it, but a second is no interval.
        (1, 1, 419, false),
        (1, 1, 420, true),
        (0, 1, 420, true),
    ] {
        let of = declaration(Periodic, interval);
        let record = record(&of, refused(attempts), None, tried, false);
        assert_eq!(due(&of, Some(&record), now()), want, "{interval} {tried}");
        assert_eq!(retry_at(&record), None, "nobody wakes up for it");
    }
}
