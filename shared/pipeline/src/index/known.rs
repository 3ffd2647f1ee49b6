//! The applied ClusterExternalSecrets that the registry knows at a time, and which declarations are theirs.

use crate::parts::Index;
use jiff::Timestamp;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{ClusterName, Declaration, DeclarationId, Home};
use pawl_ports::{Clock, Error, Patterns, Ports, Registry};
use std::collections::{BTreeMap, BTreeSet};

/// The patterns of the registry, read once for all that one run does.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownPatterns {
    /// When they were asked for. What was applied since may be missing.
    pub(crate) began: Timestamp,
    known: BTreeMap<PatternId, Pattern>,
    /// The [`PatternId::path`] of those that cannot be read. They are not gone, and neither is what they placed.
    unreadable: BTreeSet<String>,
}

/// Whose declarations are.
pub(crate) struct Owners<'a> {
    patterns: &'a KnownPatterns,
    placed: BTreeMap<DeclarationId, PatternId>,
}

impl<P: Ports> Index<P> {
    /// Every pattern of the registry.
    pub(crate) async fn patterns(&self) -> Result<KnownPatterns, Error> {
        let began = self.base.ports.clock().now();
        let Patterns { known, unreadable } = self.base.ports.registry().patterns().await?;
        let known = known.into_iter().map(|pattern| (pattern.id(), pattern)).collect();
        Ok(KnownPatterns { began, known, unreadable: unreadable.into_iter().collect() })
    }
}

impl KnownPatterns {
    /// Those that can be read.
    pub(crate) fn readable(&self) -> impl Iterator<Item = (&PatternId, &Pattern)> {
        self.known.iter()
    }

    /// Those of a cluster that can be read.
    pub(crate) fn of<'a>(&'a self, cluster: &'a ClusterName) -> impl Iterator<Item = &'a Pattern> {
        self.known.values().filter(move |pattern| pattern.declaration.id.cluster == *cluster)
    }

    /// The clusters that they go to.
    pub(crate) fn clusters(&self) -> BTreeSet<ClusterName> {
        self.known.keys().map(|id| id.cluster.clone()).collect()
    }

    /// The one of this id, if it can be read.
    pub(crate) fn get(&self, id: &PatternId) -> Option<&Pattern> {
        self.known.get(id)
    }

    /// Whether one of this id stands in the registry and cannot be read.
    pub(crate) fn is_unreadable(&self, id: &PatternId) -> bool {
        self.unreadable.contains(&id.path())
    }

    /// The [`PatternId::path`] of those that cannot be read.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = &str> {
        self.unreadable.iter().map(String::as_str)
    }

    /// Those of a cluster that cannot be read.
    pub(crate) fn unreadable_of(&self, cluster: &ClusterName) -> impl Iterator<Item = PatternId> {
        let of_cluster = |path: &String| {
            let (at, name) = path.split_once('/')?;
            let name = (at == cluster.as_str()).then(|| name.parse().ok()).flatten()?;
            Some(PatternId { cluster: cluster.clone(), name })
        };
        self.unreadable.iter().filter_map(of_cluster)
    }

    /// Whose declarations are.
    pub(crate) fn owners(&self) -> Owners<'_> {
        let placed = self
            .known
            .iter()
            .flat_map(|(id, pattern)| pattern.ids().map(|each| (each, id.clone())))
            .collect();
        Owners { patterns: self, placed }
    }
}

impl Owners<'_> {
    /// The pattern that notes that its declaration may stand under this id.
    pub(crate) fn of_id(&self, id: &DeclarationId) -> Option<&PatternId> {
        self.placed.get(id)
    }

    /// The pattern that a declaration of the registry is made of, whether or not that can be read.
    pub(crate) fn of(&self, declaration: &Declaration) -> Option<PatternId> {
        if declaration.home != Home::Applied {
            return None;
        }
        let marked = || {
            let (name, cluster) = (declaration.pattern.clone()?, declaration.id.cluster.clone());
            let id = PatternId { cluster, name };
            (self.patterns.known.contains_key(&id) || self.patterns.is_unreadable(&id)).then_some(id)
        };
        self.of_id(&declaration.id).cloned().or_else(marked)
    }
}
