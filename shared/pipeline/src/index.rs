//! Keeps the registry in step with git and the clusters.
//!
//! A new or changed declaration is marked as pending in the ledger before it enters the registry, and queued
//! afterwards. A crash between any two steps therefore leaves work that the next sweep finds. The mark names the new
//! declaration, so a delivery of the old one does not settle it.

pub(crate) mod apply;
pub(crate) mod declarations;
pub(crate) mod known;
pub(crate) mod patterns;
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

use crate::base::turn::{Taking, Turn};
use crate::index::apply::Apply;
use crate::index::known::KnownPatterns;
use crate::index::prune::Given;
use crate::parts::Index;
use crate::spread::Spreading;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::store::Home;
use pawl_domain::{Cluster, ClusterName, DeclarationId, Kind, Manifests, Problem, Severity, Step};
use pawl_ports::{Catalogue, Clock, Clusters, Error, PAGE, Ports, Put, Registry};
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
        let patterns = self.patterns().await?;
        let patterned = patterns.clusters();
        let meant = |cluster: &Cluster| cluster.index || patterned.contains(&cluster.name);
        let (patterned, patterns) = (&patterned, &patterns);
        let indexing = clusters.into_iter().filter(meant).map(|cluster| async move {
            // Boxed, for compilers do not like to look so deep.
            let report = match cluster.index {
                true => Box::pin(self.index_cluster(&cluster)).await,
                false => Ok(IndexReport::default()),
            };
            let report = match patterned.contains(&cluster.name) {
                true => Box::pin(self.placed(&cluster, patterns, report)).await,
                false => report,
            };
            (cluster.name, report)
        });
        // As they end: of results in order, those behind a cluster that hangs would keep their places.
        let mut reports: Vec<_> = stream::iter(indexing).buffer_unordered(CLUSTERS).collect().await;
        reports.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(reports)
    }

    /// The report of a cluster with what became of the patterns that go there, whether or not it could be listed.
    async fn placed(
        &self,
        cluster: &Cluster,
        patterns: &KnownPatterns,
        report: Result<IndexReport, Error>,
    ) -> Result<IndexReport, Error> {
        let mut of_patterns = IndexReport::default();
        let placing = async {
            let _indexing = self.base.indexing(&cluster.name).await?;
            self.place(cluster, patterns, &mut of_patterns).await
        };
        let placed = self.in_time(Box::pin(placing)).await;
        let mut report = report?;
        placed?;
        report.absorb(of_patterns);
        Ok(report)
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
        self.in_time(Box::pin(self.index_listed(cluster))).await
    }

    /// What is done for one cluster, as long as there is time for it.
    async fn in_time<T>(&self, doing: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let own = Instant::now() + self.base.settings.sweep_time;
        let ends = self.base.until.map_or(own, |until| until.min(own));
        timeout_at(ends, doing).await.unwrap_or_else(|_| {
            let message = "there was no time left to take in what lives there; the next index goes on";
            Err(Error::new(Step::Lookup, Kind::Unreachable, message))
        })
    }

    async fn index_listed(&self, cluster: &Cluster) -> Result<IndexReport, Error> {
        let _indexing = self.base.indexing(&cluster.name).await?;
        let turn = Turn { mark: format!("index/{}", cluster.name), began: self.base.ports.clock().now() };
        // Within the circuit breaker, which leaves a cluster alone that hangs again and again.
        // Before that, so that the listing has what is made of ClusterExternalSecrets.
        let spreading = self.spread.run(cluster).await;
        let listing = self.base.at_cluster(&cluster.name, Step::Read, self.list(cluster));
        let mut manifests = listing.await?;
        manifests.problems.extend(spread_problems(cluster, spreading));
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
        let given: BTreeSet<DeclarationId> =
            manifests.declarations.iter().map(|each| each.id.clone()).collect();
        let mut work = BTreeSet::new();
        self.take_in_policies(apply, &manifests.policies, &mut report, &mut work).await?;
        let clusters = self.take_in_clusters(apply, &manifests.clusters, &mut report).await?;
        let touched = self.take_in_stores(turn, apply, &manifests.stores, &mut report, &mut work).await?;
        self.refuse_placed(apply, &mut manifests.declarations, &mut report).await?;
        self.take_in_patterns(taking, &manifests.patterns, &clusters, &mut report).await?;
        for page in manifests.declarations.chunks(PAGE) {
            self.take_in(taking, page, &clusters, &touched, &mut report, &mut work).await?;
        }
        self.drop_former_keys(&touched, &given, &mut report).await?;
        self.take_in_pushes(taking, &manifests.pushes, &clusters, &mut report).await?;
        if let Some(home) = prune {
            let stores = manifests.stores.iter().map(|store| store.id.clone()).collect();
            let given = Given {
                patterns: manifests.patterns.iter().map(Pattern::id).collect(),
                declarations: given,
                stores,
            };
            self.prune(taking, home, &given, &mut report, &mut work).await?;
            self.prune_pushes(taking, home, &manifests.pushes, &mut report).await?;
        }
        if apply.is_some() {
            self.place_given(&manifests.patterns, &mut report).await?;
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

    /// Places the declarations of what was just taken in.
    async fn place_given(&self, given: &[Pattern], report: &mut IndexReport) -> Result<(), Error> {
        if given.is_empty() {
            return Ok(());
        }
        let patterns = self.patterns().await?;
        let meant: BTreeSet<ClusterName> = given.iter().map(|each| each.id().cluster).collect();
        let clusters = self.base.ports.registry().clusters().await?;
        for cluster in clusters.iter().filter(|it| meant.contains(&it.name)) {
            self.place(cluster, &patterns, report).await?;
        }
        Ok(())
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
}

/// Of two objects with the same id the first is kept: which of them was meant cannot be told.
pub(crate) fn refuse_duplicates(manifests: &mut Manifests) {
    let named =
        |kind: &str, id: &DeclarationId| (format!("{kind} {}/{}", id.namespace, id.name), id.cluster.clone());
    let mut twice = firsts(&mut manifests.declarations, |each| named("ExternalSecret", &each.id));
    twice.extend(firsts(&mut manifests.pushes, |each| named("PushSecret", &each.id)));
    twice.extend(firsts(&mut manifests.patterns, |each| {
        let PatternId { cluster, name } = each.id();
        (format!("ClusterExternalSecret {name}"), cluster)
    }));
    manifests.problems.extend(twice.into_iter().map(|(object, cluster)| Problem {
        severity: Severity::Error,
        place: "all manifests together".to_owned(),
        object,
        field: String::new(),
        message: format!(
            "it is declared twice for cluster {cluster}; the first one is used, remove the other"
        ),
    }));
}

/// Leaves the first of each id; returns the ids of which there were more.
fn firsts<T, K: Ord + Clone>(all: &mut Vec<T>, id: impl Fn(&T) -> K) -> BTreeSet<K> {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    all.retain(|each| {
        let first = seen.insert(id(each));
        twice.extend((!first).then(|| id(each)));
        first
    });
    twice
}

/// What is told of the ClusterExternalSecrets of a cluster. They keep nothing else of it from being taken in.
fn spread_problems(cluster: &Cluster, spreading: Result<Spreading, Error>) -> Vec<Problem> {
    let error = match spreading {
        Ok(spreading) => return spreading.problems,
        Err(error) => error,
    };
    vec![Problem {
        severity: Severity::Error,
        place: format!("cluster {}", cluster.name),
        object: "kind ClusterExternalSecret".to_owned(),
        field: String::new(),
        message: error.message().to_owned(),
    }]
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
