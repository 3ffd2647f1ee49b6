//! Declarations: what each ExternalSecret reads, how it renders and where it goes.

use crate::key::{IndexKey, VersionSelector};
use crate::name::{ClusterName, InvalidName, Namespace, ObjectName};
use crate::store::{Home, Store, StoreId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

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
    /// The ExternalSecret's labels, which the target takes over.
    pub labels: BTreeMap<String, String>,
    /// The ExternalSecret's annotations, which the target takes over.
    pub annotations: BTreeMap<String, String>,
    /// What is read, in the order in which it is laid over each other: `dataFrom` first, then `data`.
    pub reads: Vec<Read>,
    /// The Secret that is written.
    pub target: Target,
    /// When it is read again.
    pub refresh: Refresh,
}

impl Declaration {
    /// The stores that this declaration reads.
    pub fn stores(&self) -> BTreeSet<StoreId> {
        self.reads.iter().map(|read| read.store.clone()).collect()
    }

    /// The index keys under which a change finds this declaration. Reads of stores that are not given are left out.
    pub fn index_keys<'a>(&self, store: impl Fn(&StoreId) -> Option<&'a Store>) -> BTreeSet<IndexKey> {
        let of_read = |read: &Read| {
            let store = store(&read.store)?;
            Some(store.location().index_keys(&store.remote_key(&read.key)))
        };
        self.reads.iter().filter_map(of_read).flatten().collect()
    }

    /// Whether an edited manifest makes the target follow. Source: ESO's refresh decision.
    pub fn follows_manifest(&self) -> bool {
        match self.refresh.policy {
            RefreshPolicy::CreatedOnce => false,
            RefreshPolicy::OnChange => true,
            RefreshPolicy::Periodic => !self.refresh.interval.is_zero(),
        }
    }

    /// A digest of everything declared, in lower case hex: equal exactly when nothing in the declaration changed.
    pub fn digest(&self) -> String {
        // Serialising plain data with text keys cannot fail.
        let document = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(document))
    }
}

/// One `data` or `dataFrom` entry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Read {
    /// Where it stands in the manifest, such as `spec.data[0]`, for messages.
    pub path: String,
    /// The store that is asked: the entry's own `sourceRef.storeRef`, else `spec.secretStoreRef`.
    pub store: StoreId,
    /// `remoteRef.key` as declared: a name, or an ARN.
    pub key: String,
    /// `remoteRef.property`: which part of the value.
    pub property: Option<String>,
    /// `remoteRef.version` as declared; [`Read::selector`] reads it.
    pub version: Option<String>,
    /// What becomes of the value.
    pub into: Into,
}

impl Read {
    /// Which version of the key is meant, at this read's store.
    pub fn selector(&self, store: &Store) -> VersionSelector {
        VersionSelector::parse(store.location().provider, self.version.as_deref())
    }
}

/// What becomes of a value that was read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Into {
    /// One entry of the target's data (`data[].secretKey`).
    Key(String),
    /// One entry for each member of a JSON object (`dataFrom[].extract`).
    Every(KeyConversion),
}

/// ESO's `conversionStrategy`: what becomes of characters that a Secret's keys cannot have.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum KeyConversion {
    /// Each becomes `_`.
    #[default]
    Default,
    /// Each becomes `_U<hex>_`.
    Unicode,
}

/// The Secret that a declaration produces.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Target {
    /// The Secret's name; the ExternalSecret's where the manifest says nothing.
    pub name: ObjectName,
    /// Who makes the Secret and who owns it.
    pub creation: CreationPolicy,
    /// What happens when the store has nothing any more.
    pub deletion: DeletionPolicy,
    /// Whether the Secret is made immutable.
    pub immutable: bool,
}

/// `target.creationPolicy`. Source: ESO's guide on ownership and deletion policies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum CreationPolicy {
    /// Create or adopt the Secret and own it.
    #[default]
    Owner,
    /// Create or update the Secret without owning it.
    Orphan,
    /// Add to a Secret that somebody else makes.
    Merge,
    /// Write nothing.
    None,
    /// Create the Secret if it is missing, else add to it.
    CreateOrMerge,
}

/// `target.deletionPolicy`. Source: ESO's guide on ownership and deletion policies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum DeletionPolicy {
    /// Delete the Secret when every key is gone.
    Delete,
    /// Keep what is left.
    Merge,
    /// A missing key is an error and nothing is written.
    #[default]
    Retain,
}

/// `spec.refreshPolicy` and `spec.refreshInterval`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refresh {
    /// What makes the declaration due.
    pub policy: RefreshPolicy,
    /// "Never staler than this"; zero means read once.
    pub interval: Duration,
}

impl Refresh {
    /// True when no later change of the store may touch the target. Source: ESO's refresh decision; an interval of
    /// zero reads once there as well.
    pub fn reads_once(&self) -> bool {
        match self.policy {
            RefreshPolicy::CreatedOnce | RefreshPolicy::OnChange => true,
            RefreshPolicy::Periodic => self.interval.is_zero(),
        }
    }
}

/// `spec.refreshPolicy`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum RefreshPolicy {
    /// Read once, never again.
    CreatedOnce,
    /// Read when the store changes, and at each interval.
    #[default]
    Periodic,
    /// Read when the manifest changes.
    OnChange,
}
