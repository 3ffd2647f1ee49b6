//! The contract of what is kept of PushSecrets.

use crate::{Error, Put, Revision};
use pawl_domain::{ClusterName, DeclarationId, Namespace, PushRecord, PushSecret};
use std::future::Future;

/// All PushSecrets, and what was done last for each: the part of registry and ledger that is theirs.
///
/// As in the [`Registry`](crate::Registry), reads see every write that was acknowledged before they began, and a document
/// that cannot be read is told through [`readable`](crate::readable()) and left out.
pub trait Pushes: Send + Sync {
    /// Up to `limit` PushSecrets of `scope` with ids above `after`, in ascending order. A page MUST be full unless it is
    /// the last one, or documents in it cannot be read; [`PushPage::next`] says where the next one begins.
    fn pushes(
        &self,
        scope: &PushScope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> impl Future<Output = Result<PushPage, Error>> + Send;

    /// All PushSecrets of `scope`, in ascending order of ids.
    fn all_pushes(&self, scope: &PushScope) -> impl Future<Output = Result<Vec<PushSecret>, Error>> + Send {
        async move {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = self.pushes(scope, after.as_ref(), crate::PAGE).await?;
                all.extend(page.pushes);
                after = page.next;
                if after.is_none() {
                    return Ok(all);
                }
            }
        }
    }

    /// The PushSecret of this id.
    fn push(&self, id: &DeclarationId) -> impl Future<Output = Result<Option<PushSecret>, Error>> + Send;

    /// Stores a PushSecret in place of what stood under its id.
    ///
    /// # Errors
    /// Kind `Invalid` when it is larger than the registry takes.
    fn put_push(&self, push: &PushSecret) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Removes a PushSecret with its record, whole or not at all. `false` if there was none.
    fn remove_push(&self, id: &DeclarationId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Removes a PushSecret that is on its way out with its record, or a record whose PushSecret is gone; whole or not at all.
    /// `false`, and nothing is removed, where one stands that is not on its way out, or cannot be read.
    fn let_go_push(&self, id: &DeclarationId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// What was done last for a PushSecret, and the revision of that.
    fn push_record(
        &self,
        id: &DeclarationId,
    ) -> impl Future<Output = Result<Option<(PushRecord, Revision)>, Error>> + Send;

    /// Writes a record in place of the one of revision `expected` (`None`: there must be none that can be read) and returns
    /// the new revision.
    ///
    /// # Errors
    /// Kind `Conflict` when another revision stands there; nothing is written then. Kind `Invalid` when it is larger than
    /// the ledger takes.
    fn put_push_record(
        &self,
        id: &DeclarationId,
        record: &PushRecord,
        expected: Option<Revision>,
    ) -> impl Future<Output = Result<Revision, Error>> + Send;
}

/// A page of PushSecrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushPage {
    /// Those that can be read.
    pub pushes: Vec<PushSecret>,
    /// Behind which id the next page begins; `None` where there is nothing behind this one.
    pub next: Option<DeclarationId>,
}

/// Which PushSecrets are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PushScope {
    /// All of them.
    All,
    /// Those of one cluster.
    Cluster(ClusterName),
    /// Those of one namespace of a cluster.
    Namespace(ClusterName, Namespace),
}

impl PushScope {
    /// Whether the PushSecret of this id is meant.
    pub fn has(&self, id: &DeclarationId) -> bool {
        match self {
            Self::All => true,
            Self::Cluster(cluster) => id.cluster == *cluster,
            Self::Namespace(cluster, namespace) => id.cluster == *cluster && id.namespace == *namespace,
        }
    }
}
