use crate::door::{Door, lock};
use crate::fault::Point;
use jiff::Timestamp;
use pawl_domain::{DeclarationId, Kind, Record, Step};
use pawl_ports::{DocumentKind, Entry, Error, Ledger, Revision, Unreadable, readable};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

/// A ledger in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeLedger {
    pub(crate) door: Door,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<DeclarationId, (Record, Revision)>,
    marks: BTreeMap<String, Timestamp>,
    /// The owners of records that cannot be read.
    damaged: BTreeSet<DeclarationId>,
}

impl FakeLedger {
    /// Makes a declaration's record one that cannot be read, without that being a call.
    pub fn damage(&self, id: &DeclarationId) {
        lock(&self.state).damaged.insert(id.clone());
    }

    /// The record of a declaration, without that being a call.
    pub fn record(&self, id: &DeclarationId) -> Option<Record> {
        lock(&self.state).records.get(id).map(|(record, _)| record.clone())
    }

    /// Every record, without that being a call.
    pub fn records(&self) -> BTreeMap<DeclarationId, Record> {
        lock(&self.state).records.iter().map(|(id, (record, _))| (id.clone(), record.clone())).collect()
    }
}

impl Ledger for FakeLedger {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, Error> {
        let subject = ids.first().map(ToString::to_string).unwrap_or_default();
        let passage = self.door.pass(Point::Entries, &[&subject], |calls| calls.ledger_reads += 1).await?;
        let entries = {
            let state = lock(&self.state);
            let entry = |id: &DeclarationId| {
                let (record, revision) = state.records.get(id)?;
                readable(if state.damaged.contains(id) { Err(unreadable(id)) } else { Ok(()) })?;
                Some(Entry { id: id.clone(), record: record.clone(), revision: *revision })
            };
            ids.iter().collect::<BTreeSet<_>>().into_iter().filter_map(entry).collect()
        };
        passage.leave(entries)
    }

    async fn unreadable_records(&self, ids: &[DeclarationId]) -> Result<Vec<Unreadable>, Error> {
        let passage =
            self.door.pass(Point::Entries, &["unreadable"], |calls| calls.ledger_reads += 1).await?;
        let asked: BTreeSet<_> = ids.iter().cloned().collect();
        let found = lock(&self.state).damaged.intersection(&asked).map(unreadable).collect();
        passage.leave(found)
    }

    async fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        let subject = id.to_string();
        let passage = self.door.pass(Point::Record, &[&subject], |calls| calls.ledger_writes += 1).await?;
        let revision = {
            let mut state = lock(&self.state);
            let stands = state.records.get(id).map(|(_, revision)| *revision);
            // What cannot be read counts as none.
            let counts_as_none = expected.is_none() && state.damaged.contains(id);
            if stands != expected && !counts_as_none {
                let message =
                    format!("the record of {id} was written by somebody else; start again from the read");
                return Err(Error::new(Step::Record, Kind::Conflict, message));
            }
            let revision = Revision(stands.map_or(1, |stands| stands.0 + 1));
            state.records.insert(id.clone(), (record.clone(), revision));
            state.damaged.remove(id);
            revision
        };
        passage.leave(revision)
    }

    async fn remove(&self, id: &DeclarationId, expected: Option<Revision>) -> Result<(), Error> {
        let subject = id.to_string();
        let passage = self.door.pass(Point::Record, &[&subject], |calls| calls.ledger_writes += 1).await?;
        {
            let mut state = lock(&self.state);
            let stands = state.records.get(id).map(|(_, revision)| *revision);
            if expected.is_some() && stands.is_some() && stands != expected {
                let message = format!("the record of {id} was written by somebody else; it stays");
                return Err(Error::new(Step::Record, Kind::Conflict, message));
            }
            state.records.remove(id);
            state.damaged.remove(id);
        }
        passage.leave(())
    }

    async fn unsettled(
        &self,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<DeclarationId>, Error> {
        let passage = self.door.pass(Point::Entries, &["unsettled"], |calls| calls.ledger_reads += 1).await?;
        let ids = {
            let state = lock(&self.state);
            let above = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
            let all = state.records.range::<DeclarationId, _>(above);
            let open = all.filter(|(_, (record, _))| !record.state.is_settled());
            open.map(|(id, _)| id.clone()).take(limit).collect()
        };
        passage.leave(ids)
    }

    async fn mark(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let passage = self.door.pass(Point::Mark, &[name], |calls| calls.marks += 1).await?;
        let mark = lock(&self.state).marks.get(name).copied();
        passage.leave(mark)
    }

    async fn set_mark(&self, name: &str, at: Timestamp) -> Result<(), Error> {
        let passage = self.door.pass(Point::Mark, &[name], |calls| calls.marks += 1).await?;
        lock(&self.state).marks.insert(name.to_owned(), at);
        passage.leave(())
    }
}

fn unreadable(id: &DeclarationId) -> Unreadable {
    super::registry::unreadable(DocumentKind::Record, &id.to_string())
}
