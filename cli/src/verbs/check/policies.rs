//! What policies refuse of what is checked: where it is applied, and where it lives in a cluster.

use super::finding::at;
use crate::verbs::manifests::Source;
use pawl_domain::grant::OwnSecrets;
use pawl_domain::{
    Cluster, ClusterName, Declaration, Home, Manifests, Problem, Refusal, Rule, Rules, Severity, Store,
    StoreId, StorePolicy,
};
use pawl_manifests::lint::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The rules that these manifests make.
pub(super) struct Policies {
    rules: Rules,
    /// Which clusters there are is not known, so policies count for all.
    any_cluster: bool,
}

impl Policies {
    pub(super) fn of(found: &[Manifests], any_cluster: bool, fake_stores: bool) -> Self {
        let policies = found.iter().flat_map(|each| &each.policies).cloned();
        let policies = policies.map(|policy| match any_cluster {
            true => StorePolicy { clusters: None, ..policy },
            false => policy,
        });
        let tokens = found.iter().flat_map(|each| &each.clusters).filter_map(Cluster::token_secret);
        let rules = Rules {
            policies: policies.collect(),
            own: Arc::new(OwnSecrets::new(tokens)),
            fake_stores,
            ..Rules::default()
        };
        Self { rules, any_cluster }
    }

    /// What of a declaration is refused where its manifests are applied, read by read.
    pub(super) fn of_declaration(
        &self,
        declaration: &Declaration,
        stores: &BTreeMap<StoreId, Store>,
    ) -> Vec<Finding> {
        let (cluster, namespace) = (&declaration.id.cluster, &declaration.id.namespace);
        let of_read = |read: &pawl_domain::Read| {
            let store = stores.get(&read.store)?;
            let message = match self.rules.permit(store, &read.query, cluster, namespace) {
                // Said of the store.
                Err(refusal) if refusal.rule == Rule::FakeStore => return None,
                Err(refusal) => (Severity::Error, refusal.to_string()),
                Ok(_) => {
                    let store = as_found(store, cluster);
                    let refusal = self.rules.permit(&store, &read.query, cluster, namespace).err()?;
                    // What concerns all keys is said of the store.
                    if refusal.rule != Rule::Key {
                        return None;
                    }
                    (Severity::Warning, in_a_cluster(&refusal))
                }
            };
            Some(Finding { severity: message.0, field: read.path.clone(), message: message.1 })
        };
        declaration.reads.iter().filter_map(of_read).collect()
    }

    /// What is refused of stores, whoever reads them.
    pub(super) fn of_stores(
        &self,
        source: &Source,
        found: &Manifests,
        declarations: &[Declaration],
    ) -> Vec<Problem> {
        found.stores.iter().flat_map(|store| self.of_store(source, store, declarations)).collect()
    }

    fn of_store(&self, source: &Source, store: &Store, declarations: &[Declaration]) -> Vec<Problem> {
        let problem = |severity, message: String| Problem {
            severity,
            place: source.place.clone(),
            object: store.id.to_string(),
            field: String::new(),
            message,
        };
        let readers = declarations.iter().filter(|each| each.stores().contains(&store.id));
        let mut clusters: BTreeSet<ClusterName> = readers.map(|each| each.id.cluster.clone()).collect();
        if clusters.is_empty() && self.any_cluster {
            clusters.extend("any".parse::<ClusterName>().ok());
        }
        let mut problems = Vec::new();
        for cluster in &clusters {
            match self.rules.admit(store, cluster) {
                // The switch is the operator's, and may be set where Pawl runs.
                Err(refusal) if refusal.rule == Rule::FakeStore => {
                    problems.push(problem(Severity::Warning, refusal.to_string()));
                }
                Err(refusal) => problems.push(problem(Severity::Error, refusal.to_string())),
                Ok(_) => {
                    let refusal = self.rules.admit(&as_found(store, cluster), cluster).err();
                    problems.extend(refusal.map(|it| problem(Severity::Warning, in_a_cluster(&it))));
                }
            }
        }
        problems.dedup();
        problems
    }
}

/// A finding of each declaration of a source.
pub(super) fn of_declarations<'a>(
    policies: &'a Policies,
    source: &'a Source,
    declaration: &'a Declaration,
    stores: &'a BTreeMap<StoreId, Store>,
) -> impl Iterator<Item = Problem> + 'a {
    policies.of_declaration(declaration, stores).into_iter().map(move |it| at(it, source, declaration))
}

/// The store as if it lived in a cluster.
fn as_found(store: &Store, cluster: &ClusterName) -> Store {
    Store { id: StoreId { home: Home::Cluster(cluster.clone()), ..store.id.clone() }, ..store.clone() }
}

/// Stores that live in clusters could do all that Pawl may do, before there were policies.
fn in_a_cluster(refusal: &Refusal) -> String {
    format!("where this lives in a cluster that is indexed, it is refused: {refusal}")
}
