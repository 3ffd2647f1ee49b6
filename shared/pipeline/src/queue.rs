//! The job queue. Work is written to the ledger before it is queued, so the sweep finds it wherever this stops.

use crate::parts::Queue;
use crate::report::Report;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::record::State;
use pawl_domain::{Change, Declaration, DeclarationId, Outcome, Record};
use pawl_ports::{Clock, Entry, Error, Job, Jobs, Ledger, PAGE, Ports, Receipts};
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::warn;

/// How long work that was noted may take to reach the job queue before a sweep takes it up.
pub(crate) const GRACE: Duration = Duration::from_secs(60);
/// How long work that reached the job queue may wait there before a sweep takes it up. A queue makes a few attempts.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

impl<P: Ports> Queue<P> {
    /// Hands declarations to the job queue: `Queued` for each, or the error that the queue gave.
    pub(crate) async fn enqueue(
        &self,
        ids: &[DeclarationId],
        change: Option<&Change>,
        at: Timestamp,
    ) -> Report {
        if ids.is_empty() {
            return Report::default();
        }
        let handed = self.base.ports.jobs().enqueue(&Job::chunks(ids, change, at)).await;
        let result = |_: &DeclarationId| match &handed {
            Ok(()) => Ok(Outcome::Queued),
            Err(error) => Err(error.shared()),
        };
        Report { outcomes: ids.iter().map(|id| (id.clone(), result(id))).collect() }
    }

    /// Asks for the receipt of a change, where anybody is told of it.
    ///
    /// # Errors
    /// When the job queue did not take it; the change must be synced again.
    pub(crate) async fn ask_receipt(&self, change: &Change, at: Timestamp) -> Result<(), Error> {
        match self.base.ports.receipts().is_on() {
            true => self.base.ports.jobs().enqueue(&[Job::receipt(change, at)]).await,
            false => Ok(()),
        }
    }

    /// Hands work that was marked as pending to the job queue.
    pub(crate) async fn queue_pending(&self, work: BTreeSet<DeclarationId>) -> Report {
        let work: Vec<_> = work.into_iter().collect();
        let queued = self.enqueue(&work, None, self.base.ports.clock().now()).await;
        if queued.failures().next().is_none() {
            self.confirm_queued(&work, |record| record.state == State::Pending).await;
        }
        queued
    }

    /// Notes in the ledger that these wait, and hands them to the job queue: whatever stops in between, a sweep finds
    /// them.
    pub(crate) async fn queue_noted(&self, declarations: &[Declaration], since: Timestamp) -> Report {
        let now = self.base.ports.clock().now();
        let until = now.checked_add(GRACE).unwrap_or(now);
        let (mut report, mut noted) = (Report::default(), Vec::new());
        for page in declarations.chunks(PAGE) {
            for (id, result) in self.note(page, now, until).await {
                match result {
                    Ok(()) => noted.push(id),
                    Err(error) => report.outcomes.push((id, Err(error))),
                }
            }
        }
        let handed = self.enqueue(&noted, None, since).await;
        if handed.failures().next().is_none() {
            self.confirm_queued(&noted, |record| record.not_before == Some(until)).await;
        }
        report.extend(handed);
        report
    }

    /// Lets what was noted wait for longer: the queue has it. Where that fails it is queued once more, which
    /// costs a look.
    async fn confirm_queued(&self, ids: &[DeclarationId], is_noted: impl Fn(&Record) -> bool) {
        let now = self.base.ports.clock().now();
        let not_before = now.checked_add(PATIENCE).ok();
        for page in ids.chunks(PAGE) {
            let entries = match self.base.ports.ledger().entries(page).await {
                Ok(entries) => entries,
                Err(error) => {
                    warn!("what was queued is not noted as such, and queued once more: {error}");
                    return;
                }
            };
            // A record that says something else is of a worker that has begun already.
            let own = entries
                .into_iter()
                .filter(|Entry { record, .. }| !record.state.is_settled() && is_noted(record));
            stream::iter(own)
                .for_each_concurrent(
                    self.base.settings.concurrency,
                    async |Entry { id, record, revision }| {
                        let record = Record { not_before, ..record };
                        // Who met it writes what became of it.
                        let _ = self.base.ports.ledger().put(&id, &record, Some(revision)).await;
                    },
                )
                .await;
        }
    }

    async fn note(
        &self,
        page: &[Declaration],
        now: Timestamp,
        until: Timestamp,
    ) -> Vec<(DeclarationId, Result<(), Error>)> {
        let mut entries = match self.base.ports.ledger().entries_of(page).await {
            Ok(entries) => entries,
            Err(error) => return page.iter().map(|each| (each.id.clone(), Err(error.shared()))).collect(),
        };
        let notes: Vec<_> = page
            .iter()
            .map(|each| {
                let entry = entries.remove(&each.id);
                async move { (each.id.clone(), self.note_one(each, entry, now, until).await) }
            })
            .collect();
        stream::iter(notes).buffered(self.base.settings.concurrency).collect().await
    }

    async fn note_one(
        &self,
        declaration: &Declaration,
        entry: Option<Entry>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), Error> {
        let noted = |last: Option<Record>| Some(waiting(declaration, last, now, until));
        let otherwise = "the next sweep notes it";
        self.base.ports.ledger().update_from(&declaration.id, entry, otherwise, noted).await.map(drop)
    }
}

/// The record of a declaration that waits in the queue. How often it failed stays known.
fn waiting(declaration: &Declaration, last: Option<Record>, now: Timestamp, until: Timestamp) -> Record {
    let record = match last {
        None => Record::pending(declaration, now),
        Some(last) if matches!(last.state, State::Failed(_)) => last,
        Some(last) => last.reopened(now),
    };
    Record { not_before: Some(until), ..record }
}
