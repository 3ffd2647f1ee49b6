//! Delivers what was found at once, or writes it to the ledger and queues it.

use super::visit::Visit;
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use jiff::Timestamp;
use pawl_domain::record::State;
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, Kind, Record};
use pawl_ports::{Error, Ledger, Ports};

impl<P: Ports> Sweep<P> {
    /// Delivers those of these declarations that are outdated: [`Pipeline::wanting`].
    pub(super) async fn deliver_outdated(
        &self,
        visit: &Visit<'_>,
        declarations: Vec<Declaration>,
        outdated: impl Fn(&Declaration, Option<&Record>) -> bool,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let wanting = self.wanting(visit, declarations, outdated).await?;
        found.take(self.deliver.deliver_or_queue(wanting, visit.started).await?);
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
        let entries = self.base.ports.ledger().entries_of(&declarations).await?;
        let wanting = declarations.into_iter().filter(|each| {
            let record = entries.get(&each.id).map(|entry| &entry.record);
            !each.refresh.reads_once()
                && !visit.round.retried.contains(&each.id)
                && outdated(each, record)
                && !record.is_some_and(|record| has_its_time(each, record, visit.started))
        });
        self.deliver.let_run(wanting.collect(), visit.started, |_, _| false).await
    }
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
