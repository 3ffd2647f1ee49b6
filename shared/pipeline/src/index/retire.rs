//! Removes a cluster from the registry with everything declared for it, whether or not it can still be reached.

use crate::parts::Index;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{Cluster, ClusterName, DeclarationId, Home, Kind, StoreId};
use pawl_ports::{Catalogue, DocumentKind, Error, Ledger, Ports, Registry, Scope};
use tracing::instrument;

/// What the removal of a cluster did.
#[derive(Debug, Default)]
pub struct Retired {
    /// The cluster's declarations; one that failed stays, and the cluster with it.
    pub declarations: Vec<(DeclarationId, Result<(), Error>)>,
    /// The applied ClusterExternalSecrets that went there.
    pub patterns: Vec<PatternId>,
    /// The stores that were found in the cluster and are removed.
    pub stores: Vec<StoreId>,
    /// Whether the registry had a cluster of this name. What was declared for it is removed in either case.
    pub known: bool,
}

impl Retired {
    /// True when nothing of the cluster is left.
    pub fn is_complete(&self) -> bool {
        self.declarations.iter().all(|(_, result)| result.is_ok())
    }

    /// True when there was nothing to remove.
    pub fn is_empty(&self) -> bool {
        !self.known && self.declarations.is_empty() && self.stores.is_empty() && self.patterns.is_empty()
    }
}

impl<P: Ports> Index<P> {
    #[instrument(skip_all, fields(cluster.name = %name))]
    pub(crate) async fn retire_cluster(&self, name: &ClusterName, force: bool) -> Result<Retired, Error> {
        let mut retired = Retired::default();
        let known = self.base.ports.registry().clusters().await?.into_iter().find(|each| each.name == *name);
        retired.known = known.is_some();
        if let Some(cluster) = known.filter(|cluster| cluster.index) {
            // An index that begins from here on does not bring back what is removed below.
            self.base.ports.registry().put_cluster(&Cluster { index: false, ..cluster }).await?;
        }
        // Nothing is placed there any more; what is there goes with the cluster's declarations.
        let patterns = self.patterns().await?;
        let ids = patterns.of(name).map(Pattern::id).chain(patterns.unreadable_of(name));
        for id in ids {
            self.base.ports.registry().remove_pattern(&id).await?;
            retired.patterns.push(id);
        }
        self.retire_declarations(name, force, &mut retired).await?;
        if !retired.is_complete() {
            return Ok(retired);
        }
        for swept in self.base.ports.registry().swept_stores().await? {
            if swept.store.id.home == Home::Cluster(name.clone()) {
                self.base.ports.registry().remove_store(&swept.store.id).await?;
                retired.stores.push(swept.store.id);
            }
        }
        self.forget_pushes(name).await?;
        self.retire_unreadable(name, &mut retired).await?;
        // One whose document cannot be read was not found above.
        retired.known |= self.base.ports.registry().remove_cluster(name).await?;
        // An index that had begun before may have brought something back; from here on none takes it in.
        self.retire_declarations(name, force, &mut retired).await?;
        if force {
            self.forgive(name).await?;
        }
        Ok(retired)
    }

    async fn retire_declarations(
        &self,
        name: &ClusterName,
        force: bool,
        retired: &mut Retired,
    ) -> Result<(), Error> {
        let mut pages = self.base.ports.registry().pages(Scope::Cluster(name.clone()));
        while let Some(page) = pages.next().await? {
            if force {
                for id in page.into_iter().map(|each| each.id) {
                    self.forget(&id).await?;
                    retired.declarations.push((id, Ok(())));
                }
            } else {
                for some in page.chunks(self.base.settings.concurrency) {
                    let removed = self.remove.retire_all(some).await;
                    let cut_off = removed.iter().any(|(_, result)| {
                        result.as_ref().is_err_and(|error| error.kind == Kind::Unreachable)
                    });
                    retired.declarations.extend(removed);
                    if cut_off {
                        // The others would only wait for the same answer.
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes what was declared for the cluster and cannot be read; the Secrets that it made stay.
    async fn retire_unreadable(&self, name: &ClusterName, retired: &mut Retired) -> Result<(), Error> {
        let mut unreadable = self.base.ports.registry().unreadable().await?;
        unreadable.retain(|document| document.kind == DocumentKind::Declaration);
        for id in unreadable.iter().filter_map(|document| document.id.parse::<DeclarationId>().ok()) {
            if id.cluster == *name
                && let Some(result) = self.remove.remove_unreadable(&id).await
            {
                retired.declarations.push((id, result));
            }
        }
        Ok(())
    }

    /// Forgets what is still owed in a cluster that nobody can reach any more, of declarations that were removed before.
    async fn forgive(&self, name: &ClusterName) -> Result<(), Error> {
        let mut pages = self.base.ports.ledger().unsettled_pages();
        while let Some(page) = pages.next().await? {
            for id in page.iter().filter(|id| id.cluster == *name) {
                self.base.ports.ledger().remove(id, None).await?;
            }
        }
        Ok(())
    }

    /// The record goes last: without a declaration it is never looked at again, and the other way round the declaration
    /// would seem new.
    async fn forget(&self, id: &DeclarationId) -> Result<(), Error> {
        self.base.ports.registry().remove(id).await?;
        self.base.ports.ledger().remove(id, None).await
    }
}
