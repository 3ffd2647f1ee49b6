//! The contract of the ledger.

use crate::{Error, Unreadable, UnsettledPages};
use jiff::Timestamp;
use pawl_domain::{Declaration, DeclarationId, Kind, Record, Step};
use std::collections::BTreeMap;
use std::future::Future;

/// How often the change of a record is begun again. Each time means that somebody else just wrote it.
const ROUNDS: u32 = 5;

/// What was done last for each declaration. Writes are conditional, so that of two that meet one starts again.
pub trait Ledger: Send + Sync {
    /// The entries of these declarations, in ascending order; declarations without one are left out, and so are those
    /// whose record cannot be read: what was written last is unknown then.
    fn entries(&self, ids: &[DeclarationId]) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

    /// The entry of one declaration.
    fn entry(&self, id: &DeclarationId) -> impl Future<Output = Result<Option<Entry>, Error>> + Send {
        async move { Ok(self.entries(std::slice::from_ref(id)).await?.pop()) }
    }

    /// The entries of these declarations, by id.
    fn entries_of(
        &self,
        declarations: &[Declaration],
    ) -> impl Future<Output = Result<BTreeMap<DeclarationId, Entry>, Error>> + Send {
        async move {
            let ids: Vec<_> = declarations.iter().map(|each| each.id.clone()).collect();
            let entries = self.entries(&ids).await?;
            Ok(entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect())
        }
    }

    /// Those of these declarations' records that cannot be read, in ascending order of ids.
    fn unreadable_records(
        &self,
        ids: &[DeclarationId],
    ) -> impl Future<Output = Result<Vec<Unreadable>, Error>> + Send;

    /// Writes a record in place of the one of revision `expected` (`None`: there must be none that can be read) and
    /// returns the new revision.
    ///
    /// # Errors
    /// Kind `Conflict` when another revision stands there; nothing is written then.
    fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> impl Future<Output = Result<Revision, Error>> + Send;

    /// The same, where `None` tells that another revision stands there.
    fn put_unless_changed(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> impl Future<Output = Result<Option<Revision>, Error>> + Send {
        async move {
            match self.put(id, record, expected).await {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind == Kind::Conflict => Ok(None),
                Err(error) => Err(error),
            }
        }
    }

    /// Reads a record, changes it and writes it back, and begins again where somebody else wrote it in between.
    ///
    /// `change` is given the record that stands, and says what to write in its place: `None` for nothing. Returns what
    /// was written.
    ///
    /// # Errors
    /// Kind `Conflict` when others write it all the time; `otherwise` says in its message what becomes of the change then.
    fn update(
        &self,
        id: &DeclarationId,
        otherwise: &str,
        change: impl FnMut(Option<Record>) -> Option<Record> + Send,
    ) -> impl Future<Output = Result<Option<Entry>, Error>> + Send {
        async move {
            let entry = self.entry(id).await?;
            self.update_from(id, entry, otherwise, change).await
        }
    }

    /// The same of a record that was read before.
    fn update_from(
        &self,
        id: &DeclarationId,
        entry: Option<Entry>,
        otherwise: &str,
        mut change: impl FnMut(Option<Record>) -> Option<Record> + Send,
    ) -> impl Future<Output = Result<Option<Entry>, Error>> + Send {
        async move {
            let expected = entry.as_ref().map(|entry| entry.revision);
            let Some(record) = change(entry.map(|entry| entry.record)) else { return Ok(None) };
            self.put_merged(id, record, expected, otherwise, |_, theirs| change(theirs)).await
        }
    }

    /// Writes a record in place of the one of revision `expected`. Where another one stands there, `merge` is given the
    /// record that was to be written and the one that stands, and says what to write in its place: `None` for nothing.
    ///
    /// Results and errors as for [`Ledger::update`].
    fn put_merged(
        &self,
        id: &DeclarationId,
        mut record: Record,
        mut expected: Option<Revision>,
        otherwise: &str,
        mut merge: impl FnMut(Record, Option<Record>) -> Option<Record> + Send,
    ) -> impl Future<Output = Result<Option<Entry>, Error>> + Send {
        async move {
            for _ in 0..ROUNDS {
                if let Some(revision) = self.put_unless_changed(id, &record, expected).await? {
                    return Ok(Some(Entry { id: id.clone(), record, revision }));
                }
                let theirs = self.entry(id).await?;
                expected = theirs.as_ref().map(|entry| entry.revision);
                let Some(merged) = merge(record, theirs.map(|entry| entry.record)) else { return Ok(None) };
                record = merged;
            }
            let message = format!("its record changes all the time; {otherwise}");
            Err(Error::new(Step::Record, Kind::Conflict, message))
        }
    }

    /// Removes a declaration's record: the one of revision `expected`, or any.
    ///
    /// # Errors
    /// Kind `Conflict` when another revision stands there; nothing is removed then. That there is none is no error.
    fn remove(
        &self,
        id: &DeclarationId,
        expected: Option<Revision>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Up to `limit` ids above `after` of declarations whose state is not settled, as `State::is_settled` has it, in
    /// ascending order.
    fn unsettled(
        &self,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DeclarationId>, Error>> + Send;

    /// All ids of declarations whose state is not settled, page by page.
    fn unsettled_pages(&self) -> UnsettledPages<'_, Self>
    where
        Self: Sized,
    {
        UnsettledPages::new(self)
    }

    /// The time that was last marked under this name.
    fn mark(&self, name: &str) -> impl Future<Output = Result<Option<Timestamp>, Error>> + Send;

    /// Marks a time under a name, in place of the one that was marked, also of a later one: a clock that was ahead once
    /// does not count for ever.
    fn set_mark(&self, name: &str, at: Timestamp) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Counts the writes of one record.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Revision(pub u64);

/// A record with its owner and revision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Whose record it is.
    pub id: DeclarationId,
    /// The record.
    pub record: Record,
    /// Its revision, for the next put.
    pub revision: Revision,
}
