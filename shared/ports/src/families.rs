//! The contract of ClusterExternalSecrets that stand in clusters, and of their children there.

use crate::Error;
use pawl_domain::spread::{ChildAction, Content, Family, Namespaces, Parent, Told};
use pawl_domain::{Cluster, Namespace, ObjectName, Problem};
use std::future::Future;

/// What stands in clusters of ClusterExternalSecrets, and what is made of them there.
///
/// Where a Cluster names namespaces, Pawl has rights in those alone: no other is looked at, and nothing is made elsewhere.
pub trait Families: Send + Sync {
    /// Every ClusterExternalSecret of a cluster. One that is malformed hides no other. None where the kind is not served.
    ///
    /// # Errors
    /// `Denied` when they may not be listed. A part MUST NOT pass for the whole.
    fn parents(&self, cluster: &Cluster) -> impl Future<Output = Result<Parents, Error>> + Send;

    /// Every namespace of a cluster, or those that its Cluster names.
    ///
    /// # Errors
    /// As for [`Families::parents`].
    fn namespaces(&self, cluster: &Cluster) -> impl Future<Output = Result<Namespaces, Error>> + Send;

    /// Every ExternalSecret of a cluster that has this name, whosever it is.
    ///
    /// # Errors
    /// As for [`Families::parents`].
    fn family(
        &self,
        cluster: &Cluster,
        child: &ObjectName,
    ) -> impl Future<Output = Result<Family, Error>> + Send;

    /// Carries out what is to be done to one child; `content` is what it says afterwards. That one to be deleted is gone
    /// already is no failure.
    ///
    /// # Errors
    /// `Conflict` when it is not what the action was decided on: start again from the look. `NotFound` when the namespace is
    /// missing. `Denied` and `Invalid` as the API server says, whose words are not passed on.
    fn act_on_child(
        &self,
        cluster: &Cluster,
        at: (&Namespace, &ObjectName),
        action: &ChildAction,
        content: &Content,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes the status of a ClusterExternalSecret, which says something else so far. One that is gone is passed over.
    fn tell_parent(
        &self,
        cluster: &Cluster,
        parent: &ObjectName,
        told: &Told,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Leaves these finalizers on a ClusterExternalSecret that is being deleted. One that is gone is passed over.
    ///
    /// # Errors
    /// `Conflict` when it was changed since it was seen.
    fn release_parent(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        finalizers: &[String],
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The ClusterExternalSecrets of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Parents {
    /// Those that have a name.
    pub known: Vec<Parent>,
    /// What they have wrong.
    pub problems: Vec<Problem>,
}
