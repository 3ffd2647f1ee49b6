//! Registry and ledger in DynamoDB or in a file, as the configuration says. The choice is made here, at run time.

use jiff::Timestamp;
use pawl_aws::Table;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, IndexKey, ObjectName, PushRecord, PushSecret, Record,
    Store, StoreId, StorePolicy,
};
use pawl_embedded::Embedded;
use pawl_ports::{
    Catalogue, Entry, Error, Ledger, Patterns, Policies, PushPage, PushScope, Pushes, Put, Registry,
    Revision, Scope, SweptStore, Unreadable,
};
use std::collections::BTreeSet;

/// Registry and ledger in a DynamoDB table or in a local file.
#[derive(Clone, Debug)]
pub enum State {
    /// In a DynamoDB table.
    Aws(Table),
    /// In a local file.
    Local(Embedded),
}

/// The same call to whichever of the two it is.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Self::Aws(table) => table.$method($($argument),*).await,
            Self::Local(file) => file.$method($($argument),*).await,
        }
    };
}

impl Registry for State {
    async fn candidates(&self, keys: &BTreeSet<IndexKey>) -> Result<Vec<DeclarationId>, Error> {
        either!(self.candidates(keys))
    }

    async fn declarations(&self, ids: &[DeclarationId]) -> Result<Vec<Declaration>, Error> {
        either!(self.declarations(ids))
    }

    async fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<Declaration>, Error> {
        either!(self.page(scope, after, limit))
    }

    async fn stores(&self, ids: &BTreeSet<StoreId>) -> Result<Vec<Store>, Error> {
        either!(self.stores(ids))
    }

    async fn swept_stores(&self) -> Result<Vec<SweptStore>, Error> {
        either!(self.swept_stores())
    }

    async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        either!(self.clusters())
    }

    async fn policies(&self) -> Result<Policies, Error> {
        either!(self.policies())
    }

    async fn patterns(&self) -> Result<Patterns, Error> {
        either!(self.patterns())
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        either!(self.unreadable())
    }
}

impl Catalogue for State {
    async fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        standing: Option<&Declaration>,
    ) -> Result<Put, Error> {
        match self {
            Self::Aws(table) => Catalogue::put(table, declaration, keys, standing).await,
            Self::Local(file) => Catalogue::put(file, declaration, keys, standing).await,
        }
    }

    async fn remove(&self, id: &DeclarationId) -> Result<bool, Error> {
        match self {
            Self::Aws(table) => Catalogue::remove(table, id).await,
            Self::Local(file) => Catalogue::remove(file, id).await,
        }
    }

    async fn remove_this(&self, declaration: &Declaration) -> Result<bool, Error> {
        either!(self.remove_this(declaration))
    }

    async fn put_store(&self, store: &Store) -> Result<Put, Error> {
        either!(self.put_store(store))
    }

    async fn remove_store(&self, id: &StoreId) -> Result<bool, Error> {
        either!(self.remove_store(id))
    }

    async fn put_cluster(&self, cluster: &Cluster) -> Result<Put, Error> {
        either!(self.put_cluster(cluster))
    }

    async fn put_policy(&self, policy: &StorePolicy) -> Result<Put, Error> {
        either!(self.put_policy(policy))
    }

    async fn remove_policy(&self, name: &ObjectName) -> Result<bool, Error> {
        either!(self.remove_policy(name))
    }

    async fn put_pattern(&self, pattern: &Pattern, standing: Option<&Pattern>) -> Result<Put, Error> {
        either!(self.put_pattern(pattern, standing))
    }

    async fn remove_pattern(&self, id: &PatternId) -> Result<bool, Error> {
        either!(self.remove_pattern(id))
    }

    async fn remove_this_pattern(&self, pattern: &Pattern) -> Result<bool, Error> {
        either!(self.remove_this_pattern(pattern))
    }

    async fn remove_cluster(&self, name: &ClusterName) -> Result<bool, Error> {
        either!(self.remove_cluster(name))
    }
}

impl Pushes for State {
    async fn pushes(
        &self,
        scope: &PushScope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<PushPage, Error> {
        either!(self.pushes(scope, after, limit))
    }

    async fn push(&self, id: &DeclarationId) -> Result<Option<PushSecret>, Error> {
        either!(self.push(id))
    }

    async fn put_push(&self, push: &PushSecret) -> Result<Put, Error> {
        either!(self.put_push(push))
    }

    async fn remove_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        either!(self.remove_push(id))
    }

    async fn let_go_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        either!(self.let_go_push(id))
    }

    async fn push_record(&self, id: &DeclarationId) -> Result<Option<(PushRecord, Revision)>, Error> {
        either!(self.push_record(id))
    }

    async fn put_push_record(
        &self,
        id: &DeclarationId,
        record: &PushRecord,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        either!(self.put_push_record(id, record, expected))
    }
}

impl Ledger for State {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, Error> {
        either!(self.entries(ids))
    }

    async fn unreadable_records(&self, ids: &[DeclarationId]) -> Result<Vec<Unreadable>, Error> {
        either!(self.unreadable_records(ids))
    }

    async fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        match self {
            Self::Aws(table) => Ledger::put(table, id, record, expected).await,
            Self::Local(file) => Ledger::put(file, id, record, expected).await,
        }
    }

    async fn remove(&self, id: &DeclarationId, expected: Option<Revision>) -> Result<(), Error> {
        match self {
            Self::Aws(table) => Ledger::remove(table, id, expected).await,
            Self::Local(file) => Ledger::remove(file, id, expected).await,
        }
    }

    async fn unsettled(
        &self,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<DeclarationId>, Error> {
        either!(self.unsettled(after, limit))
    }

    async fn mark(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        either!(self.mark(name))
    }

    async fn set_mark(&self, name: &str, at: Timestamp) -> Result<(), Error> {
        either!(self.set_mark(name, at))
    }
}
