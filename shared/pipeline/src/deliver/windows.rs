//! Sync windows. What they hold back is written to the ledger, so the first sweep after a window opens finds it.

use crate::parts::Deliver;
use jiff::Timestamp;
use pawl_domain::record::State;
use pawl_domain::refresh::is_called_for;
use pawl_domain::{Declaration, Record};
use pawl_ports::{Entry, Error, Ledger, Ports};

impl<P: Ports> Deliver<P> {
    /// Those of these declarations that may be brought up to date now. The others are noted as pending, but for those
    /// of which `is_done` tells that there is nothing to do.
    ///
    /// A job that was queued while its window was open is not held back any more.
    ///
    /// # Errors
    /// The ledger could not be asked or written: then nothing may be acknowledged.
    pub(crate) async fn let_run(
        &self,
        declarations: Vec<Declaration>,
        now: Timestamp,
        is_done: impl Fn(&Declaration, &Record) -> bool,
    ) -> Result<Vec<Declaration>, Error> {
        let (mut run, closed): (Vec<_>, Vec<_>) =
            declarations.into_iter().partition(|each| each.refresh.is_let_run(now));
        if closed.is_empty() {
            return Ok(run);
        }
        let mut entries = self.base.ports.ledger().entries_of(&closed).await?;
        for declaration in closed {
            match entries.remove(&declaration.id) {
                Some(entry) if !is_called_for(&declaration, &entry.record) => {
                    if !is_done(&declaration, &entry.record) {
                        self.hold_back(&declaration, entry, now).await?;
                    }
                }
                _ => run.push(declaration),
            }
        }
        Ok(run)
    }

    async fn hold_back(&self, declaration: &Declaration, entry: Entry, at: Timestamp) -> Result<(), Error> {
        // What failed or waits is found by sweeps as it is.
        let held = |last: Option<Record>| {
            let last = last.filter(|record| matches!(record.state, State::Settled(_)))?;
            Some(last.reopened(at))
        };
        let otherwise = "the change must come again";
        self.base.ports.ledger().update_from(&declaration.id, Some(entry), otherwise, held).await.map(drop)
    }
}
