//! Visits clusters: compares their Secrets with what Pawl wrote, once per drift interval.

use super::round::Round;
use crate::parts::Sweep;
use crate::sweep::found::{Findings, SweepReport};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::refresh::passed;
use pawl_domain::{Cluster, ClusterName, Kind, Step};
use pawl_ports::{Clock, Clusters, Error, Ports, Registry};
use tokio::time::{Instant, timeout_at};

/// How many clusters are compared at the same time.
const AT_ONCE: usize = 16;

impl<P: Ports> Sweep<P> {
    /// Compares the Secrets of each cluster that is due with what was left there, without reading data, and delivers
    /// what differs. One list per cluster and `drift_interval`; a cluster that does not answer holds up no other.
    pub(super) async fn sweep_clusters(&self, round: &Round) -> SweepReport {
        let mut swept = SweepReport::default();
        if self.base.settings.drift_interval.is_zero() {
            return swept;
        }
        let clusters = match self.base.ports.registry().clusters().await {
            Ok(clusters) => clusters,
            Err(error) => {
                let mut found = Findings::default();
                found.fail("the list of clusters", error);
                return found.into_report(false);
            }
        };
        let visits: Vec<_> =
            clusters.iter().map(|Cluster { name, .. }| self.visit_cluster(name, round)).collect();
        let mut visits = stream::iter(visits).buffer_unordered(AT_ONCE);
        while let Some(one) = visits.next().await {
            swept.absorb(one);
        }
        swept
    }

    async fn visit_cluster(&self, name: &ClusterName, round: &Round) -> SweepReport {
        let mark_name = format!("drift/{name}");
        let Some(_visiting) = self.base.memory.marks.begin(&mark_name) else { return SweepReport::default() };
        let mut found = Findings::default();
        let ends = round.ends.min(Instant::now() + self.base.settings.share_time());
        let compared = Box::pin(self.compare(name, &mark_name, round, &mut found));
        let compared = timeout_at(ends, compared).await;
        let compared = match compared {
            Ok(Ok(Some(started))) if !found.held => {
                self.base.memory.marks.set(self.base.ports.ledger(), &mark_name, started).await
            }
            Ok(result) => result.map(drop),
            Err(_) => {
                let message = format!("cluster {name} took too long; the next sweep compares it again");
                Err(Error::new(Step::Read, Kind::Unreachable, message))
            }
        };
        if let Err(error) = compared {
            found.fail(&format!("cluster {name}"), error);
        }
        found.into_report(false)
    }

    /// Returns when the comparison began; nothing where it is not due.
    async fn compare(
        &self,
        name: &ClusterName,
        mark_name: &str,
        round: &Round,
        found: &mut Findings,
    ) -> Result<Option<Timestamp>, Error> {
        let started = self.base.ports.clock().now();
        let interval = self.base.settings.drift_interval;
        let mark = self.base.memory.marks.of(self.base.ports.ledger(), mark_name, interval, started).await?;
        if !round.all && mark.is_some_and(|mark| !passed(mark, interval, started)) {
            return Ok(None);
        }
        let standing =
            self.base.at_cluster(name, Step::Read, self.base.ports.clusters().managed(name)).await?;
        self.deliver.repair(name, &standing, found).await?;
        Ok(Some(started))
    }
}
