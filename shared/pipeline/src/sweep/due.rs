//! What failed in this process is tried again when it is due.

use crate::pipeline::Pipeline;
use crate::report::Report;
use jiff::Timestamp;
use pawl_domain::DeclarationId;
use pawl_domain::refresh::due;
use pawl_ports::{Clock, Error, Ledger, Ports, Registry};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long what could not be looked up is left alone.
const PAUSE: Duration = Duration::from_secs(5);

impl<P: Ports> Pipeline<P> {
    /// Waits until something that failed in this process is to be tried again, for [`Pipeline::retry_due`]. May be
    /// dropped at any time.
    pub async fn until_due(&self) {
        self.memory.agenda.read.store(true, Ordering::Relaxed);
        loop {
            let earlier = self.memory.agenda.earlier.notified();
            let Some(next) = self.memory.agenda.next() else {
                earlier.await;
                continue;
            };
            let wait = Duration::try_from(next.duration_since(self.ports.clock().now())).unwrap_or_default();
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = earlier => {}
            }
        }
    }

    /// Tries again what failed in this process and is due now. What fails once more is noted anew, after a pause that is
    /// twice as long.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked; it is tried again, also by the next sweep.
    pub async fn retry_due(&self) -> Result<Report, Error> {
        let now = self.ports.clock().now();
        let ids = self.memory.agenda.take(now, self.settings.inline_targets.max(1));
        let result = self.retry_those(&ids, now).await;
        if result.is_err() {
            let later = now.checked_add(PAUSE).unwrap_or(now);
            ids.iter().for_each(|id| self.memory.agenda.note(later, id));
        }
        result
    }

    async fn retry_those(&self, ids: &BTreeSet<DeclarationId>, now: Timestamp) -> Result<Report, Error> {
        let ids: Vec<_> = ids.iter().cloned().collect();
        let mut declarations = self.ports.registry().declarations(&ids).await?;
        let entries = self.ports.ledger().entries_of(&declarations).await?;
        declarations.retain(|each| {
            let record = entries.get(&each.id).map(|entry| &entry.record);
            record.is_some_and(|record| !record.state.is_settled()) && due(each, record, now)
        });
        let mut report = Report::default();
        for retried in self.deliver_fairly(declarations, now).await {
            report.extend(retried?);
        }
        Ok(report)
    }
}
