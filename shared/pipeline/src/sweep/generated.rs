//! Sweeps what generators make. Only the clock tells when it must be made anew: `refreshInterval`, and when it expires.

use super::visit::Visit;
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use pawl_domain::refresh::{due, renews};
use pawl_domain::{Declaration, Record};
use pawl_ports::{Error, PAGE, Ports, Registry};

impl<P: Ports> Sweep<P> {
    /// Delivers the declarations of a generator that are due.
    pub(super) async fn sweep_generated(&self, visit: &Visit<'_>, found: &mut Findings) -> Result<(), Error> {
        let key = visit.store().location().search_key();
        let ids = self.special(visit.round, key, visit.access).await?;
        for ids in ids.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                due(declaration, record, visit.started) || renews(declaration, record, visit.started)
            };
            self.deliver_outdated(visit, declarations, outdated, found).await?;
        }
        Ok(())
    }
}
