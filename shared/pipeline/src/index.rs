//! Keeps the registry in step with git and the clusters.
//!
//! A new or changed declaration is marked as pending in the ledger before it enters the registry, and queued
//! afterwards. A crash between any two steps therefore leaves work that the next sweep finds. The mark names the new
//! declaration, so a delivery of the old one does not settle it.

pub(crate) mod apply;
pub(crate) mod pending;
pub(crate) mod policies;
pub(crate) mod preview;
pub(crate) mod prune;
pub(crate) mod pushes;
pub(crate) mod rekey;
pub(crate) mod report;
pub mod retire;
pub(crate) mod stores;

pub use crate::index::report::IndexReport;

use crate::base::stores::Stores;
use crate::base::turn::{Taking, Turn};
use crate::index::apply::{Apply, Taken};
use crate::index::pending::Because;
use crate::parts::Index;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::store::Home;
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, Kind, Manifests, Problem, Severity, Step, StoreId,
};
use pawl_ports::{Catalogue, Clock, Clusters, Error, Ledger, PAGE, Ports, Put, Registry};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{info, instrument, warn};

/// How many clusters are read at the same time.
const CLUSTERS: usize = 16;

/// How the index of one cluster went.
pub type ClusterIndex = (ClusterName, Result<IndexReport, Error>);

impl<P: Ports> Index<P> {
    #[instrument(name = "index", skip_all)]
    pub(crate) async fn run(&self, manifests: Manifests, apply: &Apply) -> Result<IndexReport, Error> {
        self.apply(manifests, apply, None).await
    }

    /// The same for what a folder held at a time.
    #[instrument(name = "index", skip_all)]
    pub(crate) async fn folder(
        &self,
        manifests: Manifests,
        apply: &Apply,
        began: Timestamp,
    ) -> Result<IndexReport, Error> {
        let turn = Turn { mark: format!("index/set/{}", apply.set), began };
        self.apply(manifests, apply, Some(&turn)).await
    }

    async fn apply(
        &self,
        mut manifests: Manifests,
        apply: &Apply,
        turn: Option<&Turn>,
    ) -> Result<IndexReport, Error> {
        apply.sign(&mut manifests);
        let prune = apply.prune.then_some(&Home::Applied);
        self.index_in(Taking { turn, apply: Some(apply), prune }, manifests).await
    }

    /// Takes in what was seen in a cluster. Nothing is removed.
    ///
    /// # Errors
    /// As for [`Pipeline::index`].
    pub(crate) async fn index_seen(&self, manifests: Manifests) -> Result<IndexReport, Error> {
        self.index_in(Taking { turn: None, apply: None, prune: None }, manifests).await
    }

    #[instrument(skip_all)]
    pub(crate) async fn clusters(&self) -> Result<Vec<ClusterIndex>, Error> {
        self.renew_keys().await;
        let clusters = self.base.ports.registry().clusters().await?;
        let indexing = clusters.into_iter().filter(|cluster| cluster.index).map(|cluster| async move {
            // Boxed, for compilers do not like to look so deep.
            let report = Box::pin(self.index_cluster(&cluster)).await;
            (cluster.name, report)
        });
        // As they end: of results in order, those behind a cluster that hangs would keep their places.
        let mut reports: Vec<_> = stream::iter(indexing).buffer_unordered(CLUSTERS).collect().await;
        reports.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(reports)
    }

    /// Takes in what lives in one cluster. The cluster has [`Settings::share_time`] to list it; taking it in may go on for
    /// [`Settings::sweep_time`], for it waits for registry and ledger alone, or until [`Pipeline::until`] says. What is
    /// cut off there is marked as pending, and the next index goes on.
    ///
    /// [`Settings::share_time`]: crate::Settings::share_time
    /// [`Settings::sweep_time`]: crate::Settings::sweep_time
    ///
    /// # Errors
    /// Kind `Unreachable` when the cluster or the index takes too long; else as for [`Pipeline::index`].
    pub(crate) async fn index_cluster(&self, cluster: &Cluster) -> Result<IndexReport, Error> {
        let own = Instant::now() + self.base.settings.sweep_time;
        let ends = self.base.until.map_or(own, |until| until.min(own));
        let indexing = Box::pin(self.index_listed(cluster));
        timeout_at(ends, indexing).await.unwrap_or_else(|_| {
            let message = "there was no time left to take in what lives there; the next index goes on";
            Err(Error::new(Step::Lookup, Kind::Unreachable, message))
        })
    }

    async fn index_listed(&self, cluster: &Cluster) -> Result<IndexReport, Error> {
        let _indexing = self.base.indexing(&cluster.name).await;
        let turn = Turn { mark: format!("index/{}", cluster.name), began: self.base.ports.clock().now() };
        // Within the circuit breaker, which leaves a cluster alone that hangs again and again.
        let listing = self.base.at_cluster(&cluster.name, Step::Read, self.list(cluster));
        let mut manifests = listing.await?;
        let (stores, standing) = (manifests.stores.clone(), std::mem::take(&mut manifests.standing));
        let home = Home::Cluster(cluster.name.clone());
        let taking = Taking { turn: Some(&turn), apply: None, prune: Some(&home) };
        let report = self.index_in(taking, manifests).await?;
        self.statuses.tell_stores(&cluster.name, &stores, &standing, &report).await;
        Ok(report)
    }

    /// What lives in a cluster, which has [`Settings::share_time`](crate::Settings::share_time) to list it.
    pub(crate) async fn list(&self, cluster: &Cluster) -> Result<Manifests, Error> {
        let patience = self.base.settings.share_time();
        timeout(patience, self.base.ports.clusters().manifests(cluster)).await.unwrap_or_else(|_| {
            let message =
                format!("it did not list its manifests within {patience:?}; the next index asks again");
            Err(Error::new(Step::Read, Kind::Unreachable, message))
        })
    }

    async fn index_in(&self, taking: Taking<'_>, mut manifests: Manifests) -> Result<IndexReport, Error> {
        let Taking { turn, apply, prune } = taking;
        refuse_duplicates(&mut manifests);
        let mut report = IndexReport { problems: manifests.problems, ..IndexReport::default() };
        self.base.withhold_values(&mut manifests.stores, &mut report.problems);
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
        self.take_in_pushes(taking, &manifests.pushes, &clusters, &mut report).await?;
        if let Some(home) = prune {
            let stores = manifests.stores.iter().map(|store| store.id.clone()).collect();
            self.prune(taking, home, &given, &stores, &mut report, &mut work).await?;
            self.prune_pushes(taking, home, &manifests.pushes, &mut report).await?;
        }
        // Only now do the stores and declarations stand that the work is to be done with.
        let changed = work.len();
        report.report.extend(self.queue.queue_pending(work).await);
        info!(
            declarations = report.declarations.len(),
            changed,
            removed = report.removed.len(),
            problems = report.problems.len(),
            "indexed"
        );
        Ok(report)
    }

    /// Takes in the clusters that are new or changed; returns the names of all that are known.
    async fn take_in_clusters(
        &self,
        apply: Option<&Apply>,
        given: &[Cluster],
        report: &mut IndexReport,
    ) -> Result<BTreeSet<ClusterName>, Error> {
        let known = self.base.ports.registry().clusters().await?;
        let mut known: BTreeMap<String, Cluster> =
            known.into_iter().map(|cluster| (cluster.name.to_string(), cluster)).collect();
        // A cluster names no others.
        let apply = apply.cloned().unwrap_or_default();
        for cluster in given {
            let put = match apply.cluster(&known, cluster) {
                Ok(Put::Created | Put::Changed) => self.base.ports.registry().put_cluster(cluster).await,
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
        let stores = self.base.stores_of(page).await?;
        let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
        let known = self.base.ports.registry().declarations(&ids).await?;
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
            self.base.take_turn(turn).await?;
        }
        // Collected, for compilers take no closure over references for one that may be sent.
        let taking: Vec<_> = open
            .into_iter()
            .map(|(declaration, standing, same)| {
                self.take_in_one(declaration, standing, same, &stores).boxed()
            })
            .collect();
        let mut taken = stream::iter(taking).buffer_unordered(self.base.settings.concurrency);
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
            let put = self.base.ports.registry().put(declaration, &keys, standing).await?;
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
        let entries = self.base.ports.ledger().entries(ids).await?;
        let removed = entries.into_iter().filter(|entry| entry.record.owed.removed.is_some());
        Ok(removed.map(|entry| entry.id).collect())
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

/// The error of a cluster that a declaration names and nobody declared.
fn unknown_cluster(name: &ClusterName) -> Error {
    Error::new(
        Step::Lookup,
        Kind::Invalid,
        format!("cluster {name} is not known; apply a Cluster of this name"),
    )
}
