//! Lets sweeps validate the stores that live in clusters, where the index may not have their identities.

use super::round::Round;
use crate::parts::Sweep;
use futures::{StreamExt, stream};
use pawl_domain::refresh::passed;
use pawl_domain::{Cluster, Step};
use pawl_ports::{Clock, Clusters, Error, Ports, Registry};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// How many clusters are looked at at the same time.
const AT_ONCE: usize = 16;

impl<P: Ports> Sweep<P> {
    /// Tells the stores of each cluster that is indexed how they are, where that is due and left to sweeps. Costs one list
    /// of each kind of store and cluster. What fails is in the log: a status is nobody's secret, and no sweep is worse for
    /// it.
    pub(super) async fn sweep_statuses(&self, round: &Round) {
        let Some(interval) = self.base.settings.store_status_interval else { return };
        let clusters = match self.base.ports.registry().clusters().await {
            Ok(clusters) => clusters,
            Err(error) => return warn!("stores are not validated: {error}"),
        };
        let indexed: Vec<_> = clusters
            .iter()
            .filter(|cluster| cluster.index)
            .map(|cluster| async move {
                let ends = round.ends.min(Instant::now() + self.base.settings.share_time());
                // Boxed, for compilers do not like to look so deep.
                let told = timeout_at(ends, Box::pin(self.tell_cluster(cluster, interval, round))).await;
                match told {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => warn!("stores of cluster {} are not validated: {error}", cluster.name),
                    Err(_) => warn!("some stores of cluster {} were not validated in time", cluster.name),
                }
            })
            .collect();
        stream::iter(indexed).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn tell_cluster(&self, cluster: &Cluster, interval: Duration, round: &Round) -> Result<(), Error> {
        let (ledger, mark_name) = (self.base.ports.ledger(), format!("stores/{}", cluster.name));
        let Some(_visiting) = self.base.memory.marks.begin(&mark_name) else { return Ok(()) };
        let started = self.base.ports.clock().now();
        let mark = self.base.memory.marks.of(ledger, &mark_name, interval, started).await?;
        if !round.all && mark.is_some_and(|mark| !passed(mark, interval, started)) {
            return Ok(());
        }
        let found = self
            .base
            .at_cluster(&cluster.name, Step::Read, self.base.ports.clusters().stores(cluster))
            .await?;
        // Before and not after: stores that do not answer in time are no reason to begin again with all of them.
        self.base.memory.marks.set(ledger, &mark_name, started).await?;
        // Whether one was edited is not known here; what turned is told in any case.
        self.statuses.tell_those(&cluster.name, &found.stores, &found.standing, &BTreeSet::new()).await;
        Ok(())
    }
}
