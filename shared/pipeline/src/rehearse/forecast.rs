//! What applying manifests would do: to the registry, and to the targets in the clusters.

use crate::index::apply::Apply;
use crate::index::report::IndexReport;
use crate::parts::Rehearse;
use crate::rehearse::{Intent, Rehearsal, Would, target_of};
use pawl_domain::{ClusterName, Declaration, DeclarationId, Manifests, Store, StoreId};
use pawl_ports::{Error, PAGE, Ports, Put, Registry, Scope};
use std::collections::BTreeSet;

/// What applying manifests would do.
#[derive(Debug, Default)]
pub struct Forecast {
    /// What would enter and leave the registry, and what would be refused.
    pub registry: IndexReport,
    /// What would become of each target: of the declarations that would be taken in, of those in the registry that read a
    /// store which would change, and of those that would be removed.
    pub targets: Vec<Rehearsal>,
}

impl<P: Ports> Rehearse<P> {
    pub(crate) async fn forecast(&self, manifests: Manifests, apply: &Apply) -> Result<Forecast, Error> {
        let registry = self.index.preview(manifests.clone(), apply).await?;
        let put: BTreeSet<&DeclarationId> =
            registry.declarations.iter().filter(|(_, put)| put.is_ok()).map(|(id, _)| id).collect();
        let (stores, changed) = taken(&manifests.stores, &registry);
        let clusters = self.index.base.ports.registry().clusters().await?;
        let clusters: BTreeSet<_> = clusters.into_iter().map(|cluster| cluster.name).collect();
        let mut forecast = Forecast::default();
        let given: Vec<_> =
            manifests.declarations.into_iter().filter(|each| put.contains(&each.id)).collect();
        self.rehearse_where(given, &stores, &clusters, &mut forecast).await?;
        let removed: BTreeSet<&DeclarationId> = registry.removed.iter().map(|(id, _)| id).collect();
        let mut told: BTreeSet<DeclarationId> = forecast.targets.iter().map(|it| it.id.clone()).collect();
        for store in changed {
            let mut pages = self.index.base.ports.registry().pages(Scope::Store(store));
            while let Some(mut page) = pages.next().await? {
                page.retain(|each| !removed.contains(&each.id) && told.insert(each.id.clone()));
                self.rehearse_where(page, &stores, &clusters, &mut forecast).await?;
            }
        }
        let removed: Vec<_> = removed.into_iter().cloned().collect();
        for ids in removed.chunks(PAGE) {
            let leaving = self.index.base.ports.registry().declarations(ids).await?;
            forecast.targets.extend(self.removal(&leaving).await);
        }
        forecast.targets.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Forecast { registry, ..forecast })
    }

    /// Rehearses those whose clusters can be asked, page by page.
    async fn rehearse_where(
        &self,
        declarations: Vec<Declaration>,
        stores: &[Store],
        clusters: &BTreeSet<ClusterName>,
        forecast: &mut Forecast,
    ) -> Result<(), Error> {
        let (seen, unseen): (Vec<_>, Vec<_>) =
            declarations.into_iter().partition(|each| clusters.contains(&each.id.cluster));
        for page in seen.chunks(PAGE) {
            forecast.targets.extend(self.run(page.to_vec(), stores).await?);
        }
        forecast.targets.extend(unseen.into_iter().map(|each| Rehearsal {
            target: target_of(&each),
            id: each.id,
            would: Ok(Would::only(Intent::Unseen)),
        }));
        Ok(())
    }
}

/// Those of the given stores that would be taken in, and the ids of those among them that would change.
fn taken(given: &[Store], registry: &IndexReport) -> (Vec<Store>, Vec<StoreId>) {
    let put = |store: &Store| {
        let name = store.id.to_string();
        registry.objects.iter().find(|(object, _)| *object == name).and_then(|(_, put)| put.as_ref().ok())
    };
    let changed = given.iter().filter(|store| put(store) == Some(&Put::Changed));
    let taken = given.iter().filter(|store| put(store).is_some());
    (taken.cloned().collect(), changed.map(|store| store.id.clone()).collect())
}
