//! The contract of the stores that take values.

use crate::{Answer, Error};
use pawl_domain::{Access, Provider, PushOutcome, Pushed, RemoteEntry};

/// How often a push or a removal is begun, where somebody else writes in between.
pub const MOST_TRIES: usize = 4;

/// What an adapter says, as a `Conflict`, when somebody else wrote in between each time.
pub const OVERTAKEN: &str = "others write it all the time; it is tried again";

/// Stores of some providers as PushSecrets write to them.
///
/// Calls are retried as the provider wants, within a bounded time. A call that failed, was dropped or is made twice does no
/// harm: what the store holds already is not written again.
pub trait Sink: Send + Sync {
    /// The providers whose stores it writes. Accesses to others are never handed to it.
    fn providers(&self) -> Vec<Provider>;

    /// Writes one entry, where the store does not hold it already. Reads what stands there first: a property is set in the
    /// value that is there, and the rest of it stays. The write is conditional on what was read, where the store has
    /// conditions; a conflict is read and tried again.
    ///
    /// # Errors
    /// Kind `Denied` when the identity may not write, and when the key is not ours: where ESO's provider marks what it
    /// manages (`managed-by: external-secrets`), a key without the mark is never written. (Where data and mark are written
    /// one after the other, a key that has exactly what is pushed may get the mark that it lacks.) Kind `Invalid` when the
    /// entry cannot be kept by this provider (a property, a whole Secret, the metadata), with what to write instead. A read
    /// that failed is an error, never a reason to write.
    fn push<'a>(&'a self, access: &'a Access, pushed: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>>;

    /// Whether the store has this entry, for `updatePolicy: IfNotExists`. The key with its property, where there is one.
    ///
    /// # Errors
    /// As for [`Sink::push`]. "May not be read" is an error and not an answer.
    fn exists<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>>;

    /// Deletes an entry that was pushed: its property, or its whole key where there is none or where nothing else is left.
    /// What is not there is no failure; what is not ours stays, and is no failure either.
    ///
    /// # Errors
    /// As for [`Sink::push`].
    fn remove<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<(), Error>>;
}
