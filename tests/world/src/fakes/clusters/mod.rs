//! Clusters in memory: Secrets with resourceVersions, owners of fields and conflicts, as an API server keeps them.

mod credentials;
mod families;
mod objects;
mod port;
mod stored;

pub use stored::StoredSecret;

use crate::build::id;
use crate::door::{Door, lock};
use pawl_domain::declaration::Manifest;
use pawl_domain::push::PushData;
use pawl_domain::reconcile::Existing;
use pawl_domain::spread::{Child, Parent};
use pawl_domain::{ClusterName, DeclarationId, Manifests, Namespace, ObjectName, SecretValue, StoreId};
use pawl_ports::{ApiEndpoint, PushStatus, Status, StoreStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Clusters in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeClusters {
    pub(crate) door: Door,
    clusters: Arc<Mutex<BTreeMap<ClusterName, State>>>,
}

/// One cluster.
#[derive(Debug, Default)]
struct State {
    /// Counts the writes of all objects: resourceVersions and uids are made of it.
    turn: u64,
    namespaces: BTreeMap<Namespace, BTreeMap<String, String>>,
    secrets: BTreeMap<(Namespace, ObjectName), StoredSecret>,
    /// Objects of other kinds, by namespace, kind and name.
    objects: BTreeMap<(Namespace, Manifest, ObjectName), Existing>,
    history: Vec<(Namespace, ObjectName, BTreeMap<String, SecretValue>)>,
    config_maps: BTreeMap<(Namespace, ObjectName), BTreeMap<String, String>>,
    service_accounts: BTreeMap<(Namespace, ObjectName), BTreeMap<String, String>>,
    /// Where its API server is said to be.
    endpoint: Option<ApiEndpoint>,
    manifests: Manifests,
    /// ClusterExternalSecrets, and the ExternalSecrets that have their names. What these declare a test says by `manifests`.
    parents: BTreeMap<ObjectName, Parent>,
    children: BTreeMap<(Namespace, ObjectName), Child>,
    published: Vec<(DeclarationId, Status)>,
    told_pushes: Vec<(DeclarationId, PushStatus)>,
    /// The PushSecrets that have the finalizer.
    finalized: BTreeSet<DeclarationId>,
    /// What the status of PushSecrets says that stands in stores.
    pushed: BTreeMap<DeclarationId, Vec<(StoreId, PushData)>>,
    told_stores: Vec<(StoreId, StoreStatus)>,
}

impl FakeClusters {
    /// A cluster comes into being, empty.
    pub fn add(&self, cluster: &ClusterName) {
        lock(&self.clusters).entry(cluster.clone()).or_default();
    }

    /// A namespace comes into being with these labels, or gets them in place of those that it had.
    pub fn set_namespace(&self, cluster: &ClusterName, name: &Namespace, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.with(cluster, |state| state.namespaces.insert(name.clone(), labels));
    }

    /// A namespace comes into being unless it is there.
    pub fn ensure_namespace(&self, cluster: &ClusterName, name: &Namespace) {
        self.with(cluster, |state| state.namespaces.entry(name.clone()).or_default().clone());
    }

    /// A ConfigMap comes into being, or gets this data.
    pub fn set_config_map(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        data: &[(&str, &str)],
    ) {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.with(cluster, |state| state.config_maps.insert((namespace.clone(), name.clone()), data));
    }

    /// A namespace goes, with all its Secrets.
    pub fn remove_namespace(&self, cluster: &ClusterName, name: &Namespace) {
        self.with(cluster, |state| {
            state.namespaces.remove(name);
            state.secrets.retain(|(namespace, _), _| namespace != name);
            state.children.retain(|(namespace, _), _| namespace != name);
        });
    }

    /// The Secret `<cluster>/<namespace>/<name>` as it stands.
    pub fn secret(&self, text: &str) -> Option<StoredSecret> {
        let (cluster, at) = place(text);
        self.with(&cluster, |state| state.secrets.get(&at).cloned())
    }

    /// Its data as text. Empty when there is no such Secret.
    pub fn data(&self, text: &str) -> BTreeMap<String, String> {
        self.secret(text).map(|secret| texts(&secret.data)).unwrap_or_default()
    }

    /// Every data that was ever written to it, in order: what must never go back.
    pub fn history(&self, text: &str) -> Vec<BTreeMap<String, String>> {
        let (cluster, at) = place(text);
        self.with(&cluster, |state| {
            let own = state.history.iter().filter(|(namespace, name, _)| (namespace, name) == (&at.0, &at.1));
            own.map(|(_, _, data)| texts(data)).collect()
        })
    }

    /// Somebody else edits a Secret, or makes it: `edit` gets it as it stands, or empty.
    pub fn edit(&self, text: &str, edit: impl FnOnce(&mut StoredSecret)) {
        let (cluster, at) = place(text);
        self.ensure_namespace(&cluster, &at.0);
        self.with(&cluster, |state| {
            let mut secret = state.secrets.get(&at).cloned().unwrap_or_default();
            edit(&mut secret);
            state.store(&at, secret);
        });
    }

    /// Somebody else deletes a Secret.
    pub fn delete(&self, text: &str) {
        let (cluster, at) = place(text);
        self.with(&cluster, |state| {
            state.turn += 1;
            state.secrets.remove(&at);
        });
    }

    /// The manifests that live in a cluster.
    pub fn set_manifests(&self, cluster: &ClusterName, manifests: Manifests) {
        self.with(cluster, |state| state.manifests = manifests);
    }

    /// A service account comes into being with these annotations.
    pub fn add_service_account(&self, text: &str, annotations: &[(&str, &str)]) {
        let (cluster, at) = place(text);
        self.ensure_namespace(&cluster, &at.0);
        let annotations =
            annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.with(&cluster, |state| state.service_accounts.insert(at, annotations));
    }

    /// Says where a cluster's API server is.
    pub fn set_endpoint(&self, cluster: &ClusterName, endpoint: ApiEndpoint) {
        self.with(cluster, |state| state.endpoint = Some(endpoint));
    }

    /// Every status that was written back to a cluster, in order.
    pub fn published(&self, cluster: &ClusterName) -> Vec<(DeclarationId, Status)> {
        self.with(cluster, |state| state.published.clone())
    }

    /// Every status that was written to a store of a cluster, in order.
    pub fn told_stores(&self, cluster: &ClusterName) -> Vec<(StoreId, StoreStatus)> {
        self.with(cluster, |state| state.told_stores.clone())
    }

    /// Every status that was written to a PushSecret of a cluster, in order.
    pub fn told_pushes(&self, cluster: &ClusterName) -> Vec<(DeclarationId, PushStatus)> {
        self.with(cluster, |state| state.told_pushes.clone())
    }

    /// What stands in stores, as ESO wrote it into a PushSecret's status.
    pub fn set_pushed(&self, id: &DeclarationId, entries: Vec<(StoreId, PushData)>) {
        self.with(&id.cluster, |state| state.pushed.insert(id.clone(), entries));
    }

    /// Whether a PushSecret has the finalizer.
    pub fn is_finalized(&self, text: &str) -> bool {
        let id = id(text);
        self.with(&id.cluster, |state| state.finalized.contains(&id))
    }

    /// Every status that was written back anywhere, as text.
    pub(crate) fn all_published(&self) -> String {
        let all = |state: &State| format!("{:?} {:?}", state.published, state.told_pushes);
        lock(&self.clusters).values().map(all).collect()
    }

    pub(crate) fn has(&self, cluster: &ClusterName) -> bool {
        lock(&self.clusters).contains_key(cluster)
    }

    fn with<T>(&self, cluster: &ClusterName, look: impl FnOnce(&mut State) -> T) -> T {
        let mut clusters = lock(&self.clusters);
        look(clusters.get_mut(cluster).unwrap_or_else(|| panic!("there is no cluster {cluster}")))
    }
}

impl State {
    /// Stores a Secret under a new resourceVersion, unless it already stands like this.
    fn store(&mut self, at: &(Namespace, ObjectName), mut secret: StoredSecret) -> String {
        let old = self.secrets.get(at);
        if let Some(old) = old.filter(|old| secret.says_the_same(old)) {
            return old.resource_version.clone();
        }
        let new_data = old.is_none_or(|old| old.data != secret.data);
        self.turn += 1;
        if secret.uid.is_empty() {
            secret.uid = format!("00000000-0000-4000-8000-{:012}", self.turn);
        }
        secret.resource_version = self.turn.to_string();
        if new_data {
            self.history.push((at.0.clone(), at.1.clone(), secret.data.clone()));
        }
        let version = secret.resource_version.clone();
        self.secrets.insert(at.clone(), secret);
        version
    }
}

fn place(text: &str) -> (ClusterName, (Namespace, ObjectName)) {
    let id = id(text);
    (id.cluster, (id.namespace, id.name))
}

fn texts(data: &BTreeMap<String, SecretValue>) -> BTreeMap<String, String> {
    data.iter()
        .map(|(key, value)| (key.clone(), String::from_utf8_lossy(value.expose()).into_owned()))
        .collect()
}
