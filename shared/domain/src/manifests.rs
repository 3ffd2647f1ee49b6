//! What a set of manifests holds, parsed: the input of the index.

use crate::pattern::Pattern;
use crate::{Cluster, Declaration, PushSecret, Store, StoreId, StorePolicy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Declarations, stores and clusters found together, and what could not be used.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The declarations, one for each ExternalSecret and cluster.
    pub declarations: Vec<Declaration>,
    /// The PushSecrets, one for each manifest and cluster.
    pub pushes: Vec<PushSecret>,
    /// The ClusterExternalSecrets that were applied, one for each cluster that they go to.
    pub patterns: Vec<Pattern>,
    /// The stores.
    pub stores: Vec<Store>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// The operator's policies; none of a cluster's.
    pub policies: Vec<StorePolicy>,
    /// What was refused (severity `Error`) or deserves a look (severity `Warning`).
    pub problems: Vec<Problem>,
    /// The stores that live in the cluster, as their status stands.
    pub standing: BTreeMap<StoreId, Standing>,
}

impl Manifests {
    /// Adds what was found in another place.
    pub fn add(&mut self, other: Self) {
        let Self { declarations, pushes, patterns, stores, clusters, policies, problems, standing } = other;
        self.declarations.extend(declarations);
        self.pushes.extend(pushes);
        self.patterns.extend(patterns);
        self.stores.extend(stores);
        self.clusters.extend(clusters);
        self.policies.extend(policies);
        self.problems.extend(problems);
        self.standing.extend(standing);
    }
}

/// Something in a manifest that is wrong, or odd.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// Whether the object could be used all the same.
    pub severity: Severity,
    /// Where: the file and document, or the cluster.
    pub place: String,
    /// The object, such as `ExternalSecret shop/db`.
    pub object: String,
    /// The field, such as `spec.data[0].remoteRef`; empty when the whole object is meant.
    pub field: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl Problem {
    /// What an object is called of which nothing could be read: it may be any object, so nothing is removed beside it. No other
    /// is named without a space.
    pub const UNNAMED: &str = "document";
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.object)?;
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The object is used; part of it has no effect.
    Warning,
    /// The object is not used.
    Error,
}

/// A store as it stands in its cluster: what its status says now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// The object's uid.
    pub uid: String,
    /// The one provider of its spec, by ESO's name.
    pub provider: String,
    /// `status.capabilities`.
    pub capabilities: String,
    /// The Ready condition.
    pub ready: Option<Verdict>,
    /// When the Ready condition last turned, as it is written there.
    pub since: Option<String>,
    /// Whether it wants to hear nothing about how well its provider is maintained.
    pub ignores_maintenance: bool,
}

/// What a Ready condition says of a store, in ESO's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Whether it can be used.
    pub is_ready: bool,
    /// Such as `Valid`.
    pub reason: String,
    /// Such as `store validated`.
    pub message: String,
}
