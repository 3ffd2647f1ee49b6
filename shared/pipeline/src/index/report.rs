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
        self.pushes.extend(other.pushes);
        self.report.extend(other.report);
    }

    /// What could not be done, with why. What the manifests had wrong is told by `problems`.
    pub fn failed(&self) -> impl Iterator<Item = String> {
        let objects = self
            .objects
            .iter()
            .filter_map(|(object, put)| Some(format!("{object}: {}", put.as_ref().err()?)));
        let declarations =
            self.declarations.iter().filter_map(|(id, put)| Some(format!("{id}: {}", put.as_ref().err()?)));
        let removed = self
            .removed
            .iter()
            .filter_map(|(id, result)| Some(format!("{id} is not removed: {}", result.as_ref().err()?)));
        let unqueued = self.report.failures().map(|(id, error)| format!("{id} is not queued: {error}"));
        objects.chain(declarations).chain(removed).chain(unqueued)
    }

    /// True when everything given entered the registry.
    pub fn is_complete(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity == Severity::Warning)
            && self.failed().next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Kind, Step};

    #[test]
    fn whatever_failed_is_told_and_leaves_it_incomplete() {
        let id = || "blue/shop/db".parse().unwrap();
        let error = || Error::new(Step::Lookup, Kind::Transient, "why");
        let mut queued = IndexReport::default();
        queued.report.outcomes.push((id(), Err(error())));
        let reports = [
            IndexReport {
                objects: vec![("Cluster blue".to_owned(), Err(error()))],
                ..IndexReport::default()
            },
            IndexReport { declarations: vec![(id(), Err(error()))], ..IndexReport::default() },
            IndexReport { removed: vec![(id(), Err(error()))], ..IndexReport::default() },
            queued,
        ];
        for report in reports {
            assert_eq!(report.failed().filter(|told| told.ends_with("why")).count(), 1, "{report:?}");
            assert!(!report.is_complete(), "{report:?}");
        }
        let well = IndexReport { removed: vec![(id(), Ok(()))], ..IndexReport::default() };
        assert!(well.is_complete() && well.failed().next().is_none());
    }
}
