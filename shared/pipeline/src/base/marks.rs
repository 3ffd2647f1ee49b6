//! Marks: when something was last looked at completely.

use jiff::{SignedDuration, Timestamp};
use pawl_domain::refresh::passed;
use pawl_ports::{Error, Ledger};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// By how much the clocks of two processes may differ. Less than listings overlap.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// What this process knows of marks, so that what rests costs no question, and what it visits at this moment.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashMap<String, Timestamp>,
    visited: BTreeSet<String>,
}

/// A visit that is under way, until it is dropped.
pub(crate) struct Visiting<'a> {
    marks: &'a Marks,
    name: String,
}

impl Marks {
    /// Begins a visit, unless the same one is under way.
    pub(crate) fn begin(&self, name: &str) -> Option<Visiting<'_>> {
        let new = self.lock().visited.insert(name.to_owned());
        new.then(|| Visiting { marks: self, name: name.to_owned() })
    }

    /// When this was last looked at. What is known not to be due is answered from memory.
    pub(crate) async fn of(
        &self,
        ledger: &impl Ledger,
        name: &str,
        pause: Duration,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let known = self.lock().known.get(name).copied();
        if let Some(mark) = known.filter(|mark| *mark <= now && !passed(*mark, pause, now)) {
            return Ok(Some(mark));
        }
        let mark = believed(ledger.mark(name).await?, now);
        if let Some(mark) = mark {
            self.lock().known.insert(name.to_owned(), mark);
        }
        Ok(mark)
    }

    /// Marks that this was looked at.
    pub(crate) async fn set(&self, ledger: &impl Ledger, name: &str, at: Timestamp) -> Result<(), Error> {
        ledger.set_mark(name, at).await?;
        self.lock().known.insert(name.to_owned(), at);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Visiting<'_> {
    fn drop(&mut self) {
        self.marks.lock().visited.remove(&self.name);
    }
}

/// A mark in the future was set by a clock that was ahead and says nothing.
fn believed(mark: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    mark.filter(|mark| mark.duration_since(now) <= CLOCKS_DIFFER).map(|mark| mark.min(now))
}

/// A moment, less a pause.
pub(crate) fn before(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_cannot_lie_in_the_future() {
        let now = Timestamp::UNIX_EPOCH;
        let at = |second| now + SignedDuration::from_secs(second);
        for (mark, want) in
            [(-5, Some(-5)), (0, Some(0)), (1, Some(0)), (60, Some(0)), (61, None), (86_400, None)]
        {
            assert_eq!(believed(Some(at(mark)), now), want.map(at), "{mark}");
        }
        assert_eq!(believed(None, now), None);
    }
}
