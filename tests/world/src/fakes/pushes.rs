//! What the fake registry keeps of PushSecrets.

use super::FakeRegistry;
use super::registry::unreadable;
use crate::door::lock;
use crate::fault::Point;
use pawl_domain::{DeclarationId, Kind, PushRecord, PushSecret, Step};
use pawl_ports::{DocumentKind, Error, PushPage, PushScope, Pushes, Put, Revision, readable};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// PushSecrets with their records.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pushes: BTreeMap<DeclarationId, PushSecret>,
    records: BTreeMap<DeclarationId, (PushRecord, Revision)>,
    damaged: BTreeSet<(DocumentKind, DeclarationId)>,
}

impl Kept {
    fn is_readable(&self, kind: DocumentKind, id: &DeclarationId) -> bool {
        let damaged = self.damaged.contains(&(kind, id.clone()));
        readable(if damaged { Err(unreadable(kind, &id.to_string())) } else { Ok(()) }).is_some()
    }
}

impl FakeRegistry {
    /// What was done last for a PushSecret, without that being a call.
    pub fn push_record_of(&self, id: &DeclarationId) -> Option<PushRecord> {
        lock(&self.pushes).records.get(id).map(|(record, _)| record.clone())
    }

    /// Makes what is kept of a PushSecret a document that cannot be read, without that being a call.
    pub fn damage_push(&self, kind: DocumentKind, id: &DeclarationId) {
        lock(&self.pushes).damaged.insert((kind, id.clone()));
    }

    /// Everything that stands here, as text, to be searched for what must not.
    pub(super) fn dump_pushes(&self) -> String {
        format!("{:?}", lock(&self.pushes))
    }
}

impl Pushes for FakeRegistry {
    async fn pushes(
        &self,
        scope: &PushScope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<PushPage, Error> {
        let passage = self.reading("pushes").await?;
        let page = {
            let kept = lock(&self.pushes);
            let above = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
            let all = kept.pushes.range::<DeclarationId, _>(above).filter(|(id, _)| scope.has(id));
            let page: Vec<(&DeclarationId, &PushSecret)> = all.take(limit).collect();
            let next = page.last().filter(|_| page.len() == limit).map(|(id, _)| (*id).clone());
            let readable = page.into_iter().filter(|(id, _)| kept.is_readable(DocumentKind::Push, id));
            PushPage { pushes: readable.map(|(_, push)| push.clone()).collect(), next }
        };
        passage.leave(page)
    }

    async fn push(&self, id: &DeclarationId) -> Result<Option<PushSecret>, Error> {
        let passage = self.reading(&id.to_string()).await?;
        let found = {
            let kept = lock(&self.pushes);
            kept.pushes.get(id).filter(|_| kept.is_readable(DocumentKind::Push, id)).cloned()
        };
        passage.leave(found)
    }

    async fn put_push(&self, push: &PushSecret) -> Result<Put, Error> {
        let passage = self.writing(&push.id.to_string()).await?;
        let put = {
            let mut kept = lock(&self.pushes);
            let was_damaged = kept.damaged.remove(&(DocumentKind::Push, push.id.clone()));
            match kept.pushes.insert(push.id.clone(), push.clone()) {
                None => Put::Created,
                Some(old) if old == *push && !was_damaged => Put::Unchanged,
                Some(_) => Put::Changed,
            }
        };
        passage.leave(put)
    }

    async fn remove_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        let passage = self.writing(&id.to_string()).await?;
        let removed = {
            let mut kept = lock(&self.pushes);
            kept.records.remove(id);
            kept.damaged.retain(|(_, damaged)| damaged != id);
            kept.pushes.remove(id).is_some()
        };
        passage.leave(removed)
    }

    async fn let_go_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        let passage = self.writing(&id.to_string()).await?;
        let may_go = {
            let mut kept = lock(&self.pushes);
            let is_damaged = kept.damaged.contains(&(DocumentKind::Push, id.clone()));
            let may_go = !is_damaged && kept.pushes.get(id).is_none_or(|push| push.deleting);
            if may_go {
                kept.records.remove(id);
                kept.damaged.retain(|(_, damaged)| damaged != id);
                kept.pushes.remove(id);
            }
            may_go
        };
        passage.leave(may_go)
    }

    async fn push_record(&self, id: &DeclarationId) -> Result<Option<(PushRecord, Revision)>, Error> {
        let subject = id.to_string();
        let passage = self.door.pass(Point::Entries, &[&subject], |calls| calls.ledger_reads += 1).await?;
        let found = {
            let kept = lock(&self.pushes);
            kept.records.get(id).filter(|_| kept.is_readable(DocumentKind::PushRecord, id)).cloned()
        };
        passage.leave(found)
    }

    async fn put_push_record(
        &self,
        id: &DeclarationId,
        record: &PushRecord,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        let subject = id.to_string();
        let passage = self.door.pass(Point::Record, &[&subject], |calls| calls.ledger_writes += 1).await?;
        let revision = {
            let mut kept = lock(&self.pushes);
            let stands = kept.records.get(id).map(|(_, revision)| *revision);
            let counts_as_none =
                expected.is_none() && kept.damaged.contains(&(DocumentKind::PushRecord, id.clone()));
            if stands != expected && !counts_as_none {
                let message =
                    format!("the record of {id} was written by somebody else; start again from the read");
                return Err(Error::new(Step::Record, Kind::Conflict, message));
            }
            let revision = Revision(stands.map_or(1, |stands| stands.0 + 1));
            kept.records.insert(id.clone(), (record.clone(), revision));
            kept.damaged.remove(&(DocumentKind::PushRecord, id.clone()));
            revision
        };
        passage.leave(revision)
    }
}
