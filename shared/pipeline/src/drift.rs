//! Drift: targets that somebody else changed or deleted since Pawl left them.

use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Clock, Clusters, Ledger, Ports, Registry, Scope};
use crate::sweep::{SweepReport, passed};
use pawl_domain::{Cluster, ClusterName, Declaration, Kind, Namespace, ObjectName, Record, Step};
use std::collections::BTreeMap;
use tracing::warn;

const PAGE: usize = 500;

impl<P: Ports> Pipeline<P> {
    /// Compares the Secrets of each cluster that is due with what was left there, without reading data, and delivers
    /// what differs. One list per cluster and `drift_interval`.
    pub(crate) async fn sweep_drift(&self, all: bool, swept: &mut SweepReport) -> Result<(), Error> {
        if self.settings.drift_interval.is_zero() {
            return Ok(());
        }
        for Cluster { name, .. } in self.ports.registry().clusters().await? {
            let started = self.ports.clock().now();
            let mark_name = format!("drift/{name}");
            let mark = self.ports.ledger().mark(&mark_name).await?;
            if !all && mark.is_some_and(|mark| !passed(mark, self.settings.drift_interval, started)) {
                continue;
            }
            match self.ports.clusters().managed(&name).await {
                Ok(standing) => self.repair(&name, &standing, swept).await?,
                Err(error) => {
                    warn!(cluster.name = %name, "cluster {name} is not compared: {error}");
                    swept.failed.push((format!("cluster {name}"), error));
                    continue;
                }
            }
            self.ports.ledger().set_mark(&mark_name, started).await?;
        }
        Ok(())
    }

    async fn repair(
        &self,
        cluster: &ClusterName,
        standing: &BTreeMap<(Namespace, ObjectName), String>,
        swept: &mut SweepReport,
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
                // What was left there is not there any more, so the next write must look first.
                let mut record = entry.record.clone();
                if let Some(target) = &mut record.target {
                    target.resource_version = None;
                }
                match self.ports.ledger().put(&declaration.id, &record, Some(entry.revision)).await {
                    Ok(_) => drifted.push(declaration),
                    // Somebody is writing it this moment.
                    Err(error) if error.kind == Kind::Conflict => {}
                    Err(error) => return Err(error),
                }
            }
            metrics::counter!("pawl_drifted_total").increment(drifted.len() as u64);
            self.deliver_or_queue(drifted, started, swept).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }
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
