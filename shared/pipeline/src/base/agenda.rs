//! What this process must retry, and when. A long-lived process then need not wait for the next sweep, which finds
//! everything else in the ledger.

use jiff::Timestamp;
use pawl_domain::DeclarationId;
use pawl_ports::Clock;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
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
        if !self.is_read() {
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

    /// Waits until the first is due, or until `wakes` says that there is other work. May be dropped at any time.
    pub(crate) async fn until_due(&self, clock: &impl Clock, wakes: impl Fn() -> bool) {
        self.read.store(true, Ordering::Relaxed);
        loop {
            let earlier = self.earlier.notified();
            if wakes() {
                return;
            }
            let Some(next) = self.next() else {
                earlier.await;
                continue;
            };
            let wait = Duration::try_from(next.duration_since(clock.now())).unwrap_or_default();
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = earlier => {}
            }
        }
    }

    /// Whether somebody reads it.
    pub(crate) fn is_read(&self) -> bool {
        self.read.load(Ordering::Relaxed)
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
