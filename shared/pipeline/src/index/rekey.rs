//! Renews index keys after an update of Pawl that computes them in another way: all declarations are indexed under
//! the new keys, also those that nobody edits. Until then nobody finds what only the new keys would tell.

use crate::parts::Index;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use pawl_domain::{Declaration, IndexKey, Kind};
use pawl_ports::{Catalogue, Clock, Error, Ledger, Ports, Registry, Scope};
use std::collections::BTreeSet;
use tracing::{info, warn};

/// The mark of the version of the index keys that all declarations are under. Count it up with every change of
/// [`Declaration::index_keys`].
const KEYS: &str = "index-keys/2";

impl<P: Ports> Index<P> {
    /// Puts all declarations under the keys of this version, once for all processes. When it fails, the next index does it
    /// again.
    pub(crate) async fn renew_keys(&self) {
        match self.try_renew_keys().await {
            Ok(None) => {}
            Ok(Some(declarations)) => {
                info!(declarations, "all declarations are under the keys of this version")
            }
            Err(error) => warn!(
                "declarations are not under the keys of this version yet, the next index goes on: {error}"
            ),
        }
    }

    async fn try_renew_keys(&self) -> Result<Option<usize>, Error> {
        if self.base.ports.ledger().mark(KEYS).await?.is_some() {
            return Ok(None);
        }
        let mut count = 0;
        let mut pages = self.base.ports.registry().pages(Scope::All);
        while let Some(page) = pages.next().await? {
            let stores = self.base.stores_of(&page).await?;
            let renewing = page.iter().map(|each| {
                let keys = each.index_keys(|id| stores.get(id));
                async move { self.rekey(each, &keys).await }.boxed()
            });
            // Collected, for compilers take no closure over references for one that may be sent.
            let renewing: Vec<_> = renewing.collect();
            stream::iter(renewing)
                .buffer_unordered(self.base.settings.concurrency)
                .try_collect::<()>()
                .await?;
            count += page.len();
        }
        self.base.ports.ledger().set_mark(KEYS, self.base.ports.clock().now()).await?;
        Ok(Some(count))
    }

    /// Brings a declaration under these keys. One that was edited meanwhile came under its keys then.
    pub(crate) async fn rekey(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
    ) -> Result<(), Error> {
        match self.base.ports.registry().put(declaration, keys, Some(declaration)).await {
            Err(error) if error.kind == Kind::Conflict => Ok(()),
            result => result.map(drop),
        }
    }
}
