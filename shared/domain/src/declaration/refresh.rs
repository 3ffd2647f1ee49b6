//! When a declaration is read again.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `spec.refreshPolicy` and `spec.refreshInterval`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refresh {
    /// What makes the declaration due.
    pub policy: RefreshPolicy,
    /// "Never staler than this"; zero means read once.
    pub interval: Duration,
    /// `spec.syncWindows`: when a due refresh may run.
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

/// `spec.syncWindows`: they hold back a refresh that is only due by time, and nothing else.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SyncWindows {
    /// Whether refreshes run inside or outside of the windows.
    pub kind: WindowKind,
    /// The windows; at least one.
    pub windows: Vec<SyncWindow>,
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
