//! The contract of the clusters.

use crate::{Error, PushStatus, Status, StoreStatus, TargetRef, Workload};
use pawl_domain::push::{ByNameOrLabels, PushData};
use pawl_domain::reconcile::{Action, Existing, Replacement};
use pawl_domain::{
    Cluster, ClusterName, DeclarationId, Manifests, Namespace, ObjectName, PushSecret, SecretValue,
    SourceSecret, StoreId,
};
use std::collections::BTreeMap;
use std::future::Future;

/// The clusters: reads and writes targets.
///
/// Work is bounded per cluster. A cluster that cannot be reached answers with kind `Unreachable` within one timeout.
pub trait Clusters: Send + Sync {
    /// The target as it stands, or `None`. Of a Secret it tells apart what the declaration's field manager wrote; of an
    /// object of another kind it tells the content, [`Existing::content`], and nothing of field managers.
    ///
    /// # Errors
    /// `NotFound` when the cluster, or the kind of the target, is not known; `Denied` when Pawl may not read there;
    /// `Invalid` with the complaint `GenericTarget` when objects of the kind do not live in namespaces.
    fn read(&self, target: TargetRef<'_>) -> impl Future<Output = Result<Option<Existing>, Error>> + Send;

    /// Carries out an action and returns the target's new resourceVersion, if it still exists.
    ///
    /// # Errors
    /// `Conflict` when the target is not what the action was decided on: start again from the read. `NotFound` when
    /// the namespace is missing. `Denied` and `Invalid` as the API server says; the message quotes no value. Of kinds as
    /// for [`Clusters::read`].
    fn apply(
        &self,
        target: TargetRef<'_>,
        action: &Action,
    ) -> impl Future<Output = Result<Option<String>, Error>> + Send;

    /// Replaces all data of a Secret and sets labels and annotations, in one conditional request without reading it
    /// first; returns the new resourceVersion. Errors as for [`Clusters::apply`]; `Conflict` also when the Secret is
    /// gone or immutable, for then only reading it tells what still can be done.
    fn replace(
        &self,
        id: &DeclarationId,
        secret: &ObjectName,
        resource_version: &str,
        replacement: &Replacement,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Deletes a target if the declaration made and owns it, as its created-by label tells. `false` if it stays. Errors
    /// as for [`Clusters::read`].
    fn delete_owned(&self, target: TargetRef<'_>) -> impl Future<Output = Result<bool, Error>> + Send;

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

    /// The workloads of a namespace, in the order of their kinds and names, with the Secrets that their Pods use. What another
    /// workload made is named by that one alone. Asked for by people only, so Pawl's own rights need not allow it.
    ///
    /// # Errors
    /// `Denied` when one of the kinds may not be listed there: a part MUST NOT pass for the whole.
    fn workloads(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
    ) -> impl Future<Output = Result<Vec<Workload>, Error>> + Send;

    /// The resourceVersion of every Secret of a cluster that carries the managed label, by namespace and name. Reads
    /// no data.
    fn managed(
        &self,
        cluster: &ClusterName,
    ) -> impl Future<Output = Result<BTreeMap<(Namespace, ObjectName), String>, Error>> + Send;

    /// The declarations and stores that live in a cluster. One malformed object is a problem in the result and hides
    /// nothing else; a kind that the cluster does not serve is a problem of the object `kind <name>`.
    ///
    /// # Errors
    /// `Transient` also when a list ends before its last page: a part MUST NOT pass for the whole.
    fn manifests(&self, cluster: &Cluster) -> impl Future<Output = Result<Manifests, Error>> + Send;

    /// The stores that live in a cluster, with how their status stands, as [`Clusters::manifests`] tells them; nothing else
    /// is read, and no generators, which have no status. Errors as there.
    fn stores(&self, cluster: &Cluster) -> impl Future<Output = Result<Manifests, Error>> + Send;

    /// Writes the outcome back to an ExternalSecret that lives in the cluster: Ready condition, refreshTime, Events. Costs
    /// one request for the status and one for each Event, none where nothing is new; two more where the status does not
    /// say what it was told last. An ExternalSecret that is gone, or is another one by now, is passed over.
    fn publish(&self, id: &DeclarationId, status: &Status) -> impl Future<Output = Result<(), Error>> + Send;

    /// The Secrets of a namespace that a PushSecret pushes: the one that it names, or all that its selector matches, in the
    /// order of their names, [without copies](SourceSecret::without_copies) of their data. None where there is none. Errors as
    /// for [`Clusters::read`].
    fn push_sources(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        choice: &ByNameOrLabels,
    ) -> impl Future<Output = Result<Vec<SourceSecret>, Error>> + Send;

    /// Gives a PushSecret that lives in a cluster ESO's finalizer, or takes it away, so that what was pushed is removed
    /// before it goes; returns what its status says that stands in stores, which ESO may have written. `None` where it is gone, or
    /// is another one by now.
    fn finalize_push(
        &self,
        push: &PushSecret,
        wanted: bool,
    ) -> impl Future<Output = Result<Option<Vec<(StoreId, PushData)>>, Error>> + Send;

    /// Writes the outcome back to a PushSecret that lives in the cluster: its Ready condition, what stands in stores, an Event.
    /// One that is gone, or is another one by now, is passed over.
    fn publish_push(
        &self,
        id: &DeclarationId,
        status: &PushStatus,
    ) -> impl Future<Output = Result<(), Error>> + Send;

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
