//! The registry follows git and the clusters.
//!
//! What is new or changed is marked as pending in the ledger before it enters the registry, and queued after: a
//! crash between any two steps leaves work that the next sweep finds, never a declaration that nobody remembers. Nor can
//! a delivery of what was declared before settle that work: the mark says what must be delivered.

use crate::apply::{Apply, Taken};
use crate::drift::unknown_cluster;
use crate::pipeline::{Pipeline, Stores};
use crate::remove::Removals;
use crate::report::Report;
use crate::sweep::GRACE;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::record::{Declared, FormerTarget, Owed, State};
use pawl_domain::store::Home;
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, Kind, Manifests, Problem, Record, Severity, Step,
    StoreId,
};
use pawl_ports::{Catalogue, Clock, Clusters, Error, Ledger, PAGE, Ports, Put, Registry};
use std::collections::{BTreeMap, BTreeSet};
use tracing::{info, instrument, warn};

/// How many clusters are read at the same time.
const CLUSTERS: usize = 16;

/// What an index did.
#[derive(Debug, Default)]
pub struct IndexReport {
    /// Clusters and stores by name, with what was found in their place; failures did not enter the registry.
    pub objects: Vec<(String, Result<Put, Error>)>,
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

/// How the index of one cluster went.
pub type ClusterIndex = (ClusterName, Result<IndexReport, Error>);

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

/// One index of a cluster. Of two, the one that began later has the newer listing: once it writes, the other must not.
pub(crate) struct Turn {
    mark: String,
    began: Timestamp,
}

/// How manifests are taken in.
#[derive(Clone, Copy)]
pub(crate) struct Taking<'a> {
    /// The index of a cluster that they are from.
    pub(crate) turn: Option<&'a Turn>,
    /// Who handed them over; nobody where they were found in a cluster.
    pub(crate) apply: Option<&'a Apply>,
    /// The home in which what is not among them is removed.
    pub(crate) prune: Option<&'a Home>,
}

/// Why a declaration must be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Because<'a> {
    /// It is new, or was edited; what stood before.
    Declared(Option<&'a Declaration>),
    /// A store that it reads is another one now.
    Store,
}

impl<P: Ports> Pipeline<P> {
    /// Takes manifests into the registry, as far as this apply may. Where it prunes, what belongs to its set and is not
    /// among them is removed; what stands in a manifest that could not be used is left as it was.
    ///
    /// # Errors
    /// Only if the registry could not be asked; what was taken in stays, and doing it again is harmless.
    #[instrument(skip_all)]
    pub async fn index(&self, mut manifests: Manifests, apply: &Apply) -> Result<IndexReport, Error> {
        apply.sign(&mut manifests);
        let prune = apply.prune.then_some(&Home::Applied);
        self.index_in(Taking { turn: None, apply: Some(apply), prune }, manifests).await
    }

    /// Takes in what was seen in a cluster. Nothing is removed.
    ///
    /// # Errors
    /// As for [`Pipeline::index`].
    pub(crate) async fn index_seen(&self, manifests: Manifests) -> Result<IndexReport, Error> {
        self.index_in(Taking { turn: None, apply: None, prune: None }, manifests).await
    }

    /// Takes the ExternalSecrets and stores that live in each cluster that is to be indexed into the registry.
    /// Answers for each cluster on its own.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    #[instrument(skip_all)]
    pub async fn index_clusters(&self) -> Result<Vec<ClusterIndex>, Error> {
        self.renew_keys().await;
        let clusters = self.ports.registry().clusters().await?;
        let indexing = clusters.into_iter().filter(|cluster| cluster.index).map(|cluster| async move {
            // Boxed, for compilers do not like to look so deep.
            let report = Box::pin(self.index_cluster(&cluster)).await;
            (cluster.name, report)
        });
        Ok(stream::iter(indexing).buffered(CLUSTERS).collect().await)
    }

    pub(crate) async fn index_cluster(&self, cluster: &Cluster) -> Result<IndexReport, Error> {
        let _indexing = self.indexing(&cluster.name).await;
        let turn = Turn { mark: format!("index/{}", cluster.name), began: self.ports.clock().now() };
        let call = self.ports.clusters().manifests(cluster);
        let mut manifests = self.at_cluster(&cluster.name, Step::Read, call).await?;
        let (stores, standing) = (manifests.stores.clone(), std::mem::take(&mut manifests.standing));
        let home = Home::Cluster(cluster.name.clone());
        let taking = Taking { turn: Some(&turn), apply: None, prune: Some(&home) };
        let report = self.index_in(taking, manifests).await?;
        self.tell_stores(&cluster.name, &stores, &standing, &report).await;
        Ok(report)
    }

    async fn index_in(&self, taking: Taking<'_>, mut manifests: Manifests) -> Result<IndexReport, Error> {
        let Taking { turn, apply, prune } = taking;
        refuse_duplicates(&mut manifests);
        let mut report = IndexReport { problems: manifests.problems, ..IndexReport::default() };
        self.withhold_values(&mut manifests.stores, &mut report.problems);
        let mut work = BTreeSet::new();
        self.take_in_policies(apply, &manifests.policies, &mut report, &mut work).await?;
        let clusters = self.take_in_clusters(apply, &manifests.clusters, &mut report).await?;
        let touched = self.take_in_stores(turn, apply, &manifests.stores, &mut report, &mut work).await?;
        for page in manifests.declarations.chunks(PAGE) {
            self.take_in(taking, page, &clusters, &touched, &mut report, &mut work).await?;
        }
        let given: BTreeSet<DeclarationId> =
            manifests.declarations.iter().map(|each| each.id.clone()).collect();
        self.drop_former_keys(&touched, &given, &mut report).await?;
        if let Some(home) = prune {
            let stores = manifests.stores.iter().map(|store| store.id.clone()).collect();
            self.prune(taking, home, &given, &stores, &mut report, &mut work).await?;
        }
        // Only now do the stores and declarations stand that the work is to be done with.
        let changed = work.len();
        self.queue_work(work, &mut report).await;
        info!(
            declarations = report.declarations.len(),
            changed,
            removed = report.removed.len(),
            problems = report.problems.len(),
            "indexed"
        );
        Ok(report)
    }

    /// Hands work that was marked as pending to the job queue.
    pub(crate) async fn queue_work(&self, work: BTreeSet<DeclarationId>, report: &mut IndexReport) {
        let work: Vec<_> = work.into_iter().collect();
        let queued = self.enqueue(&work, None, self.ports.clock().now()).await;
        if queued.failures().next().is_none() {
            self.confirm_queued(&work, |record| record.state == State::Pending).await;
        }
        report.report.extend(queued);
    }

    /// Takes in the clusters that are new or changed; returns the names of all that are known.
    async fn take_in_clusters(
        &self,
        apply: Option<&Apply>,
        given: &[Cluster],
        report: &mut IndexReport,
    ) -> Result<BTreeSet<ClusterName>, Error> {
        let known = self.ports.registry().clusters().await?;
        let mut known: BTreeMap<String, Cluster> =
            known.into_iter().map(|cluster| (cluster.name.to_string(), cluster)).collect();
        // A cluster names no others.
        let apply = apply.cloned().unwrap_or_default();
        for cluster in given {
            let put = match apply.cluster(&known, cluster) {
                Ok(Put::Created | Put::Changed) => self.ports.registry().put_cluster(cluster).await,
                decided => decided,
            };
            if put.is_ok() {
                let standing = known.insert(cluster.name.to_string(), cluster.clone());
                tell_where_it_leads(standing.as_ref(), cluster);
            }
            report.objects.push((format!("Cluster {}", cluster.name), put));
        }
        Ok(known.into_values().map(|cluster| cluster.name).collect())
    }

    async fn take_in(
        &self,
        taking: Taking<'_>,
        page: &[Declaration],
        clusters: &BTreeSet<ClusterName>,
        touched: &BTreeSet<StoreId>,
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let Taking { turn, apply, .. } = taking;
        let stores = self.stores_of(page).await?;
        let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
        let known = self.ports.registry().declarations(&ids).await?;
        let known: BTreeMap<_, _> = known.into_iter().map(|each| (each.id.clone(), each)).collect();
        let removed = self.being_removed(turn, &ids).await?;
        let (mut done, mut open) = (Vec::new(), Vec::new());
        for declaration in page {
            let standing = known.get(&declaration.id);
            let is_left = !removed.contains(&declaration.id) && declaration.stores().is_disjoint(touched);
            match check(declaration, standing, clusters, apply) {
                Ok(Taken::Same) if is_left => done.push((declaration.id.clone(), Ok(Put::Unchanged))),
                Ok(taken) => {
                    let same = matches!(taken, Taken::Same | Taken::Adopted);
                    open.push((declaration, standing, same && !removed.contains(&declaration.id)));
                }
                Err(error) => done.push((declaration.id.clone(), Err(error))),
            }
        }
        if !open.is_empty() {
            self.take_turn(turn).await?;
        }
        // Collected, for compilers take no closure over references for one that may be sent.
        let taking: Vec<_> = open
            .into_iter()
            .map(|(declaration, standing, same)| {
                self.take_in_one(declaration, standing, same, &stores).boxed()
            })
            .collect();
        let mut taken = stream::iter(taking).buffer_unordered(self.settings.concurrency);
        while let Some((id, put)) = taken.next().await {
            work.extend(put.as_ref().is_ok_and(|(_, wanted)| *wanted).then(|| id.clone()));
            done.push((id, put.map(|(put, _)| put)));
        }
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        report.declarations.extend(done);
        Ok(())
    }

    /// Takes in one declaration; says whether it must be delivered. What a changed store means for one that stays the same
    /// is noted already.
    async fn take_in_one(
        &self,
        declaration: &Declaration,
        standing: Option<&Declaration>,
        same: bool,
        stores: &Stores,
    ) -> (DeclarationId, Result<(Put, bool), Error>) {
        let taking = async {
            let wanted = !same && self.mark_pending(declaration, stores, Because::Declared(standing)).await?;
            let keys = declaration.index_keys(|id| stores.get(id));
            let put = self.ports.registry().put(declaration, &keys, standing).await?;
            Ok((put, wanted))
        };
        (declaration.id.clone(), taking.await)
    }

    /// Those of these declarations whose removal is under way or not finished, so that they must be declared anew. What
    /// lives in a cluster is indexed again and again, and found missing then.
    async fn being_removed(
        &self,
        turn: Option<&Turn>,
        ids: &[DeclarationId],
    ) -> Result<BTreeSet<DeclarationId>, Error> {
        if turn.is_some() {
            return Ok(BTreeSet::new());
        }
        let entries = self.ports.ledger().entries(ids).await?;
        let removed = entries.into_iter().filter(|entry| entry.record.owed.removed.is_some());
        Ok(removed.map(|entry| entry.id).collect())
    }

    /// Notes in the ledger what is about to be declared and must be delivered; what was written last is kept. `false` if
    /// there is nothing to do, because it is read only once and was.
    pub(crate) async fn mark_pending(
        &self,
        declaration: &Declaration,
        stores: &Stores,
        because: Because<'_>,
    ) -> Result<bool, Error> {
        let basis = self.basis(declaration, stores);
        let pending = |last: Option<Record>| {
            let at = self.ports.clock().now();
            let mut record = match last {
                // It was removed, so it is a new one; what is left of the former one still has to go.
                Some(record) if record.owed.removed.is_some() => {
                    let owed = Owed { targets: record.owed.targets, ..Owed::default() };
                    Record { owed, ..Record::pending(declaration, at) }
                }
                Some(record) if record.refreshed.is_some() && is_left_alone(declaration, because) => {
                    return None;
                }
                Some(record) => record.reopened(at),
                None => Record::pending(declaration, at),
            };
            if let Because::Declared(Some(standing)) = because {
                leave_no_target(&mut record, standing, declaration);
            }
            record.owed.declared = Some(Declared { digest: basis.clone(), at });
            record.not_before = at.checked_add(GRACE).ok();
            // What is declared now may end well.
            record.begun = None;
            Some(record)
        };
        let otherwise = "it is tried again at the next index";
        let put = self.ports.ledger().update(&declaration.id, otherwise, pending).await?;
        Ok(put.is_some())
    }

    /// Takes the turn to write what a listing says. An index with a newer listing takes it away; one that only lists does
    /// not, so that of indexes that take longer than the time between them, one ends. What was read of the registry
    /// before is put on the condition that it still stands: what an index writes in between is not undone.
    ///
    /// # Errors
    /// Kind `Conflict` when an index that began later writes.
    pub(crate) async fn take_turn(&self, turn: Option<&Turn>) -> Result<(), Error> {
        let Some(turn) = turn else { return Ok(()) };
        let ledger = self.ports.ledger();
        let now = self.ports.clock().now();
        // A mark in the future is of a clock that was wrong, and counts as none.
        match ledger.mark(&turn.mark).await?.filter(|writing| *writing <= now) {
            Some(writing) if writing == turn.began => Ok(()),
            Some(writing) if writing > turn.began => {
                let message = "an index of this cluster that began later writes what its newer listing says";
                Err(Error::new(Step::Lookup, Kind::Conflict, message))
            }
            _ => ledger.set_mark(&turn.mark, turn.began).await,
        }
    }
}

/// Notes the target that the declaration names no longer. The record need not know it: whoever wrote it may have ended before
/// that was recorded. Deletion looks whose it is.
fn leave_no_target(record: &mut Record, standing: &Declaration, declaration: &Declaration) {
    let (former, target) = (&standing.target, &declaration.target);
    let moved = former.name != target.name || former.generic() != target.generic();
    if moved && former.creation == CreationPolicy::Owner {
        record.owed.owe(FormerTarget { name: former.name.clone(), manifest: former.generic().cloned() });
    }
}

/// Whether the declaration is not read again for this reason. Source: ESO, whose refreshPolicy OnChange looks at the
/// ExternalSecret alone.
fn is_left_alone(declaration: &Declaration, because: Because<'_>) -> bool {
    match because {
        Because::Declared(_) => !declaration.follows_manifest(),
        Because::Store => declaration.refresh.reads_once(),
    }
}

/// Of two declarations with the same id the first is kept: which of them was meant cannot be told.
pub(crate) fn refuse_duplicates(manifests: &mut Manifests) {
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

/// Says where a cluster leads that led elsewhere before, so that nobody overlooks it.
fn tell_where_it_leads(standing: Option<&Cluster>, cluster: &Cluster) {
    let (name, now) = (&cluster.name, cluster.connection.shown());
    match standing.filter(|standing| standing.connection != cluster.connection) {
        Some(standing) => {
            let before = standing.connection.shown();
            warn!("cluster {name} leads elsewhere from now on: to {now}, no longer to {before}");
        }
        None => tracing::debug!("cluster {name} is {now}"),
    }
}

/// A declaration goes to a cluster that is known, and has one home and one set.
pub(crate) fn check(
    declaration: &Declaration,
    standing: Option<&Declaration>,
    clusters: &BTreeSet<ClusterName>,
    apply: Option<&Apply>,
) -> Result<Taken, Error> {
    if !clusters.contains(&declaration.id.cluster) {
        return Err(unknown_cluster(&declaration.id.cluster));
    }
    if standing.is_some_and(|standing| standing.home != declaration.home) {
        let message =
            "an ExternalSecret of this name is declared both in the cluster and outside of it; remove one";
        return Err(Error::new(Step::Lookup, Kind::Invalid, message));
    }
    match (apply, standing) {
        (Some(apply), standing) => apply.declaration(standing, declaration),
        (None, None) => Ok(Taken::New),
        (None, Some(standing)) if standing == declaration => Ok(Taken::Same),
        (None, Some(_)) => Ok(Taken::Edited),
    }
}
