//! ClusterExternalSecrets: one ExternalSecret for every namespace of a cluster that they choose.
//!
//! Where one stands in a cluster it is a [`Parent`]: Pawl makes ExternalSecrets, its children, as ESO does.

mod parent;

pub use parent::{Child, ChildAction, Content, Family, Parent, Plan, Told};

use crate::name::Namespace;
use crate::store::LabelSelector;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
