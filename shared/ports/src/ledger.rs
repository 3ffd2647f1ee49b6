//! The contract of the ledger.

use crate::{Error, Unreadable};
use jiff::Timestamp;
use pawl_domain::{DeclarationId, Record};
use std::future::Future;

/// What was done last for each declaration. Writes are conditional, so that of two that meet one starts again.
pub trait Ledger: Send + Sync {
    /// The entries of these declarations, in ascending order; declarations without one are left out, and so are those
    /// whose record cannot be read: what was written last is unknown then.
    fn entries(&self, ids: &[DeclarationId]) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

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
