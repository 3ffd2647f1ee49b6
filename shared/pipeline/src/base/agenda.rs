//! What this process must retry, and when. A long-lived process then need not wait for the next sweep, which finds
//! everything else in the ledger.

use jiff::Timestamp;
use pawl_domain::DeclarationId;
use pawl_ports::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Each of these once, by the time of its next attempt.
#[derive(Debug)]
pub(crate) struct Agenda {
    /// Whether anybody reads it: functions that end after each call do not.
    pub(crate) read: AtomicBool,
    entries: Mutex<Entries>,
    pub(crate) earlier: Notify,
    /// More is left to whoever else finds it.
    most: usize,
}

#[derive(Debug, Default)]
struct Entries {
    by_time: BTreeSet<(Timestamp, DeclarationId)>,
    by_id: BTreeMap<DeclarationId, Timestamp>,
}

impl Agenda {
    /// One for so many.
    pub(crate) fn of(most: usize) -> Self {
        Self { read: AtomicBool::default(), entries: Mutex::default(), earlier: Notify::new(), most }
    }

    /// Notes when one is to be tried. The earlier of two times counts: whoever is tried too early notes itself again.
    pub(crate) fn note(&self, at: Timestamp, id: &DeclarationId) {
        if !self.is_read() {
            return;
        }
        let mut entries = self.lock();
        match entries.by_id.get(id).copied() {
            Some(known) if known <= at => return,
            Some(known) => drop(entries.by_time.remove(&(known, id.clone()))),
            None if entries.by_id.len() >= self.most => return,
            None => {}
        }
        entries.by_id.insert(id.clone(), at);
        entries.by_time.insert((at, id.clone()));
        if entries.by_time.first().is_some_and(|first| first.1 == *id) {
            self.earlier.notify_one();
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
        self.lock().by_time.first().map(|(at, _)| *at)
    }

    /// Takes up to `most` that are due.
    pub(crate) fn take(&self, now: Timestamp, most: usize) -> BTreeSet<DeclarationId> {
        let mut entries = self.lock();
        let mut due = BTreeSet::new();
        while due.len() < most
            && let Some((at, _)) = entries.by_time.first()
            && *at <= now
            && let Some((_, id)) = entries.by_time.pop_first()
        {
            entries.by_id.remove(&id);
            due.insert(id);
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn each_is_noted_once_for_the_earliest_time() {
        let agenda = Agenda::of(2);
        let [a, b, c] = ["a", "b", "c"].map(|name| format!("blue/shop/{name}").parse().unwrap());
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        agenda.note(at(1), &a);
        assert_eq!(agenda.next(), None, "nobody reads it");
        agenda.read.store(true, Ordering::Relaxed);
        for (second, id) in [(5, &a), (9, &a), (7, &b), (3, &a), (1, &c)] {
            agenda.note(at(second), id);
        }
        assert_eq!(agenda.next(), Some(at(3)), "there is no room for a third");
        assert_eq!(agenda.take(at(2), 9), BTreeSet::new());
        assert_eq!(agenda.take(at(9), 1), BTreeSet::from([a.clone()]));
        agenda.note(at(8), &a);
        assert_eq!(agenda.take(at(9), 9), BTreeSet::from([a, b]));
        assert_eq!(agenda.next(), None);
    }
}
