//! What this process must retry, and when. A long-lived process then need not wait for the next sweep, which finds
//! everything else in the ledger.

use jiff::Timestamp;
use pawl_domain::DeclarationId;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// More is left to the sweep.
const MOST: usize = 10_000;

/// Declarations by the time of their next attempt.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    /// Whether anybody reads it: functions that end after each call do not.
    pub(crate) read: AtomicBool,
    entries: Mutex<BTreeSet<(Timestamp, DeclarationId)>>,
    pub(crate) earlier: Notify,
}

impl Agenda {
    pub(crate) fn note(&self, at: Timestamp, id: &DeclarationId) {
        if !self.read.load(Ordering::Relaxed) {
            return;
        }
        let mut entries = self.lock();
        if entries.len() < MOST {
            entries.insert((at, id.clone()));
            if entries.first().is_some_and(|first| first.1 == *id) {
                self.earlier.notify_one();
            }
        }
    }

    /// When the first is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.lock().first().map(|(at, _)| *at)
    }

    /// Takes up to `most` that are due.
    pub(crate) fn take(&self, now: Timestamp, most: usize) -> BTreeSet<DeclarationId> {
        let mut entries = self.lock();
        let mut due = BTreeSet::new();
        while due.len() < most
            && let Some((at, id)) = entries.pop_first()
        {
            if at > now {
                entries.insert((at, id));
                break;
            }
            due.insert(id);
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, DeclarationId)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
