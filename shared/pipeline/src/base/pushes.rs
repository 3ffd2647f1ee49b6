//! What this process has to push, and when. It only saves time: what a process that ends leaves undone is found when one
//! begins to serve, and at `refreshInterval`.

use crate::base::agenda::Agenda;
use crate::base::lanes::Lanes;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::{ClusterName, DeclarationId, Namespace, ObjectName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Secrets by their clusters.
pub(crate) type Secrets = BTreeMap<ClusterName, BTreeSet<(Namespace, ObjectName)>>;

/// So many runs of one PushSecret follow each other without a pause, when its source keeps changing.
const AT_WILL: u32 = 5;
/// The longest pause between two of them: a source that what is pushed changes again would have no end.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// After so long without a run all is as at the beginning.
const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// What this process has to push.
#[derive(Debug)]
pub(crate) struct PushWork {
    /// What failed or was put off, by the time of its next run.
    pub(crate) agenda: Agenda,
    /// One run of each PushSecret at a time.
    pub(crate) turns: Lanes<DeclarationId>,
    changed: Mutex<Secrets>,
    /// How often sources had each carried out lately, and when last.
    pace: Mutex<BTreeMap<DeclarationId, (u32, Timestamp)>>,
}

impl Default for PushWork {
    fn default() -> Self {
        // No pass finds what a source wants: nothing is left out.
        let (agenda, turns) = (Agenda::of(usize::MAX), Lanes::new(1));
        Self { agenda, turns, changed: Mutex::default(), pace: Mutex::default() }
    }
}

impl PushWork {
    /// Notes Secrets that were changed: they may be sources.
    pub(crate) fn changed(&self, secrets: Secrets) {
        let mut changed = lock(&self.changed);
        for (cluster, secrets) in secrets.into_iter().filter(|(_, secrets)| !secrets.is_empty()) {
            changed.entry(cluster).or_default().extend(secrets);
        }
        if !changed.is_empty() {
            self.agenda.earlier.notify_one();
        }
    }

    /// Whether any are noted.
    pub(crate) fn has_changed(&self) -> bool {
        !lock(&self.changed).is_empty()
    }

    /// Takes those that are noted.
    pub(crate) fn take_changed(&self) -> Secrets {
        std::mem::take(&mut lock(&self.changed))
    }

    /// Notes that a change of its source had a PushSecret write, or fail.
    pub(crate) fn ran(&self, id: &DeclarationId, now: Timestamp) {
        let mut pace = lock(&self.pace);
        pace.retain(|_, (_, last)| now.duration_since(*last) < QUIET);
        let (times, last) = pace.entry(id.clone()).or_insert((0, now));
        (*times, *last) = (times.saturating_add(1), now);
    }

    /// When a change of its source may have it carried out again.
    pub(crate) fn next(&self, id: &DeclarationId, now: Timestamp) -> Timestamp {
        let Some((times, last)) = lock(&self.pace).get(id).copied() else { return now };
        let Some(over) = times.checked_sub(AT_WILL) else { return now };
        let pause = SignedDuration::from_secs(1 << over.min(16)).min(LONGEST_PAUSE);
        let next = last.saturating_add(pause).unwrap_or(now);
        if now.duration_since(last).is_negative() { now } else { next.max(now) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changed_wakes_nobody() {
        let work = PushWork::default();
        work.changed([("blue".parse().unwrap(), BTreeSet::new())].into());
        assert!(!work.has_changed());
        let secret = ("shop".parse().unwrap(), "src".parse().unwrap());
        work.changed([("blue".parse().unwrap(), [secret].into())].into());
        assert!(work.has_changed() && work.take_changed().len() == 1 && !work.has_changed());
    }

    #[test]
    fn a_source_that_keeps_changing_is_followed_more_and_more_slowly() {
        let work = PushWork::default();
        let id = "blue/shop/push".parse().unwrap();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut pauses = Vec::new();
        for _ in 0..13 {
            let next = work.next(&id, now);
            pauses.push(next.duration_since(now).as_secs());
            now = next;
            work.ran(&id, now);
        }
        assert_eq!(pauses, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        let earlier = now - SignedDuration::from_hours(1);
        assert_eq!(work.next(&id, earlier), earlier, "a clock that was ahead holds nothing back");
        let other = "blue/shop/other".parse().unwrap();
        now += QUIET;
        work.ran(&other, now);
        assert_eq!(work.next(&id, now), now, "it was quiet");
    }
}
