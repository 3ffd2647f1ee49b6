//! Brings one change to every target that it affects.

pub(crate) mod accounts;

use crate::deliver::delivery::Delivered;
use crate::deliver::plan::Work;
use crate::parts::Sync;
use crate::report::Report;
use jiff::Timestamp;
use pawl_domain::{Affected, Change, Declaration, DeclarationId, Outcome, Record, affected};
use pawl_ports::{Clock, Error, PAGE, Ports, Registry};
use std::sync::Arc;
use tracing::{info, instrument};

impl<P: Ports> Sync<P> {
    #[instrument(name = "sync", skip_all, fields(change.id = %change.id, change.key = %change.key()))]
    pub(crate) async fn run(&self, change: &Change) -> Result<Report, Error> {
        let started = self.base.ports.clock().now();
        let change = &change.not_after(started);
        let candidates = self.base.candidates(change).await?;
        let mut report = Report::default();
        let mut inline = Vec::new();
        for ids in candidates.chunks(PAGE) {
            if self.base.is_late() {
                // Whoever takes the job finds out which of them are affected.
                report.extend(self.queue.enqueue(ids, Some(change), started).await);
                continue;
            }
            let mut declarations = self.affected_of(ids, change).await?;
            let room = self.base.settings.sync_targets().saturating_sub(inline.len());
            let others = declarations.split_off(room.min(declarations.len()));
            inline.extend(declarations);
            // What is left to others is safe before anything is begun here.
            let others: Vec<_> = others.into_iter().map(|each| each.id).collect();
            report.extend(self.queue.enqueue(&others, Some(change), started).await);
        }
        let work = Work { change: Some(Arc::new(change.clone())), since: started, started };
        let delivered = self.deliver.deliver_work(inline, &work).await?;
        report.extend(self.hand_over(delivered, change, started).await);
        if !report.outcomes.is_empty() {
            self.queue.ask_receipt(change, started).await?;
        }
        info!(
            change.location = %change.location,
            candidates = candidates.len(),
            written = report.count(Outcome::Written),
            queued = report.count(Outcome::Queued),
            failed = report.failures().count(),
            "change synced"
        );
        Ok(report)
    }

    /// Those of these declarations that the change affects, and that no sync window holds back.
    async fn affected_of(&self, ids: &[DeclarationId], change: &Change) -> Result<Vec<Declaration>, Error> {
        let mut declarations = self.base.ports.registry().declarations(ids).await?;
        let stores = self.base.stores_of(&declarations).await?;
        declarations.retain(|each| affected(change, each, |id| stores.get(id)) == Affected::Yes);
        let declarations = self.of_its_account(declarations, &stores, change).await;
        let is_current =
            |each: &Declaration, record: &Record| record.is_current(change, each, |id| stores.get(id));
        self.deliver.let_run(declarations, self.base.ports.clock().now(), is_current).await
    }

    /// Queues what failed for the moment, and what a store does not show yet; what failed for good stays in the report.
    async fn hand_over(&self, delivered: Delivered, change: &Change, at: Timestamp) -> Report {
        let Delivered { report, behind } = delivered;
        let comes_again = |(id, result): &(DeclarationId, Result<Outcome, Error>)| {
            result.as_ref().map_or_else(Error::is_retryable, |_| behind.contains(id))
        };
        let (again, done): (Vec<_>, Vec<_>) = report.outcomes.into_iter().partition(comes_again);
        let ids: Vec<_> = again.iter().map(|(id, _)| id.clone()).collect();
        let queued = self.queue.enqueue(&ids, Some(change), at).await;
        let mut report = Report { outcomes: done };
        for ((id, before), (_, queued)) in again.into_iter().zip(queued.outcomes) {
            // What a store does not show yet is in the ledger as well, so that nothing is lost with the queue.
            report.outcomes.push((id, if before.is_ok() && queued.is_err() { before } else { queued }));
        }
        report
    }
}
