//! When a declaration is read again.

use crate::schedule::Schedule;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `spec.refreshPolicy`, `spec.refreshInterval` and `spec.syncWindows`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refresh {
    /// What makes the declaration due.
    pub policy: RefreshPolicy,
    /// "Never staler than this"; zero means read once.
    pub interval: Duration,
    /// `spec.syncWindows`: when a refresh may run that only time or a change of the store makes due.
    pub windows: Option<SyncWindows>,
}

impl Refresh {
    /// True when no later change of the store may touch the target. Source: ESO's refresh decision; an interval of
    /// zero reads once there as well.
    pub fn reads_once(&self) -> bool {
        match self.policy {
            RefreshPolicy::CreatedOnce | RefreshPolicy::OnChange => true,
            RefreshPolicy::Periodic => self.interval.is_zero(),
        }
    }

    /// Whether `syncWindows` let a refresh run at this moment. First syncs, edits of the manifest and repairs of the
    /// target do not ask.
    pub fn is_let_run(&self, at: Timestamp) -> bool {
        self.windows.as_ref().is_none_or(|windows| windows.let_run(at))
    }
}

/// `spec.refreshPolicy`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum RefreshPolicy {
    /// Read once, never again.
    CreatedOnce,
    /// Read when the store changes, and at each interval.
    #[default]
    Periodic,
    /// Read when the manifest changes.
    OnChange,
}

/// `spec.syncWindows`: they hold back a refresh that only time or a change of the store makes due, and nothing else.
///
/// In ESO a change of the store is seen by time alone, so who denies a window wants no new values in it, however they
/// become known.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SyncWindows {
    /// Whether refreshes run inside or outside of the windows.
    pub kind: WindowKind,
    /// The windows; at least one.
    pub windows: Vec<SyncWindow>,
}

impl SyncWindows {
    /// A schedule that cannot be read never opens; no windows at all hold nothing back. Source: ESO.
    fn let_run(&self, at: Timestamp) -> bool {
        let is_open = |window: &SyncWindow| {
            window.schedule.parse::<Schedule>().is_ok_and(|schedule| schedule.is_open(window.duration, at))
        };
        let open = self.windows.iter().any(is_open);
        self.windows.is_empty()
            || match self.kind {
                WindowKind::Allow => open,
                WindowKind::Deny => !open,
            }
    }
}

/// `syncWindows.kind`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum WindowKind {
    /// Refreshes run only while a window is open.
    Allow,
    /// Refreshes run only while no window is open.
    Deny,
}

/// A window of time that opens again and again.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SyncWindow {
    /// When it opens, in UTC: five cron fields, or a descriptor such as `@daily` or `@every 1h`.
    pub schedule: String,
    /// How long it stays open.
    pub duration: Duration,
}
