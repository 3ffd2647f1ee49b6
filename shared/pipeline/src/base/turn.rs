//! Whose turn it is to take in the manifests of a cluster: one at a time in a process, and among processes the one
//! with the newest listing.

use crate::index::apply::Apply;
use crate::parts::Base;
use jiff::Timestamp;
use pawl_domain::{ClusterName, Home, Kind, Step};
use pawl_ports::{Clock, Error, Ledger, Ports};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// One index of a cluster or a folder. Of two, the one that began later has the newer listing: once it writes, the other must not.
pub(crate) struct Turn {
    pub(crate) mark: String,
    pub(crate) began: Timestamp,
}

/// How manifests are taken in.
#[derive(Clone, Copy)]
pub(crate) struct Taking<'a> {
    /// The index of a cluster or a folder that they are from.
    pub(crate) turn: Option<&'a Turn>,
    /// Who handed them over; nobody where they were found in a cluster.
    pub(crate) apply: Option<&'a Apply>,
    /// The home in which what is not among them is removed.
    pub(crate) prune: Option<&'a Home>,
}

impl<P: Ports> Base<P> {
    /// Waits until nobody else in this process takes in what stands in this cluster, so that an older listing cannot go
    /// over what was seen since. The next one waits until the answer is dropped.
    ///
    /// # Errors
    /// Kind `Unreachable` when that takes longer than an index may.
    pub(crate) async fn indexing(
        &self,
        cluster: &ClusterName,
    ) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let patience = self.settings.sweep_time;
        timeout(patience, self.memory.indexing.enter(cluster)).await.map_err(|_| {
            let message = format!(
                "what was seen in cluster {cluster} before is still being taken in after {patience:?}; the next index looks again"
            );
            Error::new(Step::Lookup, Kind::Unreachable, message)
        })
    }

    /// Takes the turn to write what a listing says. An index with a newer listing takes it away; one that only lists does
    /// not, so that of indexes that take longer than the time between them, one ends. What was read of the registry
    /// before is put on the condition that it still stands: what an index writes in between is not undone.
    ///
    /// # Errors
    /// Kind `Conflict` when an index that began later writes.
    pub(crate) async fn take_turn(&self, turn: Option<&Turn>) -> Result<(), Error> {
        let Some(turn) = turn else { return Ok(()) };
        let ledger = self.ports.ledger();
        let now = self.ports.clock().now();
        // A mark in the future is of a clock that was wrong, and counts as none.
        match ledger.mark(&turn.mark).await?.filter(|writing| *writing <= now) {
            Some(writing) if writing == turn.began => Ok(()),
            Some(writing) if writing > turn.began => {
                let message = "an index that began later writes what its newer listing says";
                Err(Error::new(Step::Lookup, Kind::Conflict, message))
            }
            _ => ledger.set_mark(&turn.mark, turn.began).await,
        }
    }
}
