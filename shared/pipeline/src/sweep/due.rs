//! Retries what failed in this process as soon as it is due.

use crate::parts::Sweep;
use crate::report::Report;
use jiff::Timestamp;
use pawl_domain::DeclarationId;
use pawl_domain::refresh::due;
use pawl_ports::{Clock, Error, Ledger, Ports, Registry};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long what could not be looked up is left alone.
const PAUSE: Duration = Duration::from_secs(5);

impl<P: Ports> Sweep<P> {
    pub(crate) async fn until_due(&self) {
        self.base.memory.agenda.until_due(self.base.ports.clock(), || false).await;
    }

    pub(crate) async fn retry_due(&self) -> Result<Report, Error> {
        let now = self.base.ports.clock().now();
        let ids = self.base.memory.agenda.take(now, self.base.settings.inline_targets.max(1));
        let result = self.retry_those(&ids, now).await;
        if result.is_err() {
            let later = now.checked_add(PAUSE).unwrap_or(now);
            ids.iter().for_each(|id| self.base.memory.agenda.note(later, id));
        }
        result
    }

    async fn retry_those(&self, ids: &BTreeSet<DeclarationId>, now: Timestamp) -> Result<Report, Error> {
        let ids: Vec<_> = ids.iter().cloned().collect();
        let mut declarations = self.base.ports.registry().declarations(&ids).await?;
        let entries = self.base.ports.ledger().entries_of(&declarations).await?;
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
