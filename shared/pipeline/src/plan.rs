//! Plans: all that is known of one declaration before anybody is asked for it. Made once, and handed on.

use crate::stores::Stores;
use jiff::Timestamp;
use pawl_domain::affected::concerned_reads;
use pawl_domain::reconcile::Replacement;
use pawl_domain::record::{State, is_looked_for};
use pawl_domain::{Change, Declaration, Record};
use pawl_ports::Entry;
use std::sync::Arc;

/// Why a delivery is made, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// The change that caused it: its version must be seen.
    pub(crate) change: Option<Arc<Change>>,
    /// When the work came up: what was refreshed after that is done already.
    pub(crate) since: Timestamp,
    /// Before the declarations were read: what is recorded as refreshed then is at least as new.
    pub(crate) started: Timestamp,
}

/// One declaration, with what is known of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) declaration: Declaration,
    /// [`Declaration::digest`], which costs something to make.
    pub(crate) digest: String,
    /// What the ledger knows of it.
    pub(crate) entry: Option<Entry>,
    /// The changes whose versions must be seen.
    pub(crate) sought: Vec<Sought>,
}

/// A change whose version must be seen.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    pub(crate) change: Arc<Change>,
    /// Whether a store that does not show it yet is asked again at once. What was asked for in vain before is asked for
    /// once by each sweep.
    pub(crate) patient: bool,
}

impl Plan {
    pub(crate) fn of(declaration: Declaration, entry: Option<Entry>, work: &Work) -> Self {
        let now = work.started;
        let new = work.change.iter().map(|change| Sought { change: Arc::clone(change), patient: true });
        let known = entry.iter().flat_map(|entry| &entry.record.owed.changes);
        let known = known.filter(|change| is_looked_for(change, now));
        let known = known.map(|change| Sought { change: Arc::new(change.clone()), patient: false });
        let sought = new.chain(known).collect();
        Self { digest: declaration.digest(), declaration, entry, sought }
    }

    /// What was recorded last.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.entry.as_ref().map(|entry| &entry.record)
    }

    /// The same, where it speaks of the declaration as it is now.
    pub(crate) fn own_record(&self) -> Option<&Record> {
        self.record().filter(|record| record.declaration == self.digest)
    }

    /// Whether a change's version is still worth looking for, and was not looked for in vain before.
    pub(crate) fn is_new(&self, change: &Change, now: Timestamp) -> bool {
        is_looked_for(change, now) && self.record().is_none_or(|record| !record.owed.changes.contains(change))
    }

    /// How often a delivery of the declaration as it is now was begun with care and did not end.
    pub(crate) fn begun(&self) -> u32 {
        self.record().map_or(0, |record| record.begun(&self.digest))
    }

    /// Whether the declaration is being removed: then nothing is written for it any more.
    pub(crate) fn is_removed(&self) -> bool {
        self.record().is_some_and(|record| record.owed.removed.is_some())
    }

    /// True when nothing needs to be asked: the version that the change names was written already; or, where no version
    /// is known, the declaration was refreshed after the work came up.
    pub(crate) fn is_done(&self, work: &Work, stores: &Stores) -> bool {
        let settled = |record: &&Record| matches!(record.state, State::Settled(_));
        let Some(record) = self.own_record().filter(settled) else { return false };
        match work.change.as_deref() {
            Some(change) if change.version.is_some() => {
                record.is_current(change, &self.declaration, |id| stores.get(id))
            }
            _ => record.refreshed.is_some_and(|refreshed| refreshed > work.since),
        }
    }

    /// For each read of this declaration, the latest change that concerns it.
    pub(crate) fn sought_by_read(&self, stores: &Stores) -> Vec<Option<&Sought>> {
        let mut by_read: Vec<Option<&Sought>> = vec![None; self.declaration.reads.len()];
        for sought in &self.sought {
            for position in concerned_reads(&sought.change, &self.declaration, |id| stores.get(id)) {
                let latest = by_read[position].filter(|other| other.change.at >= sought.change.at);
                by_read[position] = Some(latest.unwrap_or(sought));
            }
        }
        by_read
    }

    /// The resourceVersion that a write may be conditional on without reading the target.
    pub(crate) fn known_version(&self) -> Option<String> {
        let record = self.record()?;
        let target = record.target.as_ref()?;
        let as_declared = match &target.declared {
            Some(declared) => *declared == self.declaration.target_digest(),
            None => record.declaration == self.digest,
        };
        let named = target.name == self.declaration.target.name;
        let same = as_declared && named && Replacement::suits(&self.declaration);
        if same { target.resource_version.clone() } else { None }
    }
}
