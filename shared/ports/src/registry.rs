//! The contract of the registry.

use crate::{Error, Pages, Patterns, Policies, Unreadable};
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, Home, IndexKey, ObjectName, Store, StoreId, StorePolicy,
};
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

/// All declarations, stores and clusters, with the reverse index from keys to declarations. Reading only.
///
/// Reads MUST see every write that was acknowledged before they began. A document that cannot be read is told through
/// [`readable`](crate::readable()) and left out as if it were not there: it never fails a read of others.
pub trait Registry: Send + Sync {
    /// The ids of all declarations that were put under any of these index keys: each once, in ascending order. The
    /// cost MUST NOT depend on the number of declarations under other keys.
    fn candidates(
        &self,
        keys: &BTreeSet<IndexKey>,
    ) -> impl Future<Output = Result<Vec<DeclarationId>, Error>> + Send;

    /// The declarations with these ids, in ascending order; unknown ids are left out.
    fn declarations(
        &self,
        ids: &[DeclarationId],
    ) -> impl Future<Output = Result<Vec<Declaration>, Error>> + Send;

    /// Up to `limit` declarations of `scope` with ids above `after`, in ascending order. A page MUST be full unless
    /// it is the last one.
    fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Declaration>, Error>> + Send;

    /// All declarations of `scope`, page by page.
    fn pages(&self, scope: Scope) -> Pages<'_, Self>
    where
        Self: Sized,
    {
        Pages::new(self, scope)
    }

    /// The stores with these ids, in ascending order; unknown ids are left out.
    fn stores(&self, ids: &BTreeSet<StoreId>) -> impl Future<Output = Result<Vec<Store>, Error>> + Send;

    /// Every store, with how its declarations want it swept, in ascending order of ids.
    fn swept_stores(&self) -> impl Future<Output = Result<Vec<SweptStore>, Error>> + Send;

    /// Every cluster, in ascending order of names.
    fn clusters(&self) -> impl Future<Output = Result<Vec<Cluster>, Error>> + Send;

    /// Every policy of the operator's, in ascending order of names. One that cannot be read is named, for nothing may be
    /// allowed on a guess of what it says.
    fn policies(&self) -> impl Future<Output = Result<Policies, Error>> + Send;

    /// Every applied ClusterExternalSecret, in ascending order of ids. One that cannot be read is named by
    /// [`PatternId::path`], for what it placed must not be taken for gone.
    fn patterns(&self) -> impl Future<Output = Result<Patterns, Error>> + Send;

    /// Every document that cannot be read, in ascending order of kinds and ids. Looks at all documents: for people.
    fn unreadable(&self) -> impl Future<Output = Result<Vec<Unreadable>, Error>> + Send;
}

/// The writing half of the registry.
///
/// A write MUST be whole or not at all: a reader never sees a declaration without its index keys, nor index keys of
/// a declaration that is gone. A document that cannot be read is replaced and removed as any other; a put in its place
/// is never [`Put::Unchanged`].
pub trait Catalogue: Send + Sync {
    /// Stores a declaration under exactly these index keys, in place of `standing`, or where `None` of nothing that can be
    /// read. Nothing is written when another one, or none, stands under its id by now: somebody who knew more put it.
    ///
    /// # Errors
    /// Kind `Conflict` then, and when others write it all the time.
    fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        standing: Option<&Declaration>,
    ) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Removes whatever stands under an id, readable or not, and its index keys. `false` if there was nothing.
    fn remove(&self, id: &DeclarationId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Removes this declaration and its index keys. `false` if another one, or none, stands under its id by now.
    fn remove_this(&self, declaration: &Declaration) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Stores a store in place of what stood under its id.
    fn put_store(&self, store: &Store) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Removes a store. Its declarations stay. `false` if there was none.
    fn remove_store(&self, id: &StoreId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Stores a cluster in place of what stood under its name.
    fn put_cluster(&self, cluster: &Cluster) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Removes a cluster. Its declarations stay. `false` if there was none.
    fn remove_cluster(&self, name: &ClusterName) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Stores a policy in place of what stood under its name.
    fn put_policy(&self, policy: &StorePolicy) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Removes a policy. `false` if there was none.
    fn remove_policy(&self, name: &ObjectName) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Stores a pattern in place of `standing`, or where `None` of nothing that can be read. Nothing is written when another one,
    /// or none, stands under its id by now: whoever applies one and whoever places its declarations do not undo each other's work.
    ///
    /// # Errors
    /// Kind `Conflict` then.
    fn put_pattern(
        &self,
        pattern: &Pattern,
        standing: Option<&Pattern>,
    ) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Removes whatever stands under an id, readable or not. Its declarations stay. `false` if there was none.
    fn remove_pattern(&self, id: &PatternId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Removes this pattern. `false` if another one, or none, stands under its id by now.
    fn remove_this_pattern(&self, pattern: &Pattern) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// What a put found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    /// Nothing stood there.
    Created,
    /// Something else stood there.
    Changed,
    /// The same stood there; nothing was written.
    Unchanged,
}

/// Which declarations a page is taken from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All of them.
    All,
    /// Those that write to one cluster.
    Cluster(ClusterName),
    /// Those found in one home.
    Home(Home),
    /// Those that read one store.
    Store(StoreId),
}

/// A store, with how its declarations want it swept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SweptStore {
    /// The store.
    pub store: Store,
    /// The shortest `refreshInterval` of the declarations that read it and that are read more than once. `None` when
    /// there are none. MAY be shorter than the truth, never longer.
    pub interval: Option<Duration>,
}
