//! Which declarations a change may concern.

use crate::parts::Base;
use pawl_domain::affected::concerned_reads;
use pawl_domain::change::Extent;
use pawl_domain::{Change, Declaration, DeclarationId};
use pawl_ports::{Error, Ports, Registry, Scope};
use std::collections::BTreeSet;

impl<P: Ports> Base<P> {
    /// The ids of all declarations that the change may concern: each once, in ascending order.
    ///
    /// Those of a key are looked up in the index. Those of a folder are found among the declarations of the stores that the
    /// folder may be in, for an index of the beginnings of all keys would cost each declaration more than folders that
    /// change are worth.
    ///
    /// # Errors
    /// The registry could not be asked.
    pub(crate) async fn candidates(&self, change: &Change) -> Result<Vec<DeclarationId>, Error> {
        if change.extent == Extent::Key {
            return self.ports.registry().candidates(&change.index_keys()).await;
        }
        // The account is not compared: a store's keys may live in another one than the store's own.
        let place = change.location.search_key();
        let swept = self.ports.registry().swept_stores().await?;
        let here =
            swept.into_iter().map(|swept| swept.store).filter(|store| store.location().search_key() == place);
        let mut found = BTreeSet::new();
        for store in here {
            let mut pages = self.ports.registry().pages(Scope::Store(store.id));
            while let Some(page) = pages.next().await? {
                let stores = self.stores_of(&page).await?;
                let concerned =
                    |each: &Declaration| !concerned_reads(change, each, |id| stores.get(id)).is_empty();
                found.extend(page.into_iter().filter(concerned).map(|each| each.id));
            }
        }
        Ok(found.into_iter().collect())
    }
}
