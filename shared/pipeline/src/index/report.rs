//! The result of an index.

use crate::remove::Removals;
use crate::report::Report;
use pawl_domain::spread::PatternId;
use pawl_domain::{DeclarationId, Problem, Severity, StoreId};
use pawl_ports::{Error, Put};
use std::collections::BTreeSet;

/// What an index did.
#[derive(Debug, Default)]
pub struct IndexReport {
    /// Clusters, stores and PushSecrets by name, with what was found in their place; failures did not enter the registry.
    pub objects: Vec<(String, Result<Put, Error>)>,
    /// PushSecrets that are new, edited or on their way out, to be carried out.
    pub pushes: BTreeSet<DeclarationId>,
    /// Declarations with what was found in their place; failures did not enter the registry.
    pub declarations: Vec<(DeclarationId, Result<Put, Error>)>,
    /// Declarations that were removed; failures stay until the next time.
    pub removed: Removals,
    /// Stores that were removed.
    pub removed_stores: Vec<StoreId>,
    /// Applied ClusterExternalSecrets that were removed.
    pub removed_patterns: Vec<PatternId>,
    /// What the manifests had wrong.
    pub problems: Vec<Problem>,
    /// What became of the work that arose: queued, or why it could not be.
    pub report: Report,
}

impl IndexReport {
    /// Takes over what another part of the same index did.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.declarations.extend(other.declarations);
        self.removed.extend(other.removed);
        self.removed_stores.extend(other.removed_stores);
        self.removed_patterns.extend(other.removed_patterns);
        self.problems.extend(other.problems);
        self.report.extend(other.report);
    }

    /// True when everything given entered the registry.
    pub fn is_complete(&self) -> bool {
        self.objects.iter().all(|(_, result)| result.is_ok())
            && self.declarations.iter().all(|(_, result)| result.is_ok())
            && self.removed.iter().all(|(_, result)| result.is_ok())
            && self.problems.iter().all(|problem| problem.severity == Severity::Warning)
            && self.report.failures().next().is_none()
    }
}
