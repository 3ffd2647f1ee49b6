//! Acts at once on what a watch of a cluster saw, and only on that.

use crate::index::report::IndexReport;
use crate::parts::Follow;
use crate::report::Report;
use crate::spread::Spreading;
use crate::sweep::found::Findings;
use pawl_domain::record::{Outcome, State};
use pawl_domain::store::Home;
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, Kind, Manifests, Namespace, ObjectName, Problem,
    Record, Standing, Step, Store, StoreId,
};
use pawl_ports::{
    Catalogue, Clock, Clusters, Declared, Error, PAGE, Ports, Pushes, Registry, Scope, Sighting, Writer,
};
use std::collections::{BTreeMap, BTreeSet};
use tracing::{info, instrument, warn};

/// So many objects are remembered one by one; if more changed, everything is looked at instead.
const MOST_OBJECTS: usize = 2_000;
/// The same of Secrets, of which only the name and the version are remembered.
const MOST_TARGETS: usize = 10_000;

/// What a watch of one cluster saw since it was last acted on: of each object the last word, in bounded memory.
#[derive(Debug, Default)]
pub struct Sightings {
    declarations: bool,
    targets: bool,
    families: bool,
    objects: BTreeMap<Declared, Option<Manifests>>,
    touched: BTreeMap<(Namespace, ObjectName), Option<String>>,
    /// The Secrets that may be sources of PushSecrets.
    sources: BTreeMap<(Namespace, ObjectName), Option<String>>,
    /// All of them may have changed.
    pushes: bool,
}

impl Sightings {
    /// Everything has to be looked at: declarations, stores and targets.
    pub fn everything() -> Self {
        Self { declarations: true, targets: true, ..Self::default() }
    }

    /// Declarations and stores have to be looked at.
    pub fn declarations() -> Self {
        Self { declarations: true, ..Self::default() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let nothing_pushed = !self.pushes && self.sources.is_empty();
        !self.declarations
            && !self.targets
            && !self.families
            && nothing_pushed
            && self.objects.is_empty()
            && self.touched.is_empty()
    }

    /// Notes one sighting.
    pub fn add(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Declarations => self.declarations = true,
            Sighting::Targets => self.targets = true,
            Sighting::Families => self.families = true,
            Sighting::Standing(declared, manifests) => self.object(declared, Some(manifests)),
            Sighting::Gone(declared) => self.object(declared, None),
            Sighting::Target(namespace, name, version) => {
                self.touched.insert((namespace, name), version);
            }
            Sighting::Sources => self.pushes = true,
            Sighting::Source(namespace, name, version) => {
                self.sources.insert((namespace, name), version);
            }
        }
        if self.objects.len() > MOST_OBJECTS {
            self.declarations = true;
        }
        if self.touched.len() > MOST_TARGETS {
            self.targets = true;
        }
        if self.sources.len() > MOST_TARGETS {
            self.pushes = true;
        }
        self.trim();
    }

    /// Notes what an attempt that failed did not see to; what was seen since is newer.
    pub fn again(&mut self, failed: Self) {
        self.declarations |= failed.declarations;
        self.targets |= failed.targets;
        self.pushes |= failed.pushes;
        for (source, version) in failed.sources {
            self.sources.entry(source).or_insert(version);
        }
        self.families |= failed.families;
        for (declared, manifests) in failed.objects {
            self.objects.entry(declared).or_insert(manifests);
        }
        for (target, version) in failed.touched {
            self.touched.entry(target).or_insert(version);
        }
        self.trim();
    }

    /// Takes what can be acted on. The Secrets that this process wrote itself are forgotten; those that it may be writing
    /// this moment stay here.
    pub fn take(&mut self, writer: impl Fn(&Namespace, &ObjectName, Option<&str>) -> Writer) -> Self {
        let mut taken = std::mem::take(self);
        let pairs = [(&mut taken.touched, &mut self.touched), (&mut taken.sources, &mut self.sources)];
        for (taken, left) in pairs {
            taken.retain(|at @ (namespace, name), version| {
                match writer(namespace, name, version.as_deref()) {
                    // What it wrote it has noted itself.
                    Writer::Own => false,
                    Writer::Undecided => {
                        left.insert(at.clone(), version.clone());
                        false
                    }
                    Writer::Other => true,
                }
            });
        }
        taken
    }

    fn object(&mut self, declared: Declared, manifests: Option<Manifests>) {
        self.objects.insert(declared, manifests);
    }

    /// Where everything is looked at, single objects need not be remembered.
    fn trim(&mut self) {
        if self.declarations {
            self.objects.clear();
        }
        if self.targets {
            self.touched.clear();
        }
        if self.pushes {
            self.sources.clear();
        }
    }
}

/// The stores that were taken in, which are told how they are.
struct Taken {
    stores: Vec<Store>,
    standing: BTreeMap<StoreId, Standing>,
    report: IndexReport,
    pushes: BTreeSet<DeclarationId>,
}

impl<P: Ports> Follow<P> {
    #[instrument(name = "follow", skip_all, fields(cluster.name = %cluster.name))]
    pub(crate) async fn run(&self, cluster: &Cluster, seen: &Sightings) -> Result<(), Error> {
        let (mut stores, mut pushes) = (None, BTreeSet::new());
        let spread = self.spread(cluster, seen).await;
        if seen.declarations {
            // Boxed, here and below, for compilers do not like to look so deep.
            let report = Box::pin(self.index.index_cluster(cluster)).await?;
            tell(&report);
            pushes = report.pushes;
        } else if !seen.objects.is_empty() {
            let taken = Box::pin(self.follow_objects(&cluster.name, &seen.objects)).await?;
            pushes = taken.pushes.clone();
            stores = Some(taken);
        }
        let mut found = Findings::default();
        let repairing = async {
            if seen.targets {
                let standing = self.base.ports.clusters().managed(&cluster.name).await?;
                self.deliver.repair(&cluster.name, &standing, &mut found).await?;
                match found.held {
                    false => Ok(()),
                    true => {
                        let message =
                            "some targets are being written or could not be noted; all are looked at again";
                        Err(Error::new(Step::Record, Kind::Conflict, message))
                    }
                }
            } else if !seen.touched.is_empty() {
                self.follow_targets(&cluster.name, &seen.touched, &mut found).await
            } else {
                Ok(())
            }
        };
        // Side by side, for a store that does not answer takes its time.
        let telling = async {
            if let Some(Taken { stores, standing, report, .. }) = stores {
                self.statuses.tell_stores(&cluster.name, &stores, &standing, &report).await;
            }
        };
        let (repaired, ()) = futures::join!(Box::pin(repairing), Box::pin(telling));
        // Behind the repairs, for a target that is put back may be a source.
        let pushed = Box::pin(self.push_seen(&cluster.name, pushes, seen)).await;
        for (id, error) in found.report.failures() {
            warn!("{id} is not repaired: {error}");
        }
        repaired.and(spread).and(pushed)
    }

    /// Carries out PushSecrets that are new or edited, and those whose source may have changed.
    async fn push_seen(
        &self,
        cluster: &ClusterName,
        pushes: BTreeSet<DeclarationId>,
        seen: &Sightings,
    ) -> Result<(), Error> {
        if !self.base.settings.pushes {
            return Ok(());
        }
        self.push.edited(pushes).await;
        if seen.pushes {
            self.push.all_of(cluster).await?;
        }
        let sources = seen.sources.keys().cloned().collect();
        self.base.memory.pushes.changed([(cluster.clone(), sources)].into());
        self.push.look_at_changed().await.map(drop)
    }

    /// Follows what ClusterExternalSecrets depend on. What is made of them the watch tells of. An index does this as well.
    ///
    /// # Errors
    /// Where some of it is to be done again soon; what only a person can mend is left to the next change or index.
    async fn spread(&self, cluster: &Cluster, seen: &Sightings) -> Result<(), Error> {
        if seen.declarations || !seen.families {
            return Ok(());
        }
        let _indexing = self.base.indexing(&cluster.name).await?;
        let mut report = IndexReport::default();
        let patterns = self.index.patterns().await?;
        let placed = Box::pin(self.index.place(cluster, &patterns, &mut report)).await;
        tell(&report);
        placed?;
        match Box::pin(self.spread.run(cluster)).await {
            Ok(Spreading { problems, again }) => {
                problems.iter().for_each(tell_problem);
                again.map_or(Ok(()), Err)
            }
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => {
                warn!("ClusterExternalSecrets are not followed: {error}");
                Ok(())
            }
        }
    }

    async fn follow_objects(
        &self,
        cluster: &ClusterName,
        objects: &BTreeMap<Declared, Option<Manifests>>,
    ) -> Result<Taken, Error> {
        let _indexing = self.base.indexing(cluster).await?;
        let mut standing = Manifests::default();
        let (mut declarations, mut stores, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (declared, manifests) in objects {
            match (manifests, declared) {
                (Some(manifests), _) => {
                    standing.declarations.extend(manifests.declarations.iter().cloned());
                    standing.pushes.extend(manifests.pushes.iter().cloned());
                    standing.stores.extend(manifests.stores.iter().cloned());
                    standing.problems.extend(manifests.problems.iter().cloned());
                    let states = manifests.standing.iter();
                    standing.standing.extend(states.map(|(id, state)| (id.clone(), state.clone())));
                }
                (None, Declared::ExternalSecret(namespace, name)) => declarations.push(DeclarationId {
                    cluster: cluster.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                }),
                (None, Declared::Store(id)) => stores.push(id.clone()),
                (None, Declared::PushSecret(namespace, name)) => gone.push(DeclarationId {
                    cluster: cluster.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                }),
            }
        }
        // One of this name that was applied is not this one.
        let of_home = |each: &DeclarationId, known: &[Declaration]| {
            known.iter().any(|it| it.id == *each && it.home == Home::Cluster(cluster.clone()))
        };
        for chunk in declarations.chunks(PAGE) {
            let known = self.base.ports.registry().declarations(chunk).await?;
            let ours: Vec<_> = chunk.iter().filter(|id| of_home(id, &known)).cloned().collect();
            for (id, result) in self.remove.run(&ours).await? {
                if let Err(error) = result {
                    warn!("{id} is gone from the cluster and not yet from the registry: {error}");
                }
            }
        }
        self.remove_stores(&stores).await?;
        let (stores, states) = (standing.stores.clone(), std::mem::take(&mut standing.standing));
        let report = self.index.index_seen(standing).await?;
        tell(&report);
        let mut pushes = report.pushes.clone();
        for id in gone {
            let home = Home::Cluster(cluster.clone());
            if let Some(push) = self.base.ports.registry().push(&id).await?.filter(|push| push.home == home) {
                self.index.send_off(push).await?;
                pushes.insert(id);
            }
        }
        Ok(Taken { stores, standing: states, report, pushes })
    }

    /// Takes stores out of the registry, and delivers the declarations that read them: they fail, and say so.
    async fn remove_stores(&self, ids: &[StoreId]) -> Result<(), Error> {
        let mut work = BTreeSet::new();
        for id in ids {
            self.index.announce_removal(id, &mut work).await?;
            if self.base.ports.registry().remove_store(id).await? {
                info!("{id} is gone");
            }
        }
        tell_unqueued(&self.queue.queue_pending(work).await);
        Ok(())
    }

    /// Delivers the declarations of these Secrets, as far as the ledger knows them otherwise.
    async fn follow_targets(
        &self,
        cluster: &ClusterName,
        touched: &BTreeMap<(Namespace, ObjectName), Option<String>>,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let namespaces: BTreeSet<&Namespace> = touched.keys().map(|(namespace, _)| namespace).collect();
        let registry = self.base.ports.registry();
        for namespace in namespaces {
            // Ids ascend, so those of a namespace stand beside each other, from the first of all names on.
            let Ok(name) = FIRST_NAME.parse() else { continue };
            let first = DeclarationId { cluster: cluster.clone(), namespace: namespace.clone(), name };
            let page = registry.declarations(std::slice::from_ref(&first)).await?;
            self.mend(page, touched, found).await?;
            let mut pages = registry.pages(Scope::Cluster(cluster.clone())).after(first);
            let mut is_last = false;
            while !is_last && let Some(mut page) = pages.next().await? {
                let loaded = page.len();
                page.retain(|each| each.id.namespace == *namespace);
                is_last = page.len() < loaded;
                self.mend(page, touched, found).await?;
            }
        }
        Ok(())
    }

    /// Whoever records one of these meanwhile may have written it before it was touched, and records it as it was left: so it is
    /// compared again with what they recorded.
    async fn mend(
        &self,
        page: Vec<Declaration>,
        touched: &BTreeMap<(Namespace, ObjectName), Option<String>>,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let drifted = |declaration: &Declaration, record: &Record| concerns(declaration, record, touched);
        for _ in 0..ROUNDS {
            let started = self.base.ports.clock().now();
            if !self.deliver.repair_those(page.clone(), started, drifted, found).await? {
                return Ok(());
            }
        }
        Err(Error::new(
            Step::Record,
            Kind::Conflict,
            "its targets are being written; they are looked at again",
        ))
    }
}

/// How often Secrets that somebody else records meanwhile are compared again, one right after the other.
const ROUNDS: u32 = 3;

/// The first of all names of objects.
const FIRST_NAME: &str = "0";

/// Whether one of these Secrets is the target of this declaration, and not as it was left.
fn concerns(
    declaration: &Declaration,
    record: &Record,
    touched: &BTreeMap<(Namespace, ObjectName), Option<String>>,
) -> bool {
    if declaration.target.generic().is_some() {
        return false;
    }
    let at = |name: &ObjectName| touched.get(&(declaration.id.namespace.clone(), name.clone()));
    if let Some(target) = record.target.as_ref().filter(|target| target.manifest.is_none())
        && let Some(found) = at(&target.name)
        && (found.is_none() || target.resource_version.is_some() && *found != target.resource_version)
    {
        return true;
    }
    // One that could not be written may be written now: the Secret that was in its way changed, or is gone.
    matches!(
        (&record.state, at(&declaration.target.name)),
        (State::Failed(_), Some(_)) | (State::Settled(Outcome::TargetMissing), Some(Some(_)))
    )
}

fn tell(report: &IndexReport) {
    report.problems.iter().for_each(tell_problem);
    report.failed().for_each(|failure| warn!("{failure}"));
}

fn tell_problem(problem: &Problem) {
    let Problem { place, object, .. } = problem;
    warn!(place, object, "{problem}");
}

fn tell_unqueued(report: &Report) {
    for (id, error) in report.failures() {
        warn!("{id} is not queued: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str, version: Option<&str>) -> Sighting {
        Sighting::Target("shop".parse().unwrap(), name.parse().unwrap(), version.map(str::to_owned))
    }

    #[test]
    fn of_each_object_the_last_word_counts() {
        let mut seen = Sightings::default();
        assert!(seen.is_empty());
        let app = Declared::ExternalSecret("shop".parse().unwrap(), "app".parse().unwrap());
        seen.add(Sighting::Standing(app.clone(), Manifests::default()));
        seen.add(Sighting::Gone(app.clone()));
        seen.add(target("db", Some("1")));
        seen.add(target("db", Some("2")));
        assert!(matches!(seen.objects.get(&app), Some(None)));
        assert_eq!(seen.touched.values().flatten().collect::<Vec<_>>(), ["2"]);
        let all_of = |who| move |_: &Namespace, _: &ObjectName, _: Option<&str>| who;
        assert!(seen.take(all_of(Writer::Undecided)).touched.is_empty());
        assert_eq!((seen.touched.len(), seen.objects.len()), (1, 0), "it is asked for again");
        assert!(seen.take(all_of(Writer::Own)).is_empty() && seen.is_empty());
        seen.add(target("db", None));
        assert_eq!(seen.take(all_of(Writer::Other)).touched.len(), 1);
        assert!(seen.is_empty());
    }

    #[test]
    fn what_this_process_wrote_is_no_source_that_somebody_changed() {
        let source = |version: &str| {
            Sighting::Source("shop".parse().unwrap(), "db".parse().unwrap(), Some(version.to_owned()))
        };
        let writer = |_: &Namespace, _: &ObjectName, version: Option<&str>| match version {
            Some("own") => Writer::Own,
            Some("soon") => Writer::Undecided,
            _ => Writer::Other,
        };
        let mut seen = Sightings::default();
        seen.add(source("own"));
        assert!(seen.take(writer).is_empty() && seen.is_empty());
        seen.add(source("soon"));
        assert!(seen.take(writer).is_empty() && !seen.is_empty(), "it is asked for again");
        seen.add(source("theirs"));
        assert!(!seen.take(writer).is_empty() && seen.is_empty());
    }

    #[test]
    fn what_failed_is_older_than_what_was_seen_since() {
        let mut failed = Sightings::default();
        failed.add(target("db", Some("1")));
        failed.add(target("tls", None));
        let mut seen = Sightings::default();
        seen.add(target("db", Some("2")));
        seen.again(failed);
        let versions: Vec<_> = seen.touched.values().map(Option::as_deref).collect();
        assert_eq!(versions, [Some("2"), None]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = Sightings::default();
        for number in 0..=MOST_TARGETS {
            seen.add(target(&format!("t{number}"), Some("1")));
        }
        assert!(seen.targets && seen.touched.is_empty());
        for number in 0..=MOST_OBJECTS {
            let name = format!("e{number}").parse().unwrap();
            seen.add(Sighting::Gone(Declared::ExternalSecret("shop".parse().unwrap(), name)));
        }
        assert!(seen.declarations && seen.objects.is_empty());
        seen.add(target("db", Some("2")));
        assert!(seen.touched.is_empty(), "everything is looked at anyway");
    }
}
