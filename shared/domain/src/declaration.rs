//! Declarations: what each ExternalSecret reads, how it renders and where it goes.

mod read;
mod refresh;
mod target;

pub use crate::query::{Find, InvalidPattern, NamePattern, Query, Remote};
pub use read::{Decoding, Into, KeyConversion, Merge, NullBytes, OnConflict, Read, Rewrite};
pub use refresh::{Refresh, RefreshPolicy, SyncWindow, SyncWindows, WindowKind};
pub use target::{
    CreationPolicy, DeletionPolicy, Engine, Manifest, Target, Template, TemplateAs, TemplateFrom,
    TemplateItem, TemplateObject, TemplateScope, TemplateSource,
};

use crate::key::IndexKey;
use crate::name::{ClusterName, InvalidName, Namespace, ObjectName, SetName};
use crate::store::{Home, Store, StoreId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Identifies a declaration: `<cluster>/<namespace>/<name>`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeclarationId {
    /// The cluster that the target is written to.
    pub cluster: ClusterName,
    /// The namespace of the ExternalSecret and of its target.
    pub namespace: Namespace,
    /// The ExternalSecret's name.
    pub name: ObjectName,
}

impl fmt::Display for DeclarationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.cluster, self.namespace, self.name)
    }
}

impl From<DeclarationId> for String {
    fn from(id: DeclarationId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for DeclarationId {
    type Error = InvalidDeclarationId;

    fn try_from(text: String) -> Result<Self, InvalidDeclarationId> {
        text.parse()
    }
}

impl std::str::FromStr for DeclarationId {
    type Err = InvalidDeclarationId;

    fn from_str(text: &str) -> Result<Self, InvalidDeclarationId> {
        let parts: Vec<&str> = text.split('/').collect();
        let [cluster, namespace, name] = parts[..] else { return Err(InvalidDeclarationId::Parts) };
        Ok(Self { cluster: cluster.parse()?, namespace: namespace.parse()?, name: name.parse()? })
    }
}

/// The text does not identify a declaration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDeclarationId {
    /// It has not three parts.
    #[error("write a declaration as <cluster>/<namespace>/<name>")]
    Parts,
    /// One of the parts is not a valid name.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// An ExternalSecret for one cluster and namespace, parsed and closed: nothing in it needs a second look.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Declaration {
    /// Which declaration this is, and with that where its target goes.
    pub id: DeclarationId,
    /// Where its manifest was found.
    pub home: Home,
    /// The uid of the ExternalSecret, when it lives in the target cluster; owner references need it.
    pub uid: Option<String>,
    /// The ExternalSecret's labels, which a target without a template takes over.
    pub labels: BTreeMap<String, String>,
    /// The ExternalSecret's annotations, which a target without a template takes over.
    pub annotations: BTreeMap<String, String>,
    /// What is read, in the order in which it is laid over each other: `dataFrom` first, then `data`.
    pub reads: Vec<Read>,
    /// The Secret that is written.
    pub target: Target,
    /// When it is read again.
    pub refresh: Refresh,
    /// ESO's `status.syncedResourceVersion` for the manifest that this was read from, where it lives in a cluster: what
    /// its status says once this has been written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<String>,
    /// The set that it was applied with. `None` where it lives in a cluster, or was applied before there were sets.
    /// No digest knows it: whose a manifest is makes no difference to what is made of it.
    #[serde(skip)]
    pub set: Option<SetName>,
    /// The applied ClusterExternalSecret of its cluster that it is made of. `None` where it is declared by itself. No digest
    /// knows it, for the same reason.
    #[serde(skip)]
    pub pattern: Option<ObjectName>,
}

impl Declaration {
    /// The stores that this declaration reads.
    pub fn stores(&self) -> BTreeSet<StoreId> {
        self.reads.iter().map(|read| read.store.clone()).collect()
    }

    /// Whether any of it is made by generators.
    pub fn generates(&self) -> bool {
        self.reads.iter().any(|read| read.query == Query::Generate)
    }

    /// The index keys under which a change finds this declaration, and a sweep. Reads of stores that are not given are
    /// left out.
    pub fn index_keys<'a>(&self, store: impl Fn(&StoreId) -> Option<&'a Store>) -> BTreeSet<IndexKey> {
        let of_read = |read: &Read| {
            let store = store(&read.store)?;
            let mut keys = store.index_keys(&read.query);
            keys.extend(self.reads_templates().then(|| store.location().templates_key()));
            let shrinks =
                self.target.deletion != DeletionPolicy::Retain || matches!(read.query, Query::Find(_));
            let hidden = store.hides_deletions() && shrinks;
            keys.extend(hidden.then(|| store.location().deletions_key()));
            Some(keys)
        };
        self.reads.iter().filter_map(of_read).flatten().collect()
    }

    /// Whether templates stand in objects of the cluster, of whose changes nobody tells.
    pub fn reads_templates(&self) -> bool {
        self.target.template.as_ref().is_some_and(|template| !template.sources().is_empty())
    }

    /// Whether an edited manifest makes the target follow. Source: ESO's refresh decision.
    pub fn follows_manifest(&self) -> bool {
        match self.refresh.policy {
            RefreshPolicy::CreatedOnce => false,
            RefreshPolicy::OnChange => true,
            RefreshPolicy::Periodic => !self.refresh.interval.is_zero(),
        }
    }

    /// Whether both declare the same, whatever sets they belong to and whatever they are made of.
    pub fn declares_as(&self, other: &Self) -> bool {
        match (&self.set, &self.pattern) == (&other.set, &other.pattern) {
            true => self == other,
            false => {
                let alone = |it: &Self| Self { set: None, pattern: None, ..it.clone() };
                alone(self) == alone(other)
            }
        }
    }

    /// A digest of everything declared, in lower case hex: equal exactly when nothing in the declaration changed.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// A digest of everything that the data of the target are made of: it stays while only names, labels and annotations
    /// of the ExternalSecret are edited, and the like.
    pub fn data_digest(&self) -> String {
        let Self {
            reads,
            target,
            id: _,
            uid: _,
            labels: _,
            annotations: _,
            home: _,
            refresh: _,
            synced: _,
            set: _,
            pattern: _,
        } = self;
        digest(&(reads, target))
    }

    /// A digest of everything that the target is made of: it stays while only `refreshInterval` and the like are edited.
    pub fn target_digest(&self) -> String {
        let Self {
            id,
            uid,
            labels,
            annotations,
            reads,
            target,
            home: _,
            refresh: _,
            synced: _,
            set: _,
            pattern: _,
        } = self;
        digest(&(id, uid, labels, annotations, reads, target))
    }
}

fn digest(document: &impl Serialize) -> String {
    // Serialising plain data with text keys cannot fail.
    hex::encode(Sha256::digest(serde_json::to_vec(document).unwrap_or_default()))
}
