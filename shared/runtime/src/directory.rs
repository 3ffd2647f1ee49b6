//! Looks up in the registry how clusters are reached, and remembers it for a few seconds.

use pawl_domain::{Cluster, ClusterName};
use pawl_kubernetes::ClusterDirectory;
use pawl_ports::{Error, Registry};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer is remembered: a cluster that is declared anew is reached the new way after this.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The registry's clusters by name.
#[derive(Debug)]
pub struct Directory<R> {
    registry: R,
    known: Mutex<Option<(Instant, HashMap<ClusterName, Cluster>)>>,
}

impl<R: Registry> Directory<R> {
    pub(crate) fn new(registry: R) -> Self {
        Self { registry, known: Mutex::new(None) }
    }

    fn remembered(&self, name: &ClusterName) -> Option<Cluster> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, clusters) = known.as_ref()?;
        if at.elapsed() < REMEMBERED { clusters.get(name).cloned() } else { None }
    }
}

impl<R: Registry + 'static> ClusterDirectory for Directory<R> {
    /// A name that is not remembered is always looked up: it may just have been declared.
    async fn cluster(&self, name: &ClusterName) -> Result<Option<Cluster>, Error> {
        if let Some(cluster) = self.remembered(name) {
            return Ok(Some(cluster));
        }
        let clusters = self.registry.clusters().await?;
        let clusters: HashMap<_, _> = clusters.into_iter().map(|each| (each.name.clone(), each)).collect();
        let found = clusters.get(name).cloned();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), clusters));
        Ok(found)
    }
}
