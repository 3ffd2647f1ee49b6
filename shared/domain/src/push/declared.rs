use super::RemoteEntry;
use crate::declaration::{DeclarationId, Rewrite, Template, TemplateSource};
use crate::name::{ObjectName, SetName};
use crate::store::{Home, LabelSelector, StoreId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A PushSecret for one cluster and namespace, parsed and closed. Source of fields and defaults: ESO's CRD, 2.9.
#[derive(Clone, Debug, PartialEq)]
pub struct PushSecret {
    /// Which PushSecret this is. Its source is in this cluster and namespace.
    pub id: DeclarationId,
    /// Where its manifest was found. Its stores are found there, too.
    pub home: Home,
    /// The uid of the PushSecret, when it lives in the cluster of its source.
    pub uid: Option<String>,
    /// `secretStoreRefs`: the stores that it writes to.
    pub stores: Vec<StoreChoice>,
    /// `selector`: what is pushed.
    pub source: PushSource,
    /// `data`, in order.
    pub data: Vec<PushData>,
    /// `dataTo`, in order.
    pub data_to: Vec<PushDataTo>,
    /// `template`: what is made of the source's data before it is pushed. It adds to the data and never clears it.
    pub template: Option<Template>,
    /// `updatePolicy`.
    pub update: PushUpdate,
    /// `deletionPolicy`.
    pub deletion: PushDeletion,
    /// `refreshInterval`: how often what stands in the stores is compared. Zero compares once, and after each edit.
    pub interval: Duration,
    /// ESO's `status.syncedResourceVersion` for the manifest that this was read from, where it lives in a cluster.
    pub synced: Option<String>,
    /// Whether somebody has deleted it in its cluster, where it waits for its finalizer.
    pub deleting: bool,
    /// The set that it was applied with; `None` where it lives in a cluster.
    pub set: Option<SetName>,
}

impl PushSecret {
    /// The stores that it names. Those that it chooses by labels are not among them.
    pub fn named_stores(&self) -> impl Iterator<Item = StoreId> + '_ {
        self.stores.iter().filter_map(|choice| choice.named(self))
    }

    /// Whether one of these Secrets may be its source, or was. What it chooses by labels only the cluster can tell.
    pub fn may_push(&self, secrets: &BTreeSet<&ObjectName>) -> bool {
        let templates = self.template.iter().flat_map(|template| template.sources());
        let of_template = |source: TemplateSource| match source {
            TemplateSource::Secret(name) => secrets.contains(&name),
            TemplateSource::ConfigMap(_) => false,
        };
        match &self.source {
            PushSource::Secret(ByNameOrLabels::Name(own)) => {
                secrets.contains(own) || templates.into_iter().any(of_template)
            }
            PushSource::Secret(ByNameOrLabels::Labels(_)) => true,
        }
    }
}

/// One of `secretStoreRefs`, or the `storeRef` of a `dataTo`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreChoice {
    /// Whether ClusterSecretStores are meant, and not the SecretStores of the namespace.
    pub cluster_wide: bool,
    /// Which of them.
    pub by: ByNameOrLabels,
}

impl StoreChoice {
    /// The store, if it is named.
    pub fn named(&self, push: &PushSecret) -> Option<StoreId> {
        let ByNameOrLabels::Name(name) = &self.by else { return None };
        let namespace = (!self.cluster_wide).then(|| push.id.namespace.clone());
        Some(StoreId { home: push.home.clone(), namespace, name: name.clone(), generator: None })
    }

    /// Whether a store with these labels is meant.
    pub fn means(&self, store: &StoreId, labels: &BTreeMap<String, String>) -> bool {
        // Generators stand among the stores, and take no values.
        store.generator.is_none()
            && self.cluster_wide == store.namespace.is_none()
            && match &self.by {
                ByNameOrLabels::Name(name) => *name == store.name,
                ByNameOrLabels::Labels(selector) => selector.matches(labels),
            }
    }
}

/// Objects by name, or all that a label selector matches.
#[derive(Clone, Debug, PartialEq)]
pub enum ByNameOrLabels {
    /// The one of this name.
    Name(ObjectName),
    /// All whose labels match.
    Labels(LabelSelector),
}

/// `selector`: what is pushed. A generator will be one more variant.
#[derive(Clone, Debug, PartialEq)]
pub enum PushSource {
    /// Secrets of the PushSecret's namespace.
    Secret(ByNameOrLabels),
}

/// One of `data`, and what a `dataTo` becomes: ESO's `PushSecretData`, as it also stands in the status.
#[derive(Clone, Debug, PartialEq)]
pub struct PushData {
    /// `match.secretKey`: the key of the source; `None` for all of it.
    pub secret_key: Option<String>,
    /// `match.remoteRef`: where it goes.
    pub to: RemoteEntry,
    /// `metadata`, as it stands in the manifest.
    pub metadata: Option<serde_json::Value>,
    /// `conversionStrategy: ReverseUnicode`: keys of the source are read back from `_Uxxxx_` first.
    pub reverses_unicode: bool,
}

/// One of `dataTo`: many keys of the source at once.
#[derive(Clone, Debug, PartialEq)]
pub struct PushDataTo {
    /// `storeRef`: the stores that it is for.
    pub store: StoreChoice,
    /// `remoteKey`: all matching keys become one entry there. `None` makes an entry of each.
    pub bundle: Option<String>,
    /// `match.regexp`: an RE2 pattern of the keys that are pushed; `None` for all.
    pub pattern: Option<String>,
    /// `rewrite`: how keys of the source become keys of the store. Never merges.
    pub rewrite: Vec<Rewrite>,
    /// `metadata` of each entry.
    pub metadata: Option<serde_json::Value>,
    /// `conversionStrategy: ReverseUnicode`.
    pub reverses_unicode: bool,
}

/// `updatePolicy`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PushUpdate {
    /// What stands in the store is replaced.
    #[default]
    Replace,
    /// What the store has already is left as it is.
    IfNotExists,
}

/// `deletionPolicy`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PushDeletion {
    /// What is not pushed any more is removed from the stores, and everything with the PushSecret or its source.
    Delete,
    /// What was pushed stays.
    #[default]
    None,
}
