//! Sweeps templates in objects of clusters. No event reports their changes, so they are read when `refreshInterval`
//! has passed, as in ESO.

use super::visit::Visit;
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, Record};
use pawl_ports::{Error, PAGE, Ports, Registry};

impl<P: Ports> Sweep<P> {
    /// Delivers the declarations with such templates that are read with this identity and are due.
    pub(super) async fn sweep_templates(&self, visit: &Visit<'_>, found: &mut Findings) -> Result<(), Error> {
        let key = visit.store().location().templates_key();
        let ids = self.special(visit.round, key, visit.access).await?;
        for ids in ids.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                declaration.reads_templates() && due(declaration, record, visit.started)
            };
            self.deliver_outdated(visit, declarations, outdated, found).await?;
        }
        Ok(())
    }
}
