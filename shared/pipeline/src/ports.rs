//! What the flow needs of the world, as contracts. Suites hold the adapters to them: in `tests/world`, and for
//! clusters in `shared/kubernetes/tests/clusters`.
//!
//! Every method is bounded in time by its adapter, may be dropped at any await without harm, and classifies its
//! errors with [`pawl_domain::Kind`]. Errors never hold values.

mod asked;
mod caller;
mod ledger;
mod policies;
mod watches;

pub use asked::{Listed, Listing, Part, Wanted};
pub use caller::{CallerIdentity, SignedRequest};
pub use ledger::{Entry, Ledger, Revision};
pub use policies::Policies;
pub use watches::{Declared, Sighting, Watches};

use crate::error::Error;
use crate::job::Job;
use crate::manifests::Manifests;
use crate::status::Status;
use crate::store_status::StoreStatus;
use crate::unreadable::Unreadable;
use jiff::Timestamp;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::declaration::Manifest;
use pawl_domain::target::{Action, Existing, Replacement};
use pawl_domain::{
    Access, Cluster, ClusterName, Declaration, DeclarationId, Fetched, Find, Home, IndexKey, Keep, Namespace,
    ObjectName, SecretValue, Store, StoreId, StorePolicy, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

/// All that the flow needs, bundled. One type parameter instead of seven.
pub trait Ports: Send + Sync + 'static {
    /// The declarations and stores, to read and to keep up.
    type Registry: Registry + Catalogue;
    /// What was done last.
    type Ledger: Ledger;
    /// The stores.
    type Sources: Sources;
    /// The clusters.
    type Clusters: Clusters;
    /// The durable queue of work to be done.
    type Jobs: Jobs;
    /// The time.
    type Clock: Clock;

    /// The declarations and stores.
    fn registry(&self) -> &Self::Registry;
    /// What was done last.
    fn ledger(&self) -> &Self::Ledger;
    /// The stores.
    fn sources(&self) -> &Self::Sources;
    /// The clusters.
    fn clusters(&self) -> &Self::Clusters;
    /// The queue.
    fn jobs(&self) -> &Self::Jobs;
    /// The time.
    fn clock(&self) -> &Self::Clock;
}

/// Tells the time, so that tests can.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// All declarations, stores and clusters, with the reverse index from keys to declarations. Reading only.
///
/// Reads MUST see every write that was acknowledged before they began. A document that cannot be read is told through
/// [`readable`](crate::readable) and left out as if it were not there: it never fails a read of others.
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

    /// The stores with these ids, in ascending order; unknown ids are left out.
    fn stores(&self, ids: &BTreeSet<StoreId>) -> impl Future<Output = Result<Vec<Store>, Error>> + Send;

    /// Every store, with how its declarations want it swept, in ascending order of ids.
    fn swept_stores(&self) -> impl Future<Output = Result<Vec<SweptStore>, Error>> + Send;

    /// Every cluster, in ascending order of names.
    fn clusters(&self) -> impl Future<Output = Result<Vec<Cluster>, Error>> + Send;

    /// Every policy of the operator's, in ascending order of names. One that cannot be read is named, for nothing may be
    /// allowed on a guess of what it says.
    fn policies(&self) -> impl Future<Output = Result<Policies, Error>> + Send;

    /// Every document that cannot be read, in ascending order of kinds and ids. Looks at all documents: for people.
    fn unreadable(&self) -> impl Future<Output = Result<Vec<Unreadable>, Error>> + Send;
}

/// The writing half of the registry.
///
/// A write MUST be whole or not at all: a reader never sees a declaration without its index keys, nor index keys of
/// a declaration that is gone. A document that cannot be read is replaced and removed as any other; a put in its place
/// is never [`Put::Unchanged`].
pub trait Catalogue: Send + Sync {
    /// Stores a declaration under exactly these index keys, in place of what stood under its id.
    fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
    ) -> impl Future<Output = Result<Put, Error>> + Send;

    /// Stores a declaration that stands already under exactly these index keys. Nothing is written when another one, or
    /// none, stands under its id by now.
    ///
    /// # Errors
    /// Kind `Conflict` then, and when others write it all the time.
    fn rekey(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
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

/// The stores: turns keys into values.
///
/// Calls are batched and retried as the provider wants, within a bounded time.
pub trait Sources: Send + Sync {
    /// The values of these keys, one answer for each, in order.
    ///
    /// # Errors
    /// Each answer on its own. Kind `NotFound` MUST mean that the store says this key, label or version does not
    /// exist; `Denied` that the identity may not read it; a failure to prove the identity is of step `Authenticate`.
    fn fetch(
        &self,
        access: &Access,
        wanted: &[Wanted],
    ) -> impl Future<Output = Vec<Result<Fetched, Error>>> + Send;

    /// Every key that the criteria match and `keep` allows, by the name that ESO gives it, each with its value in force.
    /// Keys that come or go meanwhile, and keys that may not be read where ESO passes over them, are left out. The value of
    /// a key that `keep` does not allow is not asked for.
    ///
    /// # Errors
    /// Kind `Denied` when the identity may not search; `Invalid` when the criteria cannot be served, with what to
    /// write instead.
    fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send;

    /// Every key that changed or came at `since` or later; all keys when `since` is `None`. Reads no value. Keys that
    /// did not change MAY be among them. MUST NOT miss a key because of the order of a listing. A key that was deleted
    /// is listed without a version or not at all; only a listing that is [`Listing::complete`] tells the latter.
    ///
    /// # Errors
    /// Kind `Denied` when the identity may not list; ask [`Sources::versions`] for the known keys then.
    fn changed_since(
        &self,
        access: &Access,
        since: Option<Timestamp>,
    ) -> impl Future<Output = Result<Listing, Error>> + Send;

    /// Whose keys this identity reads by name, such as the account of AWS; `None` where nobody says. Learnt once for each
    /// proof of an identity, from the store itself where its manifest does not tell, within two seconds.
    fn account(&self, access: &Access) -> impl Future<Output = Option<String>> + Send;

    /// Proves the identity, as ESO's providers do to validate a store: credentials are read and traded, no key is read.
    ///
    /// # Errors
    /// Of step `Authenticate`, when the identity cannot be proven.
    fn validate(&self, access: &Access) -> impl Future<Output = Result<(), Error>> + Send;

    /// The versions of these keys, one answer for each, in order. Reads no value. Errors as for [`Sources::fetch`].
    fn versions(
        &self,
        access: &Access,
        wanted: &[Wanted],
    ) -> impl Future<Output = Vec<Result<Version, Error>>> + Send;
}

/// The clusters: reads and writes targets.
///
/// Work is bounded per cluster. A cluster that cannot be reached answers with kind `Unreachable` within one timeout.
pub trait Clusters: Send + Sync {
    /// The Secret as it stands, or `None`, with what the declaration's field manager wrote of it told apart.
    ///
    /// # Errors
    /// `NotFound` when the cluster is not known; `Denied` when Pawl may not read there.
    fn read(
        &self,
        id: &DeclarationId,
        target: &ObjectName,
    ) -> impl Future<Output = Result<Option<Existing>, Error>> + Send;

    /// Carries out an action and returns the target's new resourceVersion, if it still exists.
    ///
    /// # Errors
    /// `Conflict` when the target is not what the action was decided on: start again from the read. `NotFound` when
    /// the namespace is missing. `Denied` and `Invalid` as the API server says; the message quotes no value.
    fn apply(
        &self,
        id: &DeclarationId,
        target: &ObjectName,
        action: &Action,
    ) -> impl Future<Output = Result<Option<String>, Error>> + Send;

    /// Replaces all data of a target and sets labels and annotations, in one conditional request without reading it
    /// first; returns the new resourceVersion. Errors as for [`Clusters::apply`]; `Conflict` also when the target is
    /// gone or immutable, for then only reading it tells what still can be done.
    fn replace(
        &self,
        id: &DeclarationId,
        target: &ObjectName,
        resource_version: &str,
        replacement: &Replacement,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Deletes a target if the declaration made and owns it, as its created-by label tells. `false` if it stays.
    fn delete_owned(
        &self,
        id: &DeclarationId,
        target: &ObjectName,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// As [`Clusters::read`], of an object of this kind. Its content is [`Existing::content`]; of what field managers
    /// wrote nothing is told.
    ///
    /// # Errors
    /// `Invalid` with the complaint `GenericTarget` when objects of the kind do not live in namespaces; `NotFound` when
    /// the cluster does not know the kind.
    fn read_object(
        &self,
        id: &DeclarationId,
        kind: &Manifest,
        target: &ObjectName,
    ) -> impl Future<Output = Result<Option<Existing>, Error>> + Send;

    /// As [`Clusters::apply`], to an object of this kind. Errors also as for [`Clusters::read_object`].
    fn apply_object(
        &self,
        id: &DeclarationId,
        kind: &Manifest,
        target: &ObjectName,
        action: &Action,
    ) -> impl Future<Output = Result<Option<String>, Error>> + Send;

    /// As [`Clusters::delete_owned`], of an object of this kind.
    fn delete_owned_object(
        &self,
        id: &DeclarationId,
        kind: &Manifest,
        target: &ObjectName,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// The data of the ConfigMap or Secret that holds a declaration's templates, in the declaration's namespace.
    ///
    /// # Errors
    /// `NotFound` when it does not exist.
    fn template_source(
        &self,
        id: &DeclarationId,
        kind: TemplateKind,
        name: &ObjectName,
    ) -> impl Future<Output = Result<BTreeMap<String, SecretValue>, Error>> + Send;

    /// The labels of a namespace. `NotFound` when it does not exist.
    fn namespace_labels(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Error>> + Send;

    /// The resourceVersion of every Secret of a cluster that carries the managed label, by namespace and name. Reads
    /// no data.
    fn managed(
        &self,
        cluster: &ClusterName,
    ) -> impl Future<Output = Result<BTreeMap<(Namespace, ObjectName), String>, Error>> + Send;

    /// The declarations and stores that live in a cluster. One malformed object is a problem in the result and hides
    /// nothing else; a kind that the cluster does not serve is named in [`Manifests::unserved`].
    ///
    /// # Errors
    /// `Transient` also when a list ends before its last page: a part MUST NOT pass for the whole.
    fn manifests(&self, cluster: &Cluster) -> impl Future<Output = Result<Manifests, Error>> + Send;

    /// Writes the outcome back to an ExternalSecret that lives in the cluster: Ready condition, refreshTime, Events. Costs
    /// one request for the status and one for each Event, none where nothing is new; two more where the status does not
    /// say what it was told last. An ExternalSecret that is gone, or is another one by now, is passed over.
    fn publish(&self, id: &DeclarationId, status: &Status) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes to a store that lives in a cluster how it was validated: Ready condition, capabilities, Events. Costs one
    /// request for the status and one for each Event, none where nothing is new.
    fn publish_store(
        &self,
        store: &StoreId,
        status: &StoreStatus,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The kinds of object that hold templates.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TemplateKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// What stores need of target clusters to prove an identity: the half of `Clusters` that adapters of stores see.
pub trait ClusterCredentials: Send + Sync {
    /// One key of a Secret. `NotFound` names what is missing.
    fn secret_key(
        &self,
        cluster: &ClusterName,
        at: &SecretKeyAt,
    ) -> impl Future<Output = Result<SecretValue, Error>> + Send;

    /// One key of a ConfigMap. `NotFound` names what is missing.
    fn config_map_key(
        &self,
        cluster: &ClusterName,
        at: &SecretKeyAt,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// The annotations of a service account.
    fn service_account(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Error>> + Send;

    /// A token of a service account for these audiences, valid for ten minutes or more.
    fn service_account_token(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        audiences: &[String],
    ) -> impl Future<Output = Result<SecretValue, Error>> + Send;
}

/// What connections to clusters need of AWS: the half of it that the adapter of clusters sees.
pub trait ClusterIdentity: Send + Sync {
    /// A bearer token for an EKS cluster, made with `role` if one is given.
    fn eks_token(
        &self,
        region: &str,
        cluster: &str,
        role: Option<&str>,
    ) -> impl Future<Output = Result<BearerToken, Error>> + Send;

    /// Endpoint URL and CA (PEM) of an EKS cluster.
    fn eks_endpoint(
        &self,
        region: &str,
        cluster: &str,
        role: Option<&str>,
    ) -> impl Future<Output = Result<EksEndpoint, Error>> + Send;

    /// The value of a secret that holds a bearer token, read with the identity that Pawl runs with.
    fn token_secret(&self, name: &str) -> impl Future<Output = Result<SecretValue, Error>> + Send;
}

/// A bearer token and when it ends.
#[derive(Clone, Debug)]
pub struct BearerToken {
    /// The token.
    pub token: SecretValue,
    /// When it stops being accepted.
    pub expires: Timestamp,
}

/// Where an EKS cluster's API server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EksEndpoint {
    /// Its URL.
    pub url: String,
    /// Its CA as PEM.
    pub ca: String,
}

/// The durable queue of work to be done.
pub trait Jobs: Send + Sync {
    /// Hands jobs over. When this returns, none of them can be lost.
    fn enqueue(&self, jobs: &[Job]) -> impl Future<Output = Result<(), Error>> + Send;
}
