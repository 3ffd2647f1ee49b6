//! Repairs drift: targets that somebody changed or deleted since Pawl wrote them.

use crate::parts::Deliver;
use crate::sweep::found::Findings;
use jiff::Timestamp;
use pawl_domain::{ClusterName, Declaration, Namespace, ObjectName, Record};
use pawl_ports::{Clock, Entry, Error, Ledger, Ports, Registry, Scope};
use std::collections::BTreeMap;

impl<P: Ports> Deliver<P> {
    /// Delivers the declarations of a cluster whose targets are not as they were left.
    pub(crate) async fn repair(
        &self,
        cluster: &ClusterName,
        standing: &BTreeMap<(Namespace, ObjectName), String>,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let mut pages = self.base.ports.registry().pages(Scope::Cluster(cluster.clone()));
        loop {
            let started = self.base.ports.clock().now();
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
        let ledger = self.base.ports.ledger();
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
