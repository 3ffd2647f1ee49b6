//! One change to all that it affects.

use crate::error::Error;
use crate::job::Job;
use crate::pipeline::Pipeline;
use crate::ports::{Clock, Jobs, Ports, Registry};
use crate::report::Report;
use pawl_domain::{Affected, Change, Declaration, DeclarationId, Outcome, Record, affected};
use tracing::{info, instrument};

/// How many declarations are loaded at a time while a change's targets are counted.
const PAGE: usize = 500;

impl<P: Ports> Pipeline<P> {
    /// Brings every declaration that `change` affects up to date: within this call up to
    /// `Settings::inline_targets`, by the job queue beyond that. A target that cannot be reached now is handed to
    /// the job queue as well, so that an `Ok` in the report means: done, or cannot be lost any more.
    ///
    /// # Errors
    /// Only if the registry could not be asked. The change must then be handed in again.
    #[instrument(skip_all, fields(change.id = %change.id, change.key = %change.key()))]
    pub async fn sync(&self, change: &Change) -> Result<Report, Error> {
        let started = self.ports.clock().now();
        let candidates = self.ports.registry().candidates(&change.index_keys()).await?;
        let mut report = Report::default();
        let mut inline = Vec::new();
        for ids in candidates.chunks(PAGE) {
            let declarations = self.affected_of(ids, change).await?;
            if inline.len() + declarations.len() <= self.settings.inline_targets {
                inline.extend(declarations);
            } else {
                let ids: Vec<_> = inline.drain(..).chain(declarations).map(|each| each.id).collect();
                report.extend(self.enqueue(&ids, Some(change), started).await);
            }
        }
        let delivered = self.deliver_all(inline, Some(change), started).await?;
        report.extend(self.hand_over(delivered, change, started).await);
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
        let mut declarations = self.ports.registry().declarations(ids).await?;
        let stores = self.stores_of(&declarations).await?;
        declarations.retain(|each| affected(change, each, |id| stores.get(id)) == Affected::Yes);
        let declarations = self.of_its_account(declarations, &stores, change).await;
        let is_current =
            |each: &Declaration, record: &Record| record.is_current(change, each, |id| stores.get(id));
        self.let_run(declarations, self.ports.clock().now(), is_current).await
    }

    /// Queues what failed for the moment; what failed for good stays in the report.
    async fn hand_over(&self, delivered: Report, change: &Change, at: jiff::Timestamp) -> Report {
        let (again, done): (Vec<_>, Vec<_>) = delivered
            .outcomes
            .into_iter()
            .partition(|(_, result)| result.as_ref().is_err_and(Error::is_retryable));
        let ids: Vec<_> = again.into_iter().map(|(id, _)| id).collect();
        let mut report = Report { outcomes: done };
        report.extend(self.enqueue(&ids, Some(change), at).await);
        report
    }

    /// Hands declarations to the job queue: `Queued` for each, or the error that the queue gave.
    pub(crate) async fn enqueue(
        &self,
        ids: &[DeclarationId],
        change: Option<&Change>,
        at: jiff::Timestamp,
    ) -> Report {
        if ids.is_empty() {
            return Report::default();
        }
        let handed = self.ports.jobs().enqueue(&Job::chunks(ids, change, at)).await;
        let result = |_: &DeclarationId| match &handed {
            Ok(()) => Ok(Outcome::Queued),
            Err(error) => Err(error.shared()),
        };
        Report { outcomes: ids.iter().map(|id| (id.clone(), result(id))).collect() }
    }
}
