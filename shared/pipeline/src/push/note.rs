//! What the ledger knows of a PushSecret, and what is written to it before and after a run.

use crate::push::plan::{Because, Plan, Wanted};
use jiff::Timestamp;
use pawl_domain::push::{PushData, PushUpdate, PushedEntry, Standing};
use pawl_domain::{Failure, PushRecord, PushSecret, RemoteEntry, StoreId};
use pawl_ports::{Error, Revision};

/// What a run did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pushing {
    /// How many entries were written to stores.
    pub written: usize,
    /// How many were removed from stores.
    pub removed: usize,
    /// Whether the PushSecret is gone, with all that was to go with it.
    pub gone: bool,
}

/// How an attempt ended.
pub(super) enum Ended {
    /// So, and that is recorded.
    With(Result<Pushing, Error>),
    /// Somebody else recorded something meanwhile. With the start that this run had recorded, if it had: it stands there still.
    Overtaken(Option<Timestamp>),
}

/// The most failures that one message tells of.
const SHOWN: usize = 5;

/// A PushSecret with its record.
pub(super) struct Noted {
    pub(super) push: PushSecret,
    pub(super) digest: String,
    pub(super) record: PushRecord,
    pub(super) now: Timestamp,
    pub(super) revision: Option<Revision>,
    /// How often it had failed in a row.
    pub(super) attempts: u32,
    /// How the last run ended.
    before: Standing,
    /// Whether a run was begun that is not known to have ended, or was overtaken: what stands in stores is asked for.
    cut_off: bool,
    pub(super) begun: bool,
}

impl Noted {
    pub(super) fn of(
        push: PushSecret,
        digest: String,
        known: Option<(PushRecord, Revision)>,
        now: Timestamp,
        overtaken: &[Timestamp],
    ) -> Self {
        let (mut record, revision) = match known {
            Some((record, revision)) => (record, Some(revision)),
            None => (PushRecord::new(now), None),
        };
        let (attempts, before) = (record.attempts(), record.state.clone());
        overtaken.iter().for_each(|begun| record.end(*begun));
        // One that was overtaken wrote what it had read before the other: the stores may hold that.
        let cut_off = record.was_cut_off(now) || !overtaken.is_empty();
        Self { push, digest, record, now, revision, attempts, before, cut_off, begun: false }
    }

    /// Whether no run of it got so far that its manifest is on record: what ESO pushed before is not known then.
    pub(super) fn was_never_carried_out(&self) -> bool {
        self.record.declared.is_empty()
    }

    /// Whether other runs were begun that may still write.
    pub(super) fn meets_others(&self) -> bool {
        self.record.under_way(self.now) > usize::from(self.begun)
    }

    /// What entries depend on beside what they hold: a key of another PushSecret of the same name is not the same.
    pub(super) fn digest_terms(&self) -> String {
        self.push.id.to_string()
    }

    /// Takes over what stands in stores as the status in the cluster says.
    pub(super) fn adopt(&mut self, standing: Vec<(StoreId, PushData)>) {
        for (store, data) in standing {
            self.record.put(PushedEntry { stands: true, ..PushedEntry::intended(store, data) });
        }
    }

    /// Whether the last run of the PushSecret as it is ended well.
    pub(super) fn is_settled(&self) -> bool {
        self.record.declared == self.digest && self.before == Standing::Done && !self.cut_off
    }

    /// Whether stores are asked about all entries, and not only where the source has changed or the last run failed.
    pub(super) fn asks_all(&self, because: Because) -> bool {
        let is_known = matches!(self.before, Standing::Done | Standing::Failed(_));
        because != Because::Source || !is_known || self.record.declared != self.digest || self.cut_off
    }

    /// The entries that are pushed: all of them, for the store says what it holds; or those that are not known to stand there as
    /// they are.
    pub(super) fn work(&self, plan: &Plan, all: bool) -> Vec<(StoreId, RemoteEntry)> {
        let is_work = |(key, wanted): (&(StoreId, RemoteEntry), &Wanted)| {
            let known = self.record.entry(&wanted.store, &wanted.data);
            let stands = known.is_some_and(|entry| {
                let kept = self.push.update == PushUpdate::IfNotExists && entry.stands;
                let same =
                    wanted.pushed.as_ref().is_ok_and(|(_, _, digest)| entry.digest.as_ref() == Some(digest));
                entry.failure.is_none() && entry.stands && (kept || same)
            });
            (all || !stands).then(|| key.clone())
        };
        plan.wanted.iter().filter_map(is_work).collect()
    }

    /// What stands in stores, or may, and is not wanted.
    pub(super) fn unwanted(&self, plan: &Plan) -> impl Iterator<Item = &PushedEntry> {
        self.record
            .entries
            .iter()
            .filter(|entry| !plan.wanted.contains_key(&(entry.store.clone(), entry.data.to.clone())))
    }

    /// Notes what is about to be pushed.
    pub(super) fn intend(&mut self, plan: &Plan) {
        for wanted in plan.wanted.values().filter(|wanted| wanted.pushed.is_ok()) {
            if self.record.entry(&wanted.store, &wanted.data).is_none() {
                self.record.put(PushedEntry::intended(wanted.store.clone(), wanted.data.clone()));
            }
        }
    }

    /// What is not wanted any more stays in the stores, and is forgotten.
    pub(super) fn forget_unwanted(&mut self, plan: &Plan) {
        let unwanted: Vec<_> = self
            .unwanted(plan)
            .filter(|entry| plan.is_clear(&entry.store))
            .map(|entry| (entry.store.clone(), entry.data.clone()))
            .collect();
        self.record.entries.retain(|entry| !unwanted.iter().any(|(store, data)| entry.is_at(store, data)));
    }
}

/// What the record and the condition say of what failed: the first few failures. `words` are ESO's, which come first.
pub(super) fn first_failure(failures: &[Error], words: &str, attempts: u32) -> Option<Failure> {
    // What a person has to mend says more than what passes by itself.
    let first = failures.iter().find(|error| !error.is_retryable()).or(failures.first())?;
    let mut messages: Vec<&str> = vec![first.message()];
    messages.extend(failures.iter().map(Error::message).filter(|message| *message != first.message()));
    messages.dedup();
    let more = messages.len().saturating_sub(SHOWN);
    messages.truncate(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let message = format!("{words}: {}{more}", messages.join("; "));
    Some(Failure { message, ..first.to_failure(attempts + 1) })
}
