//! Which namespaces a ClusterExternalSecret chooses; and one that was applied to Pawl, which is declarations, one for each of these
//! namespaces, and no objects.

use crate::declaration::{Declaration, DeclarationId};
use crate::name::{ClusterName, Namespace, ObjectName, SetName};
use crate::store::LabelSelector;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The namespaces of a cluster.
pub type Namespaces = BTreeMap<Namespace, NamespaceState>;

/// What counts of a namespace.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NamespaceState {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it is being deleted, so that nothing can be made in it any more.
    pub deleting: bool,
}

/// Which namespaces a ClusterExternalSecret chooses: those that any part chooses. Without parts, none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Selection {
    /// `namespaceSelectors`, with the deprecated `namespaceSelector` among them. One that is empty chooses all.
    pub selectors: Vec<LabelSelector>,
    /// The deprecated `namespaces`. A name that no namespace has is passed over.
    pub names: BTreeSet<Namespace>,
}

impl Selection {
    /// Whether a namespace with these labels is chosen.
    pub fn chooses(&self, namespace: &Namespace, labels: &BTreeMap<String, String>) -> bool {
        self.names.contains(namespace) || self.selectors.iter().any(|selector| selector.matches(labels))
    }

    /// The namespaces that are chosen, also those that are being deleted.
    pub fn of<'n>(
        &self,
        namespaces: &'n Namespaces,
    ) -> impl Iterator<Item = (&'n Namespace, &'n NamespaceState)> {
        namespaces.iter().filter(|(name, state)| self.chooses(name, &state.labels))
    }
}

/// Identifies a pattern: `ClusterExternalSecret <cluster>/<name>`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PatternId {
    /// The cluster whose namespaces are chosen.
    pub cluster: ClusterName,
    /// The ClusterExternalSecret's name.
    pub name: ObjectName,
}

impl fmt::Display for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterExternalSecret {}/{}", self.cluster, self.name)
    }
}

impl PatternId {
    /// The text under which the registry keeps it: `<cluster>/<name>`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }
}

/// In how many namespaces a pattern places declarations at most. All of them stand in its document, of which DynamoDB takes
/// 400 KiB; the longest names take 66 bytes each.
pub const MOST_PLACED: usize = 5_000;

/// An applied ClusterExternalSecret for one cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    /// The ClusterExternalSecret's name.
    pub name: ObjectName,
    /// The namespaces that it chooses.
    pub selection: Selection,
    /// What is declared in each of them. The namespace in its id stands for all, and its stores' for the same.
    pub declaration: Declaration,
    /// The namespaces in which its declarations may stand in the registry. Whoever puts one there notes it here first.
    pub placed: BTreeSet<Namespace>,
}

impl Pattern {
    /// Which one it is.
    pub fn id(&self) -> PatternId {
        PatternId { cluster: self.declaration.id.cluster.clone(), name: self.name.clone() }
    }

    /// The set that it was applied with.
    pub fn set(&self) -> Option<&SetName> {
        self.declaration.set.as_ref()
    }

    /// Whether both ask for the same, whatever sets they belong to and wherever their declarations stand.
    pub fn declares_as(&self, other: &Self) -> bool {
        self.name == other.name
            && self.selection == other.selection
            && self.declaration.declares_as(&other.declaration)
    }

    /// The id of its declaration in a namespace.
    pub fn id_in(&self, namespace: &Namespace) -> DeclarationId {
        DeclarationId { namespace: namespace.clone(), ..self.declaration.id.clone() }
    }

    /// The ids under which its declarations may stand in the registry.
    pub fn ids(&self) -> impl Iterator<Item = DeclarationId> {
        self.placed.iter().map(|namespace| self.id_in(namespace))
    }

    /// Its declaration in a namespace, which reads that namespace's own SecretStores.
    pub fn in_namespace(&self, namespace: &Namespace) -> Declaration {
        let mut declaration = Declaration { pattern: Some(self.name.clone()), ..self.declaration.clone() };
        declaration.id.namespace = namespace.clone();
        for read in &mut declaration.reads {
            if let Some(own) = &mut read.store.namespace {
                own.clone_from(namespace);
            }
        }
        declaration
    }

    /// Where declarations are wanted: in the chosen namespaces, but not newly in one that is being deleted.
    pub fn wanted(&self, namespaces: &Namespaces) -> BTreeSet<Namespace> {
        let wanted = self
            .selection
            .of(namespaces)
            .filter(|(name, state)| !state.deleting || self.placed.contains(*name));
        wanted.map(|(name, _)| name.clone()).collect()
    }
}
