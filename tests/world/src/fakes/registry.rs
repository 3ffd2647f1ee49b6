use crate::door::{Door, Passage, lock};
use crate::fault::Point;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, IndexKey, ObjectName, Store, StoreId, StorePolicy,
};
use pawl_ports::{
    Catalogue, DocumentKind, Error, Patterns, Policies, Put, Registry, Scope, SweptStore, Unreadable,
    readable,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

/// A registry in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeRegistry {
    pub(crate) door: Door,
    state: Arc<Mutex<State>>,
    pub(super) pushes: Arc<Mutex<super::pushes::Kept>>,
}

#[derive(Debug, Default)]
struct State {
    declarations: BTreeMap<DeclarationId, (Declaration, BTreeSet<IndexKey>)>,
    index: BTreeSet<(IndexKey, DeclarationId)>,
    stores: BTreeMap<StoreId, Store>,
    clusters: BTreeMap<ClusterName, Cluster>,
    policies: BTreeMap<ObjectName, StorePolicy>,
    patterns: BTreeMap<PatternId, Pattern>,
    /// Kind and id of what cannot be read.
    damaged: BTreeSet<(DocumentKind, String)>,
}

impl FakeRegistry {
    /// Puts a store, without that being a call.
    pub fn add_store(&self, store: Store) {
        lock(&self.state).stores.insert(store.id.clone(), store);
    }

    /// Puts a cluster, without that being a call.
    pub fn add_cluster(&self, cluster: Cluster) {
        lock(&self.state).clusters.insert(cluster.name.clone(), cluster);
    }

    /// Puts a policy, without that being a call.
    pub fn add_policy(&self, policy: StorePolicy) {
        lock(&self.state).policies.insert(policy.name.clone(), policy);
    }

    /// Puts a declaration under the index keys that the stores known by now give it, without that being a call.
    pub fn add_declaration(&self, declaration: &Declaration) {
        let mut state = lock(&self.state);
        let keys = declaration.index_keys(|id| state.stores.get(id));
        state.put(declaration, &keys);
    }

    /// Makes the document of this kind and id one that cannot be read, without that being a call.
    pub fn damage(&self, kind: DocumentKind, id: &str) {
        lock(&self.state).damaged.insert((kind, id.to_owned()));
    }

    /// Everything that stands here, as text, to be searched for what must not.
    pub fn dump(&self) -> String {
        format!("{:?} {}", lock(&self.state), self.dump_pushes())
    }

    pub(super) async fn reading(&self, subject: &str) -> Result<Passage, Error> {
        self.door.pass(Point::Lookup, &[subject], |calls| calls.registry_reads += 1).await
    }

    pub(super) async fn writing(&self, subject: &str) -> Result<Passage, Error> {
        self.door.pass(Point::Catalogue, &[subject], |calls| calls.registry_writes += 1).await
    }
}

impl Registry for FakeRegistry {
    async fn candidates(&self, keys: &BTreeSet<IndexKey>) -> Result<Vec<DeclarationId>, Error> {
        let subject = keys.first().map_or("", IndexKey::as_str);
        let passage = self.door.pass(Point::Lookup, &[subject], |calls| calls.lookups += 1).await?;
        let found: BTreeSet<DeclarationId> = {
            let state = lock(&self.state);
            let of_key = |key: &IndexKey| state.under(key).cloned().collect::<Vec<_>>();
            keys.iter().flat_map(of_key).collect()
        };
        passage.leave(found.into_iter().collect())
    }

    async fn declarations(&self, ids: &[DeclarationId]) -> Result<Vec<Declaration>, Error> {
        let passage = self.reading("declarations").await?;
        let found = {
            let state = lock(&self.state);
            let ids: BTreeSet<_> = ids.iter().collect();
            ids.into_iter()
                .filter_map(|id| state.declarations.get(id))
                .filter(|(found, _)| state.is_readable(DocumentKind::Declaration, &found.id))
                .map(|(found, _)| found.clone())
                .collect()
        };
        passage.leave(found)
    }

    async fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<Declaration>, Error> {
        let passage = self.reading("page").await?;
        let page = {
            let state = lock(&self.state);
            let above = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
            let all =
                state.declarations.range::<DeclarationId, _>(above).map(|(_, (declaration, _))| declaration);
            let within = all.filter(|declaration| match scope {
                Scope::All => true,
                Scope::Cluster(cluster) => declaration.id.cluster == *cluster,
                Scope::Home(home) => declaration.home == *home,
                Scope::Store(store) => declaration.stores().contains(store),
            });
            let within = within.filter(|each| state.is_readable(DocumentKind::Declaration, &each.id));
            within.take(limit).cloned().collect()
        };
        passage.leave(page)
    }

    async fn stores(&self, ids: &BTreeSet<StoreId>) -> Result<Vec<Store>, Error> {
        let passage = self.reading("stores").await?;
        let found = {
            let state = lock(&self.state);
            let found = ids.iter().filter_map(|id| state.stores.get(id));
            found.filter(|store| state.is_readable(DocumentKind::Store, &store.id)).cloned().collect()
        };
        passage.leave(found)
    }

    async fn swept_stores(&self) -> Result<Vec<SweptStore>, Error> {
        let passage = self.reading("swept stores").await?;
        let swept = {
            let state = lock(&self.state);
            let swept = |store: &Store| {
                let readers = state.declarations.values().map(|(declaration, _)| declaration);
                let repeated = readers.filter(|reader| !reader.refresh.reads_once());
                let of_store = repeated.filter(|reader| reader.stores().contains(&store.id));
                SweptStore {
                    store: store.clone(),
                    interval: of_store.map(|reader| reader.refresh.interval).min(),
                }
            };
            let stores = state.stores.values();
            stores.filter(|store| state.is_readable(DocumentKind::Store, &store.id)).map(swept).collect()
        };
        passage.leave(swept)
    }

    async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        let passage = self.reading("clusters").await?;
        let clusters = {
            let state = lock(&self.state);
            let clusters = state.clusters.values();
            clusters.filter(|each| state.is_readable(DocumentKind::Cluster, &each.name)).cloned().collect()
        };
        passage.leave(clusters)
    }

    async fn policies(&self) -> Result<Policies, Error> {
        let passage = self.reading("policies").await?;
        let policies = {
            let state = lock(&self.state);
            Policies::of(state.policies.values().map(|policy| {
                let name = policy.name.to_string();
                match state.damaged.contains(&(DocumentKind::Policy, name.clone())) {
                    true => Err(unreadable(DocumentKind::Policy, &name)),
                    false => Ok(policy.clone()),
                }
            }))
        };
        passage.leave(policies)
    }

    async fn patterns(&self) -> Result<Patterns, Error> {
        let passage = self.reading("patterns").await?;
        let patterns = {
            let state = lock(&self.state);
            Patterns::of(state.patterns.values().map(|pattern| {
                let id = pattern.id().path();
                match state.damaged.contains(&(DocumentKind::Pattern, id.clone())) {
                    true => Err(unreadable(DocumentKind::Pattern, &id)),
                    false => Ok(pattern.clone()),
                }
            }))
        };
        passage.leave(patterns)
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        let passage = self.reading("unreadable").await?;
        let found = lock(&self.state).damaged.iter().map(|(kind, id)| unreadable(*kind, id)).collect();
        passage.leave(found)
    }
}

impl Catalogue for FakeRegistry {
    async fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        standing: Option<&Declaration>,
    ) -> Result<Put, Error> {
        let passage = self.writing(&declaration.id.to_string()).await?;
        let put = {
            let mut state = lock(&self.state);
            let may = match standing {
                _ if state.has(declaration) => true,
                Some(standing) => state.has(standing),
                None => !state.has_readable(&declaration.id),
            };
            may.then(|| state.put(declaration, keys))
        };
        match put {
            Some(put) => passage.leave(put),
            None => Err(Error::another_stands(&format_args!("declaration {}", declaration.id))),
        }
    }

    async fn remove(&self, id: &DeclarationId) -> Result<bool, Error> {
        let passage = self.writing(&id.to_string()).await?;
        let removed = lock(&self.state).take(id).is_some();
        passage.leave(removed)
    }

    async fn remove_this(&self, declaration: &Declaration) -> Result<bool, Error> {
        let passage = self.writing(&declaration.id.to_string()).await?;
        let removed = {
            let mut state = lock(&self.state);
            state.has(declaration) && state.take(&declaration.id).is_some()
        };
        passage.leave(removed)
    }

    async fn put_store(&self, store: &Store) -> Result<Put, Error> {
        let passage = self.writing(&store.id.to_string()).await?;
        let put = {
            let mut state = lock(&self.state);
            let put = replace(&mut state.stores, &store.id, store);
            state.mended(DocumentKind::Store, &store.id, put)
        };
        passage.leave(put)
    }

    async fn remove_store(&self, id: &StoreId) -> Result<bool, Error> {
        let passage = self.writing(&id.to_string()).await?;
        let removed = {
            let mut state = lock(&self.state);
            state.mended(DocumentKind::Store, id, Put::Changed);
            state.stores.remove(id).is_some()
        };
        passage.leave(removed)
    }

    async fn put_cluster(&self, cluster: &Cluster) -> Result<Put, Error> {
        let passage = self.writing(cluster.name.as_str()).await?;
        let put = {
            let mut state = lock(&self.state);
            let put = replace(&mut state.clusters, &cluster.name, cluster);
            state.mended(DocumentKind::Cluster, &cluster.name, put)
        };
        passage.leave(put)
    }

    async fn put_policy(&self, policy: &StorePolicy) -> Result<Put, Error> {
        let passage = self.writing(policy.name.as_str()).await?;
        let put = {
            let mut state = lock(&self.state);
            let put = replace(&mut state.policies, &policy.name, policy);
            state.mended(DocumentKind::Policy, &policy.name, put)
        };
        passage.leave(put)
    }

    async fn remove_policy(&self, name: &ObjectName) -> Result<bool, Error> {
        let passage = self.writing(name.as_str()).await?;
        let removed = {
            let mut state = lock(&self.state);
            state.mended(DocumentKind::Policy, name, Put::Changed);
            state.policies.remove(name).is_some()
        };
        passage.leave(removed)
    }

    async fn put_pattern(&self, pattern: &Pattern, standing: Option<&Pattern>) -> Result<Put, Error> {
        let id = pattern.id();
        let shown = id.path();
        let passage = self.writing(&shown).await?;
        let put = {
            let mut state = lock(&self.state);
            let is_readable = !state.damaged.contains(&(DocumentKind::Pattern, shown.clone()));
            let may_replace = match state.patterns.get(&id) {
                None => standing.is_none(),
                Some(stands) => !is_readable || stands == pattern || standing == Some(stands),
            };
            may_replace.then(|| {
                let put = replace(&mut state.patterns, &id, pattern);
                state.mended(DocumentKind::Pattern, &shown, put)
            })
        };
        passage.leave(put.ok_or_else(|| Error::another_stands(&id)))?
    }

    async fn remove_pattern(&self, id: &PatternId) -> Result<bool, Error> {
        let shown = id.path();
        let passage = self.writing(&shown).await?;
        let removed = {
            let mut state = lock(&self.state);
            state.mended(DocumentKind::Pattern, &shown, Put::Changed);
            state.patterns.remove(id).is_some()
        };
        passage.leave(removed)
    }

    async fn remove_this_pattern(&self, pattern: &Pattern) -> Result<bool, Error> {
        let id = pattern.id();
        let passage = self.writing(&id.path()).await?;
        let removed = {
            let mut state = lock(&self.state);
            let is_readable = !state.damaged.contains(&(DocumentKind::Pattern, id.path()));
            let is_it = is_readable && state.patterns.get(&id) == Some(pattern);
            is_it && state.patterns.remove(&id).is_some()
        };
        passage.leave(removed)
    }

    async fn remove_cluster(&self, name: &ClusterName) -> Result<bool, Error> {
        let passage = self.writing(name.as_str()).await?;
        let removed = {
            let mut state = lock(&self.state);
            state.mended(DocumentKind::Cluster, name, Put::Changed);
            state.clusters.remove(name).is_some()
        };
        passage.leave(removed)
    }
}

impl State {
    fn put(&mut self, declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> Put {
        let id = &declaration.id;
        let new = (declaration.clone(), keys.clone());
        if self.declarations.get(id) == Some(&new) {
            return self.mended(DocumentKind::Declaration, id, Put::Unchanged);
        }
        let old = self.take(id);
        self.index.extend(keys.iter().map(|key| (key.clone(), id.clone())));
        self.declarations.insert(id.clone(), new);
        if old.is_some() { Put::Changed } else { Put::Created }
    }

    /// Whether it is this one that stands, and can be read.
    fn has(&self, declaration: &Declaration) -> bool {
        let damaged = (DocumentKind::Declaration, declaration.id.to_string());
        let stands = self.declarations.get(&declaration.id).is_some_and(|(stands, _)| stands == declaration);
        stands && !self.damaged.contains(&damaged)
    }

    /// Whether anything stands under this id that can be read.
    fn has_readable(&self, id: &DeclarationId) -> bool {
        let damaged = (DocumentKind::Declaration, id.to_string());
        self.declarations.contains_key(id) && !self.damaged.contains(&damaged)
    }

    fn take(&mut self, id: &DeclarationId) -> Option<Declaration> {
        self.mended(DocumentKind::Declaration, id, Put::Changed);
        let (declaration, keys) = self.declarations.remove(id)?;
        for key in keys {
            self.index.remove(&(key, id.clone()));
        }
        Some(declaration)
    }

    /// Tells of what cannot be read, as the adapters do.
    fn is_readable(&self, kind: DocumentKind, id: &impl ToString) -> bool {
        let id = id.to_string();
        let damaged = self.damaged.contains(&(kind, id.clone()));
        readable(if damaged { Err(unreadable(kind, &id)) } else { Ok(()) }).is_some()
    }

    /// What a put found, where a document that could not be read may have stood.
    fn mended(&mut self, kind: DocumentKind, id: &impl ToString, put: Put) -> Put {
        if self.damaged.remove(&(kind, id.to_string())) { Put::Changed } else { put }
    }

    fn under<'a>(&'a self, key: &'a IndexKey) -> impl Iterator<Item = &'a DeclarationId> {
        // A range needs a smallest id; the names that are valid have one.
        let first = (key.clone(), crate::build::id("0/0/0"));
        self.index.range(first..).take_while(move |(found, _)| found == key).map(|(_, id)| id)
    }
}

pub(super) fn unreadable(kind: DocumentKind, id: &str) -> Unreadable {
    Unreadable { kind, id: id.to_owned(), reason: "it is damaged".to_owned() }
}

fn replace<K: Clone + Ord, V: Clone + PartialEq>(map: &mut BTreeMap<K, V>, key: &K, value: &V) -> Put {
    match map.insert(key.clone(), value.clone()) {
        None => Put::Created,
        Some(old) if old == *value => Put::Unchanged,
        Some(_) => Put::Changed,
    }
}
