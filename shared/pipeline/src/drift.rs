//! Drift: targets that somebody else changed or deleted since Pawl left them.

use crate::pipeline::Pipeline;
use crate::sweep::{Findings, Round, SweepReport};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::refresh::passed;
use pawl_domain::{Cluster, ClusterName, Declaration, Kind, Namespace, ObjectName, Record, Step};
use pawl_ports::{Clock, Clusters, Entry, Error, Ledger, Ports, Registry, Scope};
use std::collections::BTreeMap;
use tokio::time::{Instant, timeout_at};

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
        let mut pages = self.ports.registry().pages(Scope::Cluster(cluster.clone()));
        loop {
            let started = self.ports.clock().now();
            let Some(page) = pages.next().await? else { return Ok(()) };
            let drifted =
                |declaration: &Declaration, record: &Record| has_drifted(declaration, record, standing);
            // What somebody is writing this moment is compared again by the next sweep.
            let is_met = self.repair_those(page, started, drifted, found).await?;
            found.held |= is_met;
        }
    }

    /// Delivers those of these declarations whose targets are not as they were left. Returns whether somebody else is
    /// writing one of them, which is then left to them.
    pub(crate) async fn repair_those(
        &self,
        declarations: Vec<Declaration>,
        started: Timestamp,
        has_drifted: impl Fn(&Declaration, &Record) -> bool,
        found: &mut Findings,
    ) -> Result<bool, Error> {
        let ledger = self.ports.ledger();
        let mut entries = ledger.entries_of(&declarations).await?;
        let (mut drifted, mut is_met) = (Vec::new(), false);
        for declaration in declarations {
            let Some(Entry { record, revision, .. }) = entries.remove(&declaration.id) else { continue };
            if !has_drifted(&declaration, &record) {
                continue;
            }
            let record = drifted_from(record, started);
            match ledger.put_unless_changed(&declaration.id, &record, Some(revision)).await? {
                Some(_) => drifted.push(declaration),
                None => is_met = true,
            }
        }
        metrics::counter!("pawl_drifted_total").increment(drifted.len() as u64);
        found.take(self.deliver_or_queue(drifted, started).await?);
        Ok(is_met)
    }
}

/// The record of a target that is not as it was left: the repair is noted before it is begun, the next write looks first,
/// and nothing holds it back, as nothing does in ESO.
fn drifted_from(record: Record, at: Timestamp) -> Record {
    let mut record = record.reopened(at);
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
