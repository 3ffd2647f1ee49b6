//! What watches of clusters report.

use pawl_domain::{Cluster, ClusterName, Manifests, Namespace, ObjectName, StoreId};
use std::future::Future;
use tokio::sync::mpsc;

/// Watches clusters for processes that live long. The index and the drift check find the same by the clock, so nothing
/// may rely on a sighting.
pub trait Watches: Send + Sync {
    /// Tells what changes in a cluster, until the receiver is gone. Never ends before: what fails is tried again after
    /// growing pauses, and each kind on its own.
    ///
    /// Changes of a status only are not told. Holds no object longer than it takes to tell it, and of Secrets never more
    /// than their metadata.
    fn watch(&self, cluster: &Cluster, told: &mpsc::Sender<Sighting>) -> impl Future<Output = ()> + Send;

    /// Who wrote this version of a Secret a short while ago, or deleted it where there is none.
    fn writer(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        resource_version: Option<&str>,
    ) -> Writer;
}

/// Who wrote a Secret, as far as this process knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writer {
    /// This process.
    Own,
    /// This process is writing it this moment: a watch may tell of a write before the write is answered. Ask again.
    Undecided,
    /// Somebody else, or this process long ago.
    Other,
}

/// One thing that a watch of a cluster saw.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// Declarations or stores are watched from now on: what happened before is not told.
    Declarations,
    /// The managed Secrets are watched from now on: what happened before is not told.
    Targets,
    /// A declaration or store as it stands now, or why it cannot be used.
    Standing(Declared, Manifests),
    /// A declaration or store that is gone.
    Gone(Declared),
    /// The sources of PushSecrets are watched from now on: what happened before is not told.
    Sources,
    /// A Secret that may be the source of a PushSecret in a new version; without one it is gone.
    Source(Namespace, ObjectName, Option<String>),
    /// Something that ClusterExternalSecrets depend on changed: one of them, a namespace, or an ExternalSecret that one of them
    /// made. Also told when they are watched from now on.
    Families,
    /// A managed Secret in a new version; without one it is gone, or no longer managed.
    Target(Namespace, ObjectName, Option<String>),
}

/// A declaration or store of a cluster.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Declared {
    /// An ExternalSecret.
    ExternalSecret(Namespace, ObjectName),
    /// A PushSecret.
    PushSecret(Namespace, ObjectName),
    /// A SecretStore or ClusterSecretStore.
    Store(StoreId),
}
