//! What the ledger remembers of a PushSecret; never a value.

use super::declared::{PushData, PushSecret};
use crate::record::{Failure, Kind, Told};
use crate::refresh::{LAST_RETRY, is_held_back, passed, pause};
use crate::store::StoreId;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// A run that was begun so long ago has ended, whatever became of it: no function runs for longer.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(20);

/// What was done last for a PushSecret, and what stands in stores because of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PushRecord {
    /// The digest of the PushSecret that was last carried out, well or not; empty for none.
    pub declared: String,
    /// When this was recorded.
    pub at: Timestamp,
    /// When the stores were last known to hold what is declared.
    pub refreshed: Option<Timestamp>,
    /// How it went.
    pub state: Standing,
    /// What was pushed, and what is about to be: written before a store is asked for anything, so that nothing that a run
    /// may have left in a store is ever forgotten. In ascending order of stores and keys.
    pub entries: Vec<PushedEntry>,
    /// When each run that has not ended was begun. Of two that meet, the one that ends later looks again, for it may have
    /// written what it read before the other did.
    pub begun: Vec<Timestamp>,
    /// It is left alone until then: a server asked for a pause.
    pub not_before: Option<Timestamp>,
    /// What its status in the cluster was last told.
    pub told: Option<Told>,
}

/// How the last run of a PushSecret went.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Standing {
    /// Nothing came of it yet, or a run was begun: what the stores hold is not known.
    #[default]
    Pending,
    /// The stores hold what is declared.
    Done,
    /// The source is gone, and with it what had been pushed.
    SourceGone,
    /// Something failed: the first failure, with how often that was so in a row.
    Failed(Failure),
}

/// One entry of one store.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedEntry {
    /// The store.
    pub store: StoreId,
    /// The entry as it was declared when it was pushed.
    pub data: PushData,
    /// Whether the store holds it: it was written or found there. Otherwise it may be there, for a run was about to write
    /// it.
    pub stands: bool,
    /// The keyed digest of what was pushed last; `None` where that is not known, and where the store's own was left.
    pub digest: Option<String>,
    /// The version that came of the last write, where the store told it.
    pub version: Option<String>,
    /// When it was last written.
    pub at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
}

impl PushedEntry {
    /// An entry that is about to be written.
    pub fn intended(store: StoreId, data: PushData) -> Self {
        Self { store, data, stands: false, digest: None, version: None, at: None, failure: None }
    }

    /// Whether it is this entry of this store.
    pub fn is_at(&self, store: &StoreId, data: &PushData) -> bool {
        self.store == *store && self.data.to == data.to
    }
}

impl PushRecord {
    /// The record of a PushSecret for which nothing was done yet.
    pub fn new(at: Timestamp) -> Self {
        Self {
            declared: String::new(),
            at,
            refreshed: None,
            state: Standing::Pending,
            entries: Vec::new(),
            begun: Vec::new(),
            not_before: None,
            told: None,
        }
    }

    /// What is known of an entry.
    pub fn entry(&self, store: &StoreId, data: &PushData) -> Option<&PushedEntry> {
        self.entries.iter().find(|entry| entry.is_at(store, data))
    }

    /// Puts an entry in place of what was known of it.
    pub fn put(&mut self, entry: PushedEntry) {
        match self.entries.iter_mut().find(|known| known.is_at(&entry.store, &entry.data)) {
            Some(known) => *known = entry,
            None => {
                self.entries.push(entry);
                self.entries.sort_by(|a, b| (&a.store, &a.data.to).cmp(&(&b.store, &b.data.to)));
            }
        }
    }

    /// Whether a run was begun and ended without a word, so that what it left in the stores is not known.
    pub fn was_cut_off(&self, now: Timestamp) -> bool {
        self.begun.iter().any(|begun| is_long_ago(*begun, now))
    }

    /// How many runs were begun that may not have ended.
    pub fn under_way(&self, now: Timestamp) -> usize {
        self.begun.iter().filter(|begun| !is_long_ago(**begun, now)).count()
    }

    /// Until when nobody tries again what failed, since a server asked for a pause.
    pub fn held_back_until(&self, now: Timestamp) -> Option<Timestamp> {
        let has_failed = matches!(self.state, Standing::Failed(_));
        self.not_before.filter(|until| has_failed && is_held_back(Some(*until), now))
    }

    /// Forgets runs that ended without a word.
    pub fn forget_cut_off(&mut self, now: Timestamp) {
        self.begun.retain(|begun| !is_long_ago(*begun, now));
    }

    /// Notes that the run that was begun then has ended.
    pub fn end(&mut self, begun: Timestamp) {
        if let Some(place) = self.begun.iter().position(|other| *other == begun) {
            self.begun.remove(place);
        }
    }

    /// When the next attempt is made at what failed; `None` where nothing did.
    pub fn retry_at(&self) -> Option<Timestamp> {
        let Standing::Failed(failure) = &self.state else { return None };
        let at = self.at.saturating_add(rest(failure)).ok()?;
        Some(self.not_before.map_or(at, |until| until.max(at)))
    }

    /// How often it failed in a row.
    pub fn attempts(&self) -> u32 {
        match &self.state {
            Standing::Failed(failure) => failure.attempts,
            Standing::Pending | Standing::Done | Standing::SourceGone => 0,
        }
    }
}

/// How long a failure rests.
fn rest(failure: &Failure) -> Duration {
    match failure.kind {
        Kind::Refused => LAST_RETRY,
        _ => pause(failure.attempts),
    }
}

/// A time in the future is of a clock that was wrong.
fn is_long_ago(begun: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(begun);
    age >= LONGEST_RUN || age <= -LONGEST_RUN
}

impl PushSecret {
    /// Whether it is to be carried out by time: it never was, it is another one than was carried out, its last run failed
    /// long enough ago, or `refreshInterval` has passed. `digest` is that of this PushSecret.
    pub fn is_due(&self, digest: &str, record: Option<&PushRecord>, now: Timestamp) -> bool {
        let Some(record) = record else { return true };
        if let Standing::Failed(failure) = &record.state
            && record.declared == digest
        {
            return passed(record.at, rest(failure), now) && !is_held_back(record.not_before, now);
        }
        if record.declared != digest || record.state == Standing::Pending || record.was_cut_off(now) {
            return true;
        }
        let refreshed = record.refreshed.unwrap_or(record.at);
        self.interval > Duration::ZERO && passed(refreshed, self.interval, now)
    }
}
