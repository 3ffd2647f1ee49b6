//! What was found is delivered at once, or noted in the ledger and handed to the job queue.

use super::Findings;
use super::stores::Visit;
use crate::pipeline::Pipeline;
use crate::report::Report;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::record::State;
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, DeclarationId, Kind, Record};
use pawl_ports::{Clock, Entry, Error, Ledger, PAGE, Ports};
use std::time::Duration;
use tracing::warn;

/// How long work that was noted may take to reach the job queue before a sweep takes it up.
pub(crate) const GRACE: Duration = Duration::from_secs(60);
/// How long work that reached the job queue may wait there before a sweep takes it up. A queue makes a few attempts.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

impl<P: Ports> Pipeline<P> {
    /// Delivers those of these declarations that are outdated: [`Pipeline::wanting`].
    pub(super) async fn deliver_outdated(
        &self,
        visit: &Visit<'_>,
        declarations: Vec<Declaration>,
        outdated: impl Fn(&Declaration, Option<&Record>) -> bool,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let wanting = self.wanting(visit, declarations, outdated).await?;
        found.take(self.deliver_or_queue(wanting, visit.started).await?);
        Ok(())
    }

    /// Those of these declarations whose record is outdated, or that have none. Those that a sync window holds back are
    /// kept for later.
    pub(super) async fn wanting(
        &self,
        visit: &Visit<'_>,
        declarations: Vec<Declaration>,
        outdated: impl Fn(&Declaration, Option<&Record>) -> bool,
    ) -> Result<Vec<Declaration>, Error> {
        let entries = self.ports.ledger().entries_of(&declarations).await?;
        let wanting = declarations.into_iter().filter(|each| {
            let record = entries.get(&each.id).map(|entry| &entry.record);
            !each.refresh.reads_once()
                && !visit.round.retried.contains(&each.id)
                && outdated(each, record)
                && !record.is_some_and(|record| has_its_time(each, record, visit.started))
        });
        self.let_run(wanting.collect(), visit.started, |_, _| false).await
    }

    /// Within this call up to `inline_targets`, by the job queue beyond that. What the report says of a declaration is
    /// done or stands in the ledger, unless it is an error of step `Record`.
    pub(crate) async fn deliver_or_queue(
        &self,
        declarations: Vec<Declaration>,
        since: Timestamp,
    ) -> Result<Report, Error> {
        if declarations.len() > self.settings.inline_targets {
            return Ok(self.queue_noted(&declarations, since).await);
        }
        // Boxed, for sweeps nest deeper than compilers like to look.
        Box::pin(self.deliver_all(declarations, None, since)).await
    }

    /// Notes in the ledger that these wait, and hands them to the job queue: whatever stops in between, a sweep finds
    /// them.
    pub(crate) async fn queue_noted(&self, declarations: &[Declaration], since: Timestamp) -> Report {
        let now = self.ports.clock().now();
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
    pub(crate) async fn confirm_queued(&self, ids: &[DeclarationId], is_noted: impl Fn(&Record) -> bool) {
        let now = self.ports.clock().now();
        let not_before = now.checked_add(PATIENCE).ok();
        for page in ids.chunks(PAGE) {
            let entries = match self.ports.ledger().entries(page).await {
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
                .for_each_concurrent(self.settings.concurrency, async |Entry { id, record, revision }| {
                    let record = Record { not_before, ..record };
                    // Who met it writes what became of it.
                    let _ = self.ports.ledger().put(&id, &record, Some(revision)).await;
                })
                .await;
        }
    }

    async fn note(
        &self,
        page: &[Declaration],
        now: Timestamp,
        until: Timestamp,
    ) -> Vec<(DeclarationId, Result<(), Error>)> {
        let mut entries = match self.ports.ledger().entries_of(page).await {
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
        stream::iter(notes).buffered(self.settings.concurrency).collect().await
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
        self.ports.ledger().update_from(&declaration.id, entry, otherwise, noted).await.map(drop)
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

/// What failed or waits is tried again when its own pause has passed. Not so a store that did not have the version that
/// an event named: what it has now is told by the listing.
fn has_its_time(declaration: &Declaration, record: &Record, now: Timestamp) -> bool {
    match &record.state {
        State::Failed(failure) if failure.kind == Kind::Stale => {
            record.not_before.is_some_and(|until| until > now)
        }
        state => !state.is_settled() && !due(declaration, Some(record), now),
    }
}
