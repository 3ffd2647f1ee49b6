//! What a security team asks each quarter: keys that nobody reads, old values, Secrets without an owner, and stores that
//! everybody may read. Lists stores and clusters; reads no value.

use crate::base::stores::Stores;
use crate::parts::Sweep;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::provider::Changes;
use pawl_domain::{
    ClusterName, Declaration, Find, Home, Location, Namespace, ObjectName, Query, Rules, Step, Store, StoreId,
};
use pawl_ports::{Clock, Clusters, Error, Listed, Ports, Registry, Scope, Sources, SweptStore};
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
#[derive(Debug, Default)]
pub struct Review {
    /// Keys that no declaration reads, by where they are; without those that Pawl itself lives by.
    pub unread: Vec<ListedKey>,
    /// Keys that are read, whose values are older than was asked for, the oldest first.
    pub old: Vec<ListedKey>,
    /// Secrets with the managed label that no declaration names.
    pub orphans: Vec<(ClusterName, Namespace, ObjectName)>,
    /// Stores that more may read than need to, with how.
    pub wide: Vec<(StoreId, String)>,
    /// Stores that no declaration reads.
    pub unused: Vec<StoreId>,
    /// Stores and clusters of which the above could not be told, with why.
    pub unseen: Vec<(String, String)>,
}

/// A key that a store lists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedKey {
    /// Where it is.
    pub location: String,
    /// Its name.
    pub key: String,
    /// When its value changed, by the store's own dates; `None` where the store does not say.
    pub changed: Option<Timestamp>,
}

/// What declarations read at some place.
#[derive(Default)]
struct Reads {
    keys: BTreeSet<String>,
    searches: BTreeSet<(StoreId, Find)>,
}

impl<P: Ports> Sweep<P> {
    pub(crate) async fn review(&self, older_than: SignedDuration) -> Result<Review, Error> {
        let now = self.base.ports.clock().now();
        let rules = self.base.rules().await?;
        let (mut reads, mut targets) = (Reads::default(), BTreeMap::new());
        let mut pages = self.base.ports.registry().pages(Scope::All);
        while let Some(page) = pages.next().await? {
            let stores = self.base.stores_under(&rules, &page).await?;
            for declaration in &page {
                reads.note(declaration, &stores);
                let of: &mut BTreeSet<_> = targets.entry(declaration.id.cluster.clone()).or_default();
                of.insert((declaration.id.namespace.clone(), declaration.target.name.clone()));
            }
        }
        let swept = self.base.ports.registry().swept_stores().await?;
        let mut review = Review::default();
        self.review_stores(&swept, &rules, &reads, before(now, older_than), &mut review).await?;
        for SweptStore { store, interval } in &swept {
            review.wide.extend(wide(store, &rules).map(|why| (store.id.clone(), why)));
            // None has an interval either where all read once.
            if interval.is_none() && !self.is_read(&store.id).await? {
                review.unused.push(store.id.clone());
            }
        }
        self.review_clusters(&targets, &mut review).await?;
        Ok(review)
    }

    async fn is_read(&self, store: &StoreId) -> Result<bool, Error> {
        let scope = Scope::Store(store.clone());
        Ok(!self.base.ports.registry().page(&scope, None, 1).await?.is_empty())
    }

    /// Lists each store once for each identity that reads it.
    async fn review_stores(
        &self,
        swept: &[SweptStore],
        rules: &Rules,
        reads: &Reads,
        old: Timestamp,
        review: &mut Review,
    ) -> Result<(), Error> {
        let by_id: BTreeMap<&StoreId, &Store> = swept.iter().map(|it| (&it.store.id, &it.store)).collect();
        let searches: Vec<_> = reads
            .searches
            .iter()
            .filter_map(|(id, find)| {
                by_id.get(id).map(|store| (store.location(), store.backend.search(find)))
            })
            .collect();
        let mut told = BTreeSet::new();
        for (access, group) in self.groups(rules).await? {
            let name = group.stores[0].id.to_string();
            let (location, can) = (access.backend.location(), access.backend.capabilities());
            if can.changes == Changes::Made {
                continue;
            }
            if can.changes == Changes::Untold {
                review.unseen.push((name, "it does not list its keys".to_owned()));
                continue;
            }
            let listing =
                self.base.at_store(&access, self.base.ports.sources().changed_since(&access, None)).await;
            let listing = match listing {
                Ok(listing) => listing,
                Err(error) => {
                    review.unseen.push((name, error.to_string()));
                    continue;
                }
            };
            let own = |name: &String| rules.own.holds(location.provider, name);
            let others = listing.keys.iter().filter(|each| !each.names.iter().any(own));
            for each in others.filter(|each| each.version.is_some()) {
                let key = listed(each, &location);
                if !told.insert((key.location.clone(), key.key.clone())) {
                    continue;
                }
                let found = |name: &String| {
                    searches.iter().any(|(place, search)| place.agrees_with(&location) && search.finds(name))
                };
                let is_read = each.names.iter().any(|name| reads.names(&location, name) || found(name));
                if !is_read {
                    review.unread.push(key);
                } else if each.changed.is_some_and(|changed| changed < old) {
                    review.old.push(key);
                }
            }
        }
        review.old.sort_by(|one, other| (one.changed, &one.key).cmp(&(other.changed, &other.key)));
        review.unread.sort_by(|one, other| (&one.location, &one.key).cmp(&(&other.location, &other.key)));
        Ok(())
    }

    async fn review_clusters(
        &self,
        targets: &BTreeMap<ClusterName, BTreeSet<(Namespace, ObjectName)>>,
        review: &mut Review,
    ) -> Result<(), Error> {
        for cluster in self.base.ports.registry().clusters().await? {
            let name = cluster.name;
            let call = self.base.ports.clusters().managed(&name);
            match self.base.at_cluster(&name, Step::Read, call).await {
                Ok(managed) => {
                    let own = targets.get(&name);
                    let nobodys = managed.into_keys().filter(|at| !own.is_some_and(|own| own.contains(at)));
                    review
                        .orphans
                        .extend(nobodys.map(|(namespace, secret)| (name.clone(), namespace, secret)));
                }
                Err(error) => review.unseen.push((format!("cluster {name}"), error.to_string())),
            }
        }
        Ok(())
    }
}

impl Reads {
    fn note(&mut self, declaration: &Declaration, stores: &Stores) {
        for read in &declaration.reads {
            let Some(store) = stores.get(&read.store) else { continue };
            match &read.query {
                Query::Key(_) => {
                    let keys = store.index_keys(&read.query);
                    self.keys.extend(keys.iter().map(|key| key.as_str().to_owned()));
                }
                Query::Find(find) => drop(self.searches.insert((store.id.clone(), find.clone()))),
                Query::Generate => {}
            }
        }
    }

    /// Whether a declaration reads the key of this name by itself.
    fn names(&self, location: &Location, name: &str) -> bool {
        let every = location.search_key();
        let keys = location.index_keys(name);
        keys.iter().any(|key| *key != every && self.keys.contains(key.as_str()))
    }
}

fn before(now: Timestamp, age: SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// The key under the shortest of its names: an ARN is longer.
fn listed(listed: &Listed, location: &Location) -> ListedKey {
    let key = listed.names.iter().min_by_key(|name| name.len()).cloned().unwrap_or_default();
    ListedKey { location: location.to_string(), key, changed: listed.changed }
}

/// How more may read a store than need to.
fn wide(store: &Store, rules: &Rules) -> Option<String> {
    if store.id.namespace.is_some() || !store.conditions.is_empty() {
        return None;
    }
    let who = match &store.id.home {
        Home::Applied => "every namespace of every cluster".to_owned(),
        Home::Cluster(cluster) => format!("every namespace of cluster {cluster}"),
    };
    let policy = if rules.governs(store) { "" } else { ", and no StorePolicy limits which keys" };
    Some(format!("{who} may read it{policy}"))
}
