//! A connection per cluster: made on first use, kept, and made anew when the cluster's declaration changes.

mod admission;
mod bearer;
mod bytes;
mod kubeconfig;
mod lines;
mod link;
mod server;
mod transport;

pub(crate) use lines::{Lines, Opened, Over};
pub(crate) use link::Link;

use crate::options::Options;
use pawl_domain::{Cluster, ClusterName, Kind, Step};
use pawl_ports::{Clock, ClusterIdentity, Error};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells how clusters are reached.
///
/// It is asked before every request, so it MUST answer from memory most of the time.
pub trait ClusterDirectory: Send + Sync + 'static {
    /// The cluster of this name, or `None` if no such cluster is declared.
    fn cluster(&self, name: &ClusterName) -> impl Future<Output = Result<Option<Cluster>, Error>> + Send;
}

impl<T: ClusterDirectory> ClusterDirectory for Arc<T> {
    async fn cluster(&self, name: &ClusterName) -> Result<Option<Cluster>, Error> {
        T::cluster(self, name).await
    }
}

/// What all connections need.
pub(crate) struct Shared<I> {
    pub(crate) identity: Arc<I>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
}

/// The connections to all clusters that were talked to.
pub(crate) struct Connections<I, D> {
    shared: Arc<Shared<I>>,
    directory: D,
    links: Mutex<HashMap<ClusterName, Arc<Link<I>>>>,
}

impl<I: ClusterIdentity, D: ClusterDirectory> Connections<I, D> {
    pub(crate) fn new(shared: Shared<I>, directory: D) -> Self {
        Self { shared: Arc::new(shared), directory, links: Mutex::default() }
    }

    /// What all connections need.
    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The connection to the cluster of this name.
    ///
    /// # Errors
    /// `NotFound` when no such cluster is declared; whatever the directory says.
    pub(crate) async fn link(&self, name: &ClusterName) -> Result<Arc<Link<I>>, Error> {
        if let Some(cluster) = self.directory.cluster(name).await? {
            return Ok(self.link_to(&cluster));
        }
        self.links().remove(name);
        let message =
            format!("cluster {name} is not declared; apply a pawl.dev/v1alpha1 Cluster of this name");
        Err(Error::new(Step::Lookup, Kind::NotFound, message))
    }

    /// The connection to this cluster, as it is declared now.
    pub(crate) fn link_to(&self, cluster: &Cluster) -> Arc<Link<I>> {
        let mut links = self.links();
        if let Some(link) = links.get(&cluster.name).filter(|link| link.reaches(cluster)) {
            return Arc::clone(link);
        }
        let link = Arc::new(Link::new(cluster.clone(), Arc::clone(&self.shared)));
        links.insert(cluster.name.clone(), Arc::clone(&link));
        link
    }

    fn links(&self) -> MutexGuard<'_, HashMap<ClusterName, Arc<Link<I>>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
