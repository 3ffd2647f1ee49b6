//! A plan: everything known of one declaration before anybody is asked. It is made once and handed on.

use crate::base::keys::wanted;
use crate::base::stores::Stores;
use crate::deliver::making::Making;
use jiff::Timestamp;
use pawl_domain::affected::concerned_reads;
use pawl_domain::reconcile::Replacement;
use pawl_domain::record::{State, is_looked_for};
use pawl_domain::{
    Access, Change, Declaration, DeclarationId, Find, Keep, Permit, Query, Read, Record, Store,
};
use pawl_ports::{Entry, Error, Wanted};
use std::collections::BTreeMap;
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
    /// Its reads, in their order; an error where it may not make one.
    pub(crate) reads: Vec<Result<PlannedRead, Error>>,
    /// When the work on it began.
    pub(crate) started: Timestamp,
    /// What was made for it since.
    pub(crate) making: Making,
}

/// A read that a declaration may make.
#[derive(Debug)]
pub(crate) struct PlannedRead {
    pub(crate) question: Question,
    /// The latest change that concerns it.
    pub(crate) sought: Option<Sought>,
}

/// What a store is asked, and with which identity.
#[derive(Debug)]
pub(crate) enum Question {
    Key(Access, Wanted),
    Search(Asked),
    /// What a generator makes, and the digest of its manifest.
    Generate(Access, String),
}

/// A search: who makes it, what for, and which of the keys it may read.
pub(crate) type Asked = (Access, Find, Keep);

/// A change whose version must be seen.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    pub(crate) change: Arc<Change>,
    /// Whether a store that does not show it yet is asked again at once. What was asked for in vain before is asked for
    /// once by each sweep.
    pub(crate) patient: bool,
}

impl Plan {
    pub(crate) fn of(declaration: Declaration, entry: Option<Entry>, work: &Work, stores: &Stores) -> Self {
        // A folder has no version that could be waited for: what its store answers holds.
        let named = work.change.iter().filter(|change| change.extent.is_key());
        let new = named.map(|change| Sought { change: Arc::clone(change), patient: true });
        let digest = declaration.digest();
        let mut plan = Self {
            digest,
            reads: Vec::new(),
            declaration,
            entry: None,
            sought: new.collect(),
            started: work.started,
            making: Making::default(),
        };
        plan.renew(entry, work.started, stores);
        plan
    }

    /// Plans by what the ledger knows of the declaration now.
    pub(crate) fn renew(&mut self, entry: Option<Entry>, now: Timestamp, stores: &Stores) {
        self.sought.retain(|sought| sought.patient);
        let known = entry.iter().flat_map(|entry| &entry.record.owed.changes);
        let known = known.filter(|change| is_looked_for(change, now));
        let known = known.map(|change| Sought { change: Arc::new(change.clone()), patient: false });
        self.sought.extend(known);
        let latest = latest_by_read(&self.sought, &self.declaration, stores);
        let reads = self.declaration.reads.iter().zip(latest).map(|(read, sought)| {
            let question = question(read, &self.declaration.id, stores)?;
            Ok(PlannedRead { question, sought: sought.cloned() })
        });
        self.reads = reads.collect();
        self.entry = entry;
    }

    /// The reads that it may make.
    pub(crate) fn permitted(&self) -> impl Iterator<Item = &PlannedRead> {
        self.reads.iter().flatten()
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

/// What a read asks.
///
/// # Errors
/// Its store is not known, or the operator does not allow it.
fn question(read: &Read, id: &DeclarationId, stores: &Stores) -> Result<Question, Error> {
    let store = stores.require(&read.store)?;
    let Permit { access, keep } = stores.permit(read, id)?;
    Ok(match &read.query {
        Query::Key(remote) => Question::Key(access, wanted(remote, store)),
        Query::Find(find) => Question::Search((access, find.clone(), keep)),
        // Whose a manifest is, and how it is labelled, makes no difference to what is made by it.
        Query::Generate => {
            let alone = Store { set: None, labels: BTreeMap::new(), ..store.clone() };
            Question::Generate(access, pawl_documents::digest(&alone))
        }
    })
}

/// For each read of a declaration, the latest change that concerns it.
fn latest_by_read<'a>(
    sought: &'a [Sought],
    declaration: &Declaration,
    stores: &Stores,
) -> Vec<Option<&'a Sought>> {
    let mut by_read: Vec<Option<&Sought>> = vec![None; declaration.reads.len()];
    for sought in sought {
        for position in concerned_reads(&sought.change, declaration, |id| stores.get(id)) {
            let latest = by_read[position].filter(|other| other.change.at >= sought.change.at);
            by_read[position] = Some(latest.unwrap_or(sought));
        }
    }
    by_read
}
