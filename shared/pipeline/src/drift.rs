//! Drift: targets that somebody else changed or deleted since Pawl left them.

use crate::pipeline::Pipeline;
use crate::sweep::{Findings, Round, SweepReport};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::refresh::passed;
use pawl_domain::{Cluster, ClusterName, Declaration, Kind, Namespace, ObjectName, Record, Step};
use pawl_ports::{Clock, Clusters, Error, Ledger, Ports, Registry, Scope};
use std::collections::BTreeMap;
use tokio::time::{Instant, timeout_at};

const PAGE: usize = 500;
/// How many clusters are compared at the same time.
const AT_ONCE: usize = 16;

impl<P: Ports> Pipeline<P> {
    /// Compares the Secrets of each cluster that is due with what was left there, without reading data, and delivers
    /// what differs. One list per cluster and `drift_interval`; a cluster that does not answer holds up no other.
    pub(crate) async fn sweep_clusters(&self, round: &Round) -> SweepReport {
        let mut swept = SweepReport::default();
        if self.settings.drift_interval.is_zero() {
            return swept;
        }
        let clusters = match self.ports.registry().clusters().await {
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
        let Some(_visiting) = self.memory.marks.begin(&mark_name) else { return SweepReport::default() };
        let mut found = Findings::default();
        let ends = round.ends.min(Instant::now() + self.settings.share_time());
        let compared = Box::pin(self.compare(name, &mark_name, round, &mut found));
        let compared = timeout_at(ends, compared).await;
        let compared = match compared {
            Ok(Ok(Some(started))) if !found.held => self.set_mark(&mark_name, started).await,
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
        let started = self.ports.clock().now();
        let interval = self.settings.drift_interval;
        let mark = self.mark_of(mark_name, interval, started).await?;
        if !round.all && mark.is_some_and(|mark| !passed(mark, interval, started)) {
            return Ok(None);
        }
        let standing = self.at_cluster(name, Step::Read, self.ports.clusters().managed(name)).await?;
        self.repair(name, &standing, found).await?;
        Ok(Some(started))
    }

    pub(crate) async fn repair(
        &self,
        cluster: &ClusterName,
        standing: &BTreeMap<(Namespace, ObjectName), String>,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let started = self.ports.clock().now();
            let scope = Scope::Cluster(cluster.clone());
            let page = self.ports.registry().page(&scope, after.as_ref(), PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
            let entries = self.entries_of(&page).await?;
            let mut drifted = Vec::new();
            for declaration in page {
                let Some(entry) = entries.get(&declaration.id) else { continue };
                if !has_drifted(&declaration, &entry.record, standing) {
                    continue;
                }
                let record = drifted_from(&entry.record, started);
                match self.ports.ledger().put(&declaration.id, &record, Some(entry.revision)).await {
                    Ok(_) => drifted.push(declaration),
                    // Somebody is writing it this moment: it is compared again by the next sweep.
                    Err(error) if error.kind == Kind::Conflict => found.held = true,
                    Err(error) => return Err(error),
                }
            }
            metrics::counter!("pawl_drifted_total").increment(drifted.len() as u64);
            found.take(self.deliver_or_queue(drifted, started).await?);
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// The record of a target that is not as it was left: the repair is noted before it is begun, the next write looks first,
/// and nothing holds it back, as nothing does in ESO.
pub(crate) fn drifted_from(record: &Record, at: Timestamp) -> Record {
    let mut record = record.clone().reopened(at);
    record.drifted = true;
    if let Some(target) = &mut record.target {
        target.resource_version = None;
    }
    record
}

/// True when the target that was written is gone, or is not in the version in which it was left.
fn has_drifted(
    declaration: &Declaration,
    record: &Record,
    standing: &BTreeMap<(Namespace, ObjectName), String>,
) -> bool {
    // Only Secrets are listed.
    let Some(target) = record.target.as_ref().filter(|target| target.manifest.is_none()) else {
        return false;
    };
    let at = (declaration.id.namespace.clone(), target.name.clone());
    match (&target.resource_version, standing.get(&at)) {
        (Some(left), Some(found)) => left != found,
        (_, None) => true,
        (None, Some(_)) => false,
    }
}

/// The error of a cluster that a declaration names and nobody declared.
pub(crate) fn unknown_cluster(name: &ClusterName) -> Error {
    Error::new(
        Step::Lookup,
        Kind::Invalid,
        format!("cluster {name} is not known; apply a Cluster of this name"),
    )
}
