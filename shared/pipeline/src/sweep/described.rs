//! Stores that do not list what changed, or not to this identity.

use super::visit::{Visit, with_access};
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use futures::{StreamExt, stream};
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, Kind, Query, Read, Record, Step, Store, VersionSelector};
use pawl_ports::{Clusters, Error, PAGE, Ports, Registry, Scope};
use std::collections::{BTreeMap, BTreeSet};

/// How many namespaces are looked at at the same time.
const AT_ONCE: usize = 16;

impl<P: Ports> Sweep<P> {
    /// Asks for the version of each declared key. Nobody says what a search would find, so it is made whenever its
    /// interval has passed.
    pub(super) async fn sweep_described(&self, visit: &Visit<'_>, found: &mut Findings) -> Result<(), Error> {
        for store in &visit.group.stores {
            let mut pages = self.base.ports.registry().pages(Scope::Store(store.id.clone()));
            while let Some(page) = pages.next().await? {
                let is_asked = |read: &Read, store: &Store| {
                    let selector = read.remote().map(|remote| remote.selector(store));
                    !matches!(selector, None | Some(VersionSelector::Id(_)))
                };
                let is_search =
                    |declaration: &Declaration, read: &Read, _: &Store, record: Option<&Record>, _: usize| {
                        matches!(read.query, Query::Find(_)) && due(declaration, record, visit.started)
                    };
                self.sweep_asked(visit, page, is_asked, is_search, found).await?;
            }
        }
        Ok(())
    }

    /// Reads of which no listing of this store tells: labels and tags of parameters, keys of other accounts.
    pub(super) async fn sweep_untold(&self, visit: &Visit<'_>, found: &mut Findings) -> Result<(), Error> {
        let key = visit.store().location().search_key();
        let ids = self.special(visit.round, key, visit.access).await?;
        for ids in ids.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            let is_asked =
                |read: &Read, store: &Store| read.remote().is_some() && !store.lists_changes_of(&read.query);
            let is_search =
                |declaration: &Declaration, read: &Read, store: &Store, record: Option<&Record>, _: usize| {
                    matches!(read.query, Query::Find(_))
                        && !store.lists_changes_of(&read.query)
                        && due(declaration, record, visit.started)
                };
            self.sweep_asked(visit, declarations, is_asked, is_search, found).await?;
        }
        Ok(())
    }

    /// Looks whether the namespaces of a store's declarations may still use it, where their labels decide.
    pub(super) async fn sweep_admissions(
        &self,
        visit: &Visit<'_>,
        found: &mut Findings,
    ) -> Result<(), Error> {
        for store in visit.group.stores.iter().filter(|store| store.needs_namespace_labels()) {
            let mut pages = self.base.ports.registry().pages(Scope::Store(store.id.clone()));
            while let Some(page) = pages.next().await? {
                let stores = self.base.stores_under(&visit.round.rules, &page).await?;
                let mut open = page;
                open.retain(|each| !with_access(each, &stores, visit.access).is_empty());
                let refused = self.refused(store, &open, found).await;
                let is_refused = |declaration: &Declaration, _: Option<&Record>| {
                    refused.contains(&(declaration.id.cluster.clone(), declaration.id.namespace.clone()))
                };
                self.deliver_outdated(visit, open, is_refused, found).await?;
            }
        }
        Ok(())
    }

    /// The namespaces of these declarations that may not use the store.
    async fn refused(
        &self,
        store: &Store,
        declarations: &[Declaration],
        found: &mut Findings,
    ) -> BTreeSet<(pawl_domain::ClusterName, pawl_domain::Namespace)> {
        let namespaces: BTreeSet<_> =
            declarations.iter().map(|each| (each.id.cluster.clone(), each.id.namespace.clone())).collect();
        let looks: Vec<_> = namespaces
            .into_iter()
            .map(async |(cluster, namespace)| {
                let call = self.base.ports.clusters().namespace_labels(&cluster, &namespace);
                let allowed = match self.base.at_cluster(&cluster, Step::Lookup, call).await {
                    Ok(labels) => Ok(store.allows(&namespace, &labels).unwrap_or(false)),
                    Err(error) if error.kind == Kind::NotFound => Ok(false),
                    Err(error) => Err(error),
                };
                ((cluster, namespace), allowed)
            })
            .collect();
        let looked: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        let mut refused = BTreeSet::new();
        let mut silent = BTreeMap::new();
        for ((cluster, namespace), allowed) in looked {
            match allowed {
                Ok(true) => {}
                Ok(false) => drop(refused.insert((cluster, namespace))),
                Err(error) => drop(silent.entry(cluster).or_insert(error)),
            }
        }
        for (cluster, error) in silent {
            found.failed.push((format!("cluster {cluster}"), error));
        }
        refused
    }
}
