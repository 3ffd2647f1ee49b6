//! The sweep of templates that stand in objects of the clusters: nobody tells of their changes, so they are looked at when
//! `refreshInterval` has passed, as ESO does.

use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Ports, Registry};
use crate::sweep::{PAGE, SweepReport, with_access};
use jiff::Timestamp;
use pawl_domain::refresh::due;
use pawl_domain::{Access, Declaration, Record, Store};
use std::collections::BTreeSet;

impl<P: Ports> Pipeline<P> {
    /// Delivers the declarations with such templates that read this store with this identity and are due.
    pub(crate) async fn sweep_templates(
        &self,
        access: &Access,
        store: &Store,
        started: Timestamp,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let keys = BTreeSet::from([store.location().templates_key()]);
        let candidates = self.ports.registry().candidates(&keys).await?;
        for ids in candidates.chunks(PAGE) {
            let declarations = self.ports.registry().declarations(ids).await?;
            let stores = self.stores_of(&declarations).await?;
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                declaration.reads_templates()
                    && !with_access(declaration, &stores, access).is_empty()
                    && due(declaration, record, started)
            };
            self.deliver_outdated(declarations, outdated, started, swept).await?;
        }
        Ok(())
    }
}
