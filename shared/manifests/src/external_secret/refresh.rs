//! `spec.refreshPolicy`, `spec.refreshInterval` and `spec.syncWindows`.

use super::version::Version;
use crate::reader::{Fields, shortened};
use pawl_domain::declaration::{Refresh, RefreshPolicy, SyncWindow, SyncWindows, WindowKind};
use pawl_domain::schedule::Schedule;
use pawl_golang::duration;
use std::time::Duration;

const DEFAULT_INTERVAL: Duration = Duration::from_secs(60 * 60);

const POLICIES: [(&str, RefreshPolicy); 3] = [
    ("CreatedOnce", RefreshPolicy::CreatedOnce),
    ("Periodic", RefreshPolicy::Periodic),
    ("OnChange", RefreshPolicy::OnChange),
];

/// When the ExternalSecret is read again.
pub(super) fn read(spec: &mut Fields<'_>, version: Version) -> Refresh {
    let policy = spec.choice("refreshPolicy", &POLICIES).unwrap_or_default();
    let mut refresh = Refresh { policy, interval: interval(spec), windows: None };
    if version.reads(spec, "syncWindows") {
        refresh.windows = spec.object("syncWindows").and_then(windows);
    }
    if refresh.windows.is_some() && refresh.reads_once() {
        let message = "have no effect: this refreshPolicy or refreshInterval never reads again by time";
        spec.notes().warning(spec.path_of("syncWindows"), message);
    }
    refresh
}

/// `refreshInterval`, which is zero where nothing is read again.
pub(crate) fn interval(spec: &mut Fields<'_>) -> Duration {
    let Some(text) = spec.text("refreshInterval") else { return DEFAULT_INTERVAL };
    let interval = duration::parse(text).unwrap_or_else(|error| {
        spec.error("refreshInterval", format!("{error}; write it as 1h or 90s"));
        duration::Duration::default()
    });
    // Below zero ESO reads once, as at zero.
    interval.to_std().unwrap_or_default()
}

fn windows(mut fields: Fields<'_>) -> Option<SyncWindows> {
    let kinds = [("allow", WindowKind::Allow), ("deny", WindowKind::Deny)];
    let kind = fields.required_choice("kind", &kinds);
    let entries = fields.objects("windows");
    if entries.is_empty() {
        fields.error("windows", "is empty; write at least one window, or remove syncWindows");
    }
    let windows = entries.into_iter().filter_map(window).collect();
    fields.close();
    Some(SyncWindows { kind: kind?, windows })
}

fn window(mut fields: Fields<'_>) -> Option<SyncWindow> {
    let schedule = fields.required("schedule", "when the window opens, such as 0 22 * * 1-5");
    let duration = fields.duration("duration", "how long the window stays open, such as 8h");
    let parsed = schedule.and_then(|text| parsed(&fields, text));
    if let (Some(Schedule::Every(pause)), Some(duration)) = (parsed, duration) {
        // Nothing says from when on, so ESO asks whether one could have begun.
        let state = if Schedule::Every(pause).always_open(duration) { "always" } else { "never" };
        let message = format!("has no beginning, so this window is {state} open; write five cron fields");
        fields.notes().warning(fields.path_of("schedule"), message);
    }
    fields.close();
    Some(SyncWindow { schedule: schedule?.to_owned(), duration: duration? })
}

fn parsed(fields: &Fields<'_>, text: &str) -> Option<Schedule> {
    let schedule = text.parse::<Schedule>().map_err(|error| {
        let message = format!("{:?} is no schedule: {error}", shortened(text));
        fields.error("schedule", message);
    });
    // ESO's schema wants it so, although its parser would take more.
    if schedule.is_ok() && text.split_whitespace().ne(text.split(' ')) {
        fields.error("schedule", "must have single spaces between its fields, and none around them");
    }
    schedule.ok()
}
