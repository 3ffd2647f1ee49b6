//! Declarations that no listing covers completely: searches, templates in objects of the cluster, labels of
//! parameters, targets that go with their key. The registry indexes them under their location. They are looked up
//! once per pass, however many identities read there.

use super::round::{ByAccess, Round};
use crate::parts::Sweep;
use pawl_domain::{Access, DeclarationId, IndexKey, Rules};
use pawl_ports::{Error, PAGE, Ports, Registry};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

impl<P: Ports> Sweep<P> {
    /// The declarations under this key that read with this identity, in ascending order.
    pub(super) async fn special(
        &self,
        round: &Round,
        key: IndexKey,
        access: &Access,
    ) -> Result<Vec<DeclarationId>, Error> {
        let cell = {
            let mut cells = round.special.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.clone()).or_default())
        };
        let found = cell.get_or_try_init(|| self.by_access(key, &round.rules)).await?;
        Ok(found.get(access).into_iter().flatten().cloned().collect())
    }

    async fn by_access(&self, key: IndexKey, rules: &Arc<Rules>) -> Result<ByAccess, Error> {
        let mut found = ByAccess::new();
        let candidates = self.base.ports.registry().candidates(&BTreeSet::from([key])).await?;
        for ids in candidates.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            let stores = self.base.stores_under(rules, &declarations).await?;
            for declaration in declarations {
                let accesses =
                    declaration.reads.iter().filter_map(|read| stores.access(read, &declaration.id));
                for access in accesses {
                    found.entry(access).or_default().insert(declaration.id.clone());
                }
            }
        }
        Ok(found)
    }
}
