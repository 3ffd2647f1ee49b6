//! Keys that appear in a listing.

use super::compare::differs;
use super::visit::{Visit, with_access};
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use pawl_domain::{Declaration, IndexKey, Query, Record};
use pawl_ports::{Error, Listed, PAGE, Ports, Registry};
use std::collections::{BTreeMap, BTreeSet};

/// How many listed keys are looked up at a time.
const LISTED: usize = 200;

impl<P: Ports> Sweep<P> {
    /// Looks the listed keys up and delivers the declarations that were written with another version.
    pub(super) async fn sweep_listed(
        &self,
        visit: &Visit<'_>,
        listed: &[&Listed],
        found: &mut Findings,
    ) -> Result<(), Error> {
        let location = visit.store().location();
        for chunk in listed.chunks(LISTED) {
            let mut by_key = BTreeMap::new();
            for each in chunk {
                for key in each.names.iter().flat_map(|name| location.index_keys(name)) {
                    by_key.insert(key, *each);
                }
            }
            let keys: BTreeSet<IndexKey> = by_key.keys().cloned().collect();
            let candidates = self.base.ports.registry().candidates(&keys).await?;
            for ids in candidates.chunks(PAGE) {
                let declarations = self.base.ports.registry().declarations(ids).await?;
                let stores = self.base.stores_under(&visit.round.rules, &declarations).await?;
                let overlap = self.base.settings.sweep_overlap;
                let outdated = |declaration: &Declaration, record: Option<&Record>| {
                    let reads = with_access(declaration, &stores, visit.access);
                    reads.into_iter().any(|(position, store)| {
                        let read = &declaration.reads[position];
                        let Query::Key(remote) = &read.query else { return false };
                        let mut keys = store.index_keys(&read.query).into_iter();
                        keys.find_map(|key| by_key.get(&key)).is_some_and(|listed| {
                            differs(
                                listed,
                                location.provider.profile().order,
                                &remote.selector(store),
                                remote.metadata,
                                (record, position),
                                overlap,
                            )
                        })
                    })
                };
                self.deliver_outdated(visit, declarations, outdated, found).await?;
            }
        }
        Ok(())
    }
}
