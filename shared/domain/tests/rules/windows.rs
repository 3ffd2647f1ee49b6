//! Sync windows: what they hold back, and what they let through.

use crate::affected::change;
use crate::given::{declaration, read, reading, store};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::declaration::{Declaration, RefreshPolicy, SyncWindow, SyncWindows, WindowKind};
use pawl_domain::record::State;
use pawl_domain::refresh::due;
use pawl_domain::{
    Affected, Complaint, Failure, Kind, Moved, NotAffected, Outcome, Provider, Record, Step, affected,
};
use std::time::Duration;

/// Open from 22:00 for eight hours, and at noon for one.
fn windows(kind: WindowKind) -> SyncWindows {
    let window = |schedule: &str, hours: u64| SyncWindow {
        schedule: schedule.into(),
        duration: Duration::from_secs(hours * 3600),
    };
    SyncWindows { kind, windows: vec![window("0 22 * * *", 8), window("0 12 * * *", 1)] }
}

fn with(windows: SyncWindows) -> Declaration {
    let mut declaration = declaration();
    declaration.refresh.windows = Some(windows);
    declaration
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-22T{time}Z").parse().unwrap()
}

#[test]
fn refreshes_run_inside_of_allowed_and_outside_of_denied_windows() {
    for (time, open) in [
        ("21:59:59", false),
        ("22:00:00", true),
        ("23:30:00", true),
        ("00:00:00", true),
        ("06:00:00", true),
        ("06:00:01", false),
        ("11:59:59", false),
        ("12:00:00", true),
        ("13:00:00", true),
        ("13:00:01", false),
    ] {
        assert_eq!(with(windows(WindowKind::Allow)).refresh.is_let_run(at(time)), open, "allow {time}");
        assert_eq!(with(windows(WindowKind::Deny)).refresh.is_let_run(at(time)), !open, "deny {time}");
    }
    assert!(declaration().refresh.is_let_run(at("10:00:00")), "without windows");
}

/// Validation refuses such schedules; what an older release let pass must not stop all refreshes, as in ESO.
#[test]
fn schedules_that_cannot_be_read_never_open() {
    for (kind, runs) in [(WindowKind::Allow, false), (WindowKind::Deny, true)] {
        let broken = SyncWindow { schedule: "* *".into(), duration: Duration::MAX };
        let windows = SyncWindows { kind, windows: vec![broken] };
        assert_eq!(with(windows).refresh.is_let_run(at("10:00:00")), runs, "{kind:?}");
    }
    for kind in [WindowKind::Allow, WindowKind::Deny] {
        let windows = SyncWindows { kind, windows: Vec::new() };
        assert!(with(windows).refresh.is_let_run(at("10:00:00")), "{kind:?}: no windows at all");
    }
}

#[test]
fn windows_hold_back_what_only_time_or_the_store_makes_due() {
    let declaration = with(windows(WindowKind::Allow));
    let failure = Failure {
        step: Step::Fetch,
        kind: Kind::Throttled,
        message: "slow down".into(),
        complaint: Complaint::Provider,
        attempts: 1,
    };
    let states = [State::Settled(Outcome::Written), State::Pending, State::Failed(failure)];
    for state in states {
        for (refreshed, edited, held_back) in
            [(true, false, true), (true, true, false), (false, false, false), (false, true, false)]
        {
            for (time, open) in [("10:00:00", false), ("12:30:00", true)] {
                let now = at(time);
                let mut record = Record::pending(&declaration, now - SignedDuration::from_hours(2));
                record.state = state.clone();
                record.refreshed = refreshed.then(|| now - SignedDuration::from_hours(3));
                if edited {
                    record.declaration = "the digest of what it was".into();
                }
                let got = due(&declaration, Some(&record), now);
                assert_eq!(got, open || !held_back, "{state:?}, {refreshed}, {edited}, {time}");
            }
        }
    }
    assert!(due(&declaration, None, at("10:00:00")), "what was never recorded");
}

#[test]
fn windows_have_no_effect_on_what_is_read_once() {
    let mut declaration = with(windows(WindowKind::Allow));
    declaration.refresh.policy = RefreshPolicy::OnChange;
    let mut record = Record::pending(&declaration, at("09:00:00"));
    record.refreshed = Some(at("09:00:00"));
    record.state = State::Settled(Outcome::Written);
    assert!(!due(&declaration, Some(&record), at("12:30:00")));
    record.declaration = "the digest of what it was".into();
    assert!(due(&declaration, Some(&record), at("10:00:00")), "an edit goes through");
}

#[test]
fn a_change_of_the_store_waits_for_the_window() {
    let store = store(Provider::SecretsManager);
    let mut declaration = reading([read("app/db")]);
    declaration.refresh.windows = Some(windows(WindowKind::Deny));
    let of = |key| {
        let change = change(Provider::SecretsManager, &[key], Moved::Current);
        affected(&change, &declaration, |_| Some(&store))
    };
    for (key, time, want) in [
        ("app/db", "10:00:00", Affected::Yes),
        ("app/db", "12:30:00", Affected::No(NotAffected::WindowClosed)),
        ("other", "12:30:00", Affected::No(NotAffected::OtherKey)),
    ] {
        assert_eq!(of(key).at(&declaration, at(time)), want, "{key} {time}");
    }
}
