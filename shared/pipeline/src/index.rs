//! The registry follows git and the clusters.
//!
//! What is new or changed is marked as pending in the ledger before it enters the registry, and queued after: a
//! crash between any two steps leaves work that the next sweep finds, never a declaration that nobody remembers.

use crate::drift::unknown_cluster;
use crate::error::Error;
use crate::manifests::{Manifests, Problem, Severity};
use crate::pipeline::{Pipeline, Stores};
use crate::ports::{Catalogue, Clock, Clusters, Ledger, Ports, Put, Registry, Scope};
use crate::report::Report;
use crate::sweep::GRACE;
use jiff::Timestamp;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::record::State;
use pawl_domain::store::Home;
use pawl_domain::{Cluster, ClusterName, Declaration, DeclarationId, Kind, Record, Step, StoreId};
use std::collections::{BTreeMap, BTreeSet};
use tracing::{info, instrument};

const PAGE: usize = 500;

/// What an index did.
#[derive(Debug, Default)]
pub struct IndexReport {
    /// Clusters and stores by name, with what was found in their place.
    pub objects: Vec<(String, Put)>,
    /// Declarations with what was found in their place; failures did not enter the registry.
    pub declarations: Vec<(DeclarationId, Result<Put, Error>)>,
    /// Declarations that were removed; failures stay until the next time.
    pub removed: Vec<(DeclarationId, Result<(), Error>)>,
    /// What the manifests had wrong.
    pub problems: Vec<Problem>,
    /// What became of the work that arose: queued, or why it could not be.
    pub report: Report,
}

/// How the index of one cluster went.
pub type ClusterIndex = (ClusterName, Result<IndexReport, Error>);

impl IndexReport {
    /// True when everything given entered the registry.
    pub fn is_complete(&self) -> bool {
        self.declarations.iter().all(|(_, result)| result.is_ok())
            && self.removed.iter().all(|(_, result)| result.is_ok())
            && self.problems.iter().all(|problem| problem.severity == Severity::Warning)
            && self.report.failures().next().is_none()
    }
}

impl<P: Ports> Pipeline<P> {
    /// Takes manifests into the registry. With `prune`, what was found in that home before and is not among them is
    /// removed; what stands in a manifest that could not be used is left as it was.
    ///
    /// # Errors
    /// Only if the registry could not be asked; what was taken in stays, and doing it again is harmless.
    #[instrument(skip_all)]
    pub async fn index(&self, mut manifests: Manifests, prune: Option<&Home>) -> Result<IndexReport, Error> {
        let started = self.ports.clock().now();
        refuse_duplicates(&mut manifests);
        let mut report = IndexReport { problems: manifests.problems, ..IndexReport::default() };
        let registry = self.ports.registry();
        for cluster in &manifests.clusters {
            report.objects.push((format!("Cluster {}", cluster.name), registry.put_cluster(cluster).await?));
        }
        let mut touched = BTreeSet::new();
        for store in &manifests.stores {
            let put = registry.put_store(store).await?;
            report.objects.push((store.id.to_string(), put));
            if put != Put::Unchanged {
                touched.insert(store.id.clone());
            }
        }
        let clusters: BTreeSet<ClusterName> =
            registry.clusters().await?.into_iter().map(|cluster| cluster.name).collect();
        let given: BTreeSet<DeclarationId> =
            manifests.declarations.iter().map(|each| each.id.clone()).collect();
        let mut work = Vec::new();
        for page in manifests.declarations.chunks(PAGE) {
            self.take_in(page, &clusters, &touched, started, &mut report, &mut work).await?;
        }
        self.follow_stores(&touched, &given, started, &mut work).await?;
        if let Some(home) = prune {
            let stores = manifests.stores.iter().map(|store| store.id.clone()).collect();
            self.prune(home, &given, &stores, &mut report).await?;
        }
        let queued = self.enqueue(&work, None, started).await;
        if queued.failures().next().is_none() {
            self.confirm_queued(&work, |record| record.state == State::Pending).await;
        }
        report.report.extend(queued);
        info!(
            declarations = report.declarations.len(),
            changed = work.len(),
            removed = report.removed.len(),
            problems = report.problems.len(),
            "indexed"
        );
        Ok(report)
    }

    /// Takes the ExternalSecrets and stores that live in each cluster that is to be indexed into the registry.
    /// Answers for each cluster on its own.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    #[instrument(skip_all)]
    pub async fn index_clusters(&self) -> Result<Vec<ClusterIndex>, Error> {
        let mut reports = Vec::new();
        for cluster in self.ports.registry().clusters().await? {
            if cluster.index {
                let report = self.index_cluster(&cluster).await;
                reports.push((cluster.name, report));
            }
        }
        Ok(reports)
    }

    async fn index_cluster(&self, cluster: &Cluster) -> Result<IndexReport, Error> {
        let manifests = self.ports.clusters().manifests(cluster).await?;
        self.index(manifests, Some(&Home::Cluster(cluster.name.clone()))).await
    }

    /// Removes declarations from the registry, and the targets that they own. Answers for each on its own.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn remove(
        &self,
        ids: &[DeclarationId],
    ) -> Result<Vec<(DeclarationId, Result<(), Error>)>, Error> {
        let mut removed = Vec::new();
        for declaration in self.ports.registry().declarations(ids).await? {
            let result = self.retire(&declaration).await;
            removed.push((declaration.id, result));
        }
        Ok(removed)
    }

    async fn take_in(
        &self,
        page: &[Declaration],
        clusters: &BTreeSet<ClusterName>,
        touched: &BTreeSet<StoreId>,
        started: Timestamp,
        report: &mut IndexReport,
        work: &mut Vec<DeclarationId>,
    ) -> Result<(), Error> {
        let stores = self.stores_of(page).await?;
        let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
        let known = self.ports.registry().declarations(&ids).await?;
        let known: BTreeMap<_, _> = known.into_iter().map(|each| (each.id.clone(), each)).collect();
        for declaration in page {
            let standing = known.get(&declaration.id);
            let same = standing == Some(declaration) && declaration.stores().is_disjoint(touched);
            let result = match check(declaration, standing, clusters) {
                Ok(()) if same => Ok(Put::Unchanged),
                Ok(()) => self.take_in_one(declaration, &stores, started, work).await,
                Err(error) => Err(error),
            };
            report.declarations.push((declaration.id.clone(), result));
        }
        Ok(())
    }

    async fn take_in_one(
        &self,
        declaration: &Declaration,
        stores: &Stores,
        started: Timestamp,
        work: &mut Vec<DeclarationId>,
    ) -> Result<Put, Error> {
        let wanted = self.mark_pending(declaration, started).await?;
        let keys = declaration.index_keys(|id| stores.get(id));
        let put = self.ports.registry().put(declaration, &keys).await?;
        if wanted {
            work.push(declaration.id.clone());
        }
        Ok(put)
    }

    /// Notes in the ledger that there is work, and keeps what was written last. `false` if there is none, because
    /// the declaration is read only once and was.
    async fn mark_pending(&self, declaration: &Declaration, at: Timestamp) -> Result<bool, Error> {
        for _ in 0..3 {
            let entry = self.ports.ledger().entries(std::slice::from_ref(&declaration.id)).await?.pop();
            let record = match &entry {
                Some(entry) if entry.record.refreshed.is_some() && !declaration.follows_manifest() => {
                    return Ok(false);
                }
                Some(entry) => entry.record.clone().reopened(at),
                None => Record::pending(declaration, at),
            };
            let record = Record { not_before: at.checked_add(GRACE).ok(), ..record };
            match self.ports.ledger().put(&declaration.id, &record, entry.map(|entry| entry.revision)).await {
                Err(error) if error.kind == Kind::Conflict => {}
                result => return result.map(|_| true),
            }
        }
        let message = "its record changes all the time; it is tried again at the next index";
        Err(Error::new(Step::Record, Kind::Conflict, message))
    }

    /// A store that changed moves its declarations to other index keys, and other values may stand there.
    async fn follow_stores(
        &self,
        touched: &BTreeSet<StoreId>,
        given: &BTreeSet<DeclarationId>,
        started: Timestamp,
        work: &mut Vec<DeclarationId>,
    ) -> Result<(), Error> {
        for store in touched {
            let scope = Scope::Store(store.clone());
            let mut after = None;
            loop {
                let page = self.ports.registry().page(&scope, after.as_ref(), PAGE).await?;
                after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
                let stores = self.stores_of(&page).await?;
                for declaration in page.iter().filter(|each| !given.contains(&each.id)) {
                    self.take_in_one(declaration, &stores, started, work).await?;
                }
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn prune(
        &self,
        home: &Home,
        given: &BTreeSet<DeclarationId>,
        stores: &BTreeSet<StoreId>,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        let unusable: BTreeSet<String> = report
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| problem.object.clone())
            .collect();
        // A document of which not even the name could be read might be any of them.
        if unusable.iter().any(|object| !object.contains(' ')) {
            report.problems.push(Problem {
                severity: Severity::Warning,
                place: "prune".to_owned(),
                object: "all declarations".to_owned(),
                field: String::new(),
                message: "nothing was removed, because a manifest could not be read at all; mend it first"
                    .to_owned(),
            });
            return Ok(());
        }
        let scope = Scope::Home(home.clone());
        let mut after = None;
        loop {
            let page = self.ports.registry().page(&scope, after.as_ref(), PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
            for declaration in &page {
                let object = format!("ExternalSecret {}/{}", declaration.id.namespace, declaration.id.name);
                if !given.contains(&declaration.id) && !unusable.contains(&object) {
                    let result = self.retire(declaration).await;
                    report.removed.push((declaration.id.clone(), result));
                }
            }
            if after.is_none() {
                break;
            }
        }
        for swept in self.ports.registry().swept_stores().await? {
            let id = &swept.store.id;
            if id.home == *home && !stores.contains(id) && !unusable.contains(&store_object(id)) {
                self.ports.registry().remove_store(id).await?;
            }
        }
        Ok(())
    }

    /// Removes one declaration: first the target that it owns, so that a failure leaves it for the next time.
    async fn retire(&self, declaration: &Declaration) -> Result<(), Error> {
        let id = &declaration.id;
        let owns = declaration.target.creation == CreationPolicy::Owner && declaration.home == Home::Applied;
        if owns {
            self.delete_target(id, declaration.target.generic(), &declaration.target.name).await?;
        }
        self.ports.registry().remove(id).await?;
        self.ports.ledger().remove(id).await
    }
}

/// Of two declarations with the same id the first is kept: which of them was meant cannot be told.
fn refuse_duplicates(manifests: &mut Manifests) {
    let mut seen = BTreeSet::new();
    let mut duplicates = BTreeSet::new();
    manifests.declarations.retain(|each| {
        let first = seen.insert(each.id.clone());
        if !first {
            duplicates.insert(each.id.clone());
        }
        first
    });
    manifests.problems.extend(duplicates.into_iter().map(|id| Problem {
        severity: Severity::Error,
        place: "all manifests together".to_owned(),
        object: format!("ExternalSecret {}/{}", id.namespace, id.name),
        field: String::new(),
        message: format!(
            "it is declared twice for cluster {}; the first one is used, remove the other",
            id.cluster
        ),
    }));
}

/// A declaration goes to a cluster that is known, and has one home.
fn check(
    declaration: &Declaration,
    standing: Option<&Declaration>,
    clusters: &BTreeSet<ClusterName>,
) -> Result<(), Error> {
    if !clusters.contains(&declaration.id.cluster) {
        return Err(unknown_cluster(&declaration.id.cluster));
    }
    if standing.is_some_and(|standing| standing.home != declaration.home) {
        let message =
            "an ExternalSecret of this name is declared both in the cluster and outside of it; remove one";
        return Err(Error::new(Step::Lookup, Kind::Invalid, message));
    }
    Ok(())
}

/// How problems name a store's manifest.
fn store_object(id: &StoreId) -> String {
    match &id.namespace {
        Some(namespace) => format!("SecretStore {namespace}/{}", id.name),
        None => format!("ClusterSecretStore {}", id.name),
    }
}
