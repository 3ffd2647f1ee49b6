//! When a declaration is read again without anybody having said that its keys changed. Times are seconds before now.

use crate::given;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::declaration::RefreshPolicy::{self, CreatedOnce, OnChange, Periodic};
use pawl_domain::declaration::{Declaration, Refresh};
use pawl_domain::record::State;
use pawl_domain::refresh::due;
use pawl_domain::{Complaint, Failure, Kind, Outcome, Record, Step};
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
        [(0, 30), (1, 30), (2, 60), (3, 120), (4, 240), (5, 420), (6, 420), (40, 420), (u32::MAX, 420)]
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
fn intervals_beyond_all_time_do_not_overflow() {
    let mut declaration = declaration(Periodic, 0);
    declaration.refresh.interval = Duration::MAX;
    let record = record(&declaration, settled(), Some(HOUR), 0, false);
    assert!(!due(&declaration, Some(&record), now()));
}
