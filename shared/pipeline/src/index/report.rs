//! The result of an index.

use crate::remove::Removals;
use crate::report::Report;
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
    /// What the manifests had wrong.
    pub problems: Vec<Problem>,
    /// What became of the work that arose: queued, or why it could not be.
    pub report: Report,
}

impl IndexReport {
    /// True when everything given entered the registry.
    pub fn is_complete(&self) -> bool {
        self.objects.iter().all(|(_, result)| result.is_ok())
            && self.declarations.iter().all(|(_, result)| result.is_ok())
            && self.removed.iter().all(|(_, result)| result.is_ok())
            && self.problems.iter().all(|problem| problem.severity == Severity::Warning)
            && self.report.failures().next().is_none()
    }
}
