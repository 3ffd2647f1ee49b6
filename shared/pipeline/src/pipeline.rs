//! The use cases together, built from the structs in `parts`.

mod pushes;

use crate::base::memory::Memory;
use crate::deliver::recipes::Recipes;
use crate::deliver::rendering::Rendering;
use crate::explain::fleet::Fleet;
use crate::explain::listed::{Filter, Listed, Listing};
use crate::explain::receipt::Receipt;
use crate::explain::witness::Witness;
use crate::explain::{Account, Explanation, Reader};
use crate::follow::Sightings;
use crate::index::apply::Apply;
use crate::index::retire::Retired;
use crate::index::{ClusterIndex, IndexReport};
use crate::parts::{
    Base, Deliver, Explain, Follow, Index, Mode, Push, Queue, Rehearse, Remove, Spread, StoreStatuses, Sweep,
    Sync,
};
use crate::rehearse::Rehearsal;
use crate::rehearse::forecast::Forecast;
use crate::rehearse::survey::Survey;
use crate::remove::Removals;
use crate::report::Report;
use crate::settings::Settings;
use crate::sweep::review::Review;
use crate::sweep::{SweepReport, Watchable};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::{
    Change, Cluster, ClusterName, Declaration, DeclarationId, DigestKey, Functions, Manifests, ObjectName,
    Store,
};
use pawl_ports::{Clock, Error, Job, Ports, Unreadable};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// The flow over some world: its use cases, one folder or file each.
///
/// Each is behind a pointer here, for compilers do not like to look through all of the flow and its adapters at once.
#[derive(Debug)]
pub struct Pipeline<P> {
    sync: Sync<P>,
    deliver: Arc<Deliver<P>>,
    sweep: Sweep<P>,
    index: Arc<Index<P>>,
    follow: Follow<P>,
    push: Arc<Push<P>>,
    rehearse: Rehearse<P>,
    explain: Explain<P>,
}

impl<P: Ports> Pipeline<P> {
    /// The flow over these ports. `digest_key` keys the digests in the ledger; with another key than last time every
    /// target is looked at once more, and nothing else happens.
    pub fn new(ports: P, settings: Settings, digest_key: DigestKey) -> Self {
        let ports = Arc::new(ports);
        let functions = functions(&ports);
        let rendering = Arc::new(Rendering::new(Recipes::new(functions.clone())));
        let memory = Arc::new(Memory::new(&settings));
        let settings = Arc::new(settings);
        Self::over(
            Arc::new(Base { ports, settings, digest_key, memory, until: None }),
            rendering,
            functions,
            Mode::default(),
        )
    }

    /// The same flow, whose syncs and deliveries end at `until`: what they have not done by then they hand to the job
    /// queue. Leave it the time that this takes.
    #[must_use]
    pub fn until(&self, until: Instant) -> Self {
        let base = &*self.deliver.base;
        let base = Base {
            ports: Arc::clone(&base.ports),
            settings: Arc::clone(&base.settings),
            digest_key: base.digest_key.clone(),
            memory: Arc::clone(&base.memory),
            until: Some(until),
        };
        Self::over(
            Arc::new(base),
            Arc::clone(&self.deliver.rendering),
            self.push.functions.clone(),
            self.deliver.mode,
        )
    }

    /// The same flow, which takes a version that is older than what was written, as after somebody put a store back. Else
    /// such a version is only taken when the store has been giving it for minutes, for a replica may lag.
    #[must_use]
    pub fn accepting_older(&self) -> Self {
        self.in_mode(Mode { accepts_older: true, ..self.deliver.mode })
    }

    /// The same flow for work that was begun before and, as far as anybody knows, did not end.
    #[must_use]
    pub fn with_care(&self) -> Self {
        self.in_mode(Mode { is_careful: true, ..self.deliver.mode })
    }

    /// The same flow for work that a person asks for: what was set aside is tried once more.
    #[must_use]
    pub fn insisting(&self) -> Self {
        self.in_mode(Mode { insists: true, ..self.deliver.mode })
    }

    /// The world that the flow runs over.
    pub fn ports(&self) -> &P {
        &self.deliver.base.ports
    }

    /// Brings every declaration that `change` affects up to date: within this call up to [`Settings::sync_targets`],
    /// which share one fetch, and as many as there is time for; the others by the job queue. A target that cannot be
    /// reached now is handed to the job queue as well, so that an `Ok` in the report means: done, or cannot be lost any
    /// more.
    ///
    /// [`Settings::sync_targets`]: crate::Settings::sync_targets
    ///
    /// # Errors
    /// Only if the registry could not be asked. The change must then be handed in again.
    pub async fn sync(&self, change: &Change) -> Result<Report, Error> {
        let report = self.sync.run(change).boxed().await;
        self.push.after_delivery().boxed().await;
        report
    }

    /// Brings the declarations of a job up to date. Those that are gone from the registry are left out. What cannot be
    /// done in the time that there is goes back to the job queue.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked; the job must then come again.
    pub async fn deliver(&self, job: &Job) -> Result<Report, Error> {
        let report = self.deliver.run(job).boxed().await;
        self.push.after_delivery().boxed().await;
        report
    }

    /// Tries again what failed or waits and is due, sweeps every store that is due, and compares the clusters that are
    /// due for a look. `all` looks at what is not due as well.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked at the beginning. What fails later is in the report, and the next
    /// sweep does the rest.
    pub async fn sweep(&self, all: bool) -> Result<SweepReport, Error> {
        let report = self.sweep.run(all).boxed().await;
        self.push.after_delivery().boxed().await;
        report
    }

    /// Every identity whose stores can be watched, in ascending order, as each sweep of this process tells anew.
    pub fn watchable(&self) -> watch::Receiver<Vec<Watchable>> {
        self.sweep.base.memory.watchable.subscribe()
    }

    /// Looks at what changed in these stores since they were looked at last, due or not: for a watch that begins. `None`
    /// where a sweep looks at them this moment, which may have begun before the watch; look again then. What could not be
    /// looked at is in the report, and logged.
    ///
    /// # Errors
    /// The policies of the operator could not be read.
    pub async fn catch_up(&self, with: &Watchable) -> Result<Option<SweepReport>, Error> {
        let report = self.sweep.catch_up(with).boxed().await;
        self.push.after_delivery().boxed().await;
        report
    }

    /// Waits until something that failed in this process is to be tried again, for [`Self::retry_due`]. May be
    /// dropped at any time.
    pub async fn until_due(&self) {
        self.sweep.until_due().boxed().await
    }

    /// Tries again what failed in this process and is due now. What fails once more is noted anew, after a pause that is
    /// twice as long.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked; it is tried again, also by the next sweep.
    pub async fn retry_due(&self) -> Result<Report, Error> {
        let report = self.sweep.retry_due().boxed().await;
        self.push.after_delivery().boxed().await;
        report
    }

    /// Takes manifests into the registry, as far as this apply may. Where it prunes, what belongs to its set and is not
    /// among them is removed; what stands in a manifest that could not be used is left as it was.
    ///
    /// # Errors
    /// Only if the registry could not be asked; what was taken in stays, and doing it again is harmless.
    pub async fn index(&self, manifests: Manifests, apply: &Apply) -> Result<IndexReport, Error> {
        self.index.run(manifests, apply).boxed().await
    }

    /// The same for what a folder held at `began`: of two calls with manifests of one set, the one with the newer listing
    /// has the last word.
    ///
    /// # Errors
    /// As for [`Self::index`]; kind `Conflict` when a call with a newer listing writes.
    pub async fn index_folder(
        &self,
        manifests: Manifests,
        apply: &Apply,
        began: Timestamp,
    ) -> Result<IndexReport, Error> {
        self.index.folder(manifests, apply, began).boxed().await
    }

    /// Takes the ExternalSecrets and stores that live in each cluster that is to be indexed into the registry.
    /// Answers for each cluster on its own, in the order of their names. A cluster that hangs holds up no other: it has
    /// [`Settings::share_time`] to list what lives there, and [`Settings::sweep_time`] in all.
    ///
    /// [`Settings::share_time`]: crate::Settings::share_time
    /// [`Settings::sweep_time`]: crate::Settings::sweep_time
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn index_clusters(&self) -> Result<Vec<ClusterIndex>, Error> {
        self.index.clusters().boxed().await
    }

    /// What [`Self::index`] would do with these manifests, and what policies would then refuse: those in the registry,
    /// with those among the manifests that may be applied. Of what stands in the registry and is not among the manifests,
    /// only what is not refused today is told, the first hundred of it. Nothing is written, and no cluster and no store is
    /// asked.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn preview(&self, manifests: Manifests, apply: &Apply) -> Result<IndexReport, Error> {
        self.index.preview(manifests, apply).boxed().await
    }

    /// Removes policies; says of each whether there was one. Declarations that could read by its leave only are delivered,
    /// fail, and say so.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked; doing it again is harmless.
    pub async fn remove_policies(&self, names: &[ObjectName]) -> Result<Vec<(ObjectName, bool)>, Error> {
        self.index.remove_policies(names).boxed().await
    }

    /// Removes a cluster: its declarations with their records, the stores that were found in it, and the cluster itself.
    ///
    /// First the Secrets that its declarations own are deleted; where that fails, the declaration and the cluster stay.
    /// `force` asks nothing of the cluster and leaves the Secrets there as they are, for a cluster that is gone.
    /// Interrupted at any step, it is finished by doing it again: the cluster itself goes last, and what is left of one
    /// that is not known any more is found all the same.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn retire_cluster(&self, name: &ClusterName, force: bool) -> Result<Retired, Error> {
        self.index.retire_cluster(name, force).boxed().await
    }

    /// Acts on what a watch of this cluster saw: takes new and changed objects into the registry and those that are gone
    /// out of it, and repairs targets that somebody else changed. Objects that changed are not listed again.
    ///
    /// # Errors
    /// When the registry or ledger could not be asked, or the cluster could not be listed where everything is looked at;
    /// doing it again is harmless.
    pub async fn follow(&self, cluster: &Cluster, seen: &Sightings) -> Result<(), Error> {
        self.follow.run(cluster, seen).boxed().await
    }

    /// Removes declarations from the registry, and the targets that they own. Answers for each on its own. What cannot
    /// be deleted now is deleted by a later sweep; the declaration stays in the registry until then. One that a
    /// ClusterExternalSecret placed is refused, for it would come back.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn remove(&self, ids: &[DeclarationId]) -> Result<Removals, Error> {
        self.index.remove_declared(ids).boxed().await
    }

    /// Every declaration that the change affects, and every other that reads a key of the same name, with the reason
    /// why it stays as it is. Reads the whole registry, a page at a time.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn explain(&self, change: &Change) -> Result<Vec<Explanation>, Error> {
        self.explain.change(change).boxed().await
    }

    /// All that is known of a declaration, without asking a store or a cluster; `None` if none of this name is
    /// registered.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn account(&self, id: &DeclarationId) -> Result<Option<Account>, Error> {
        self.explain.account(id).boxed().await
    }

    /// Every declaration that reads the key that this change names, in ascending order of ids. For a single key it costs look-ups
    /// by index, however large the registry is.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn readers(&self, change: &Change) -> Result<Vec<Reader>, Error> {
        self.explain.readers(change).boxed().await
    }

    /// The declarations that may read the changed key and whose documents cannot be read, so that nobody knows.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn perhaps_readers(&self, change: &Change) -> Result<Vec<Unreadable>, Error> {
        self.explain.perhaps_readers(change).boxed().await
    }

    /// How the targets of the key that `change` names stand against what its stores give out now. The version in force must
    /// also be the one that the change names, if it names one: a store may not show it yet.
    ///
    /// Asks the registry, the ledger, and of each store the versions, no values; no cluster. That a target stands is what
    /// the ledger knows: a hand that changes the Secret afterwards is drift, and put back.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn receipt(&self, change: &Change) -> Result<Receipt, Error> {
        self.explain.receipt(change).boxed().await
    }

    /// Tells the receipt of a change that was synced at `since` to whoever waits for it: that it has arrived everywhere, or after
    /// ten minutes where it has not. `false` while it is too early for either.
    ///
    /// # Errors
    /// When registry or ledger could not be asked, or nobody took the receipt. It must then be told again.
    pub async fn tell_receipt(&self, change: &Change, since: Timestamp) -> Result<bool, Error> {
        self.explain.tell(change, since).boxed().await
    }

    /// What policies say of an account's reads, without asking a store or a cluster.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn permitted(&self, account: &Account) -> Result<Witness, Error> {
        self.explain.permitted(account).boxed().await
    }

    /// What policies say of an account's reads, and what its stores and its cluster say.
    ///
    /// # Errors
    /// Only if the registry could not be asked. A store or cluster that does not answer is part of the result.
    pub async fn witness(&self, account: &Account) -> Result<Witness, Error> {
        self.explain.witness(account).boxed_local().await
    }

    /// How the declarations fare that `is_meant` chooses. Reads registry and ledger whole, a page at a time.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn fleet(
        &self,
        is_meant: impl Fn(&Declaration) -> bool + Send + std::marker::Sync,
    ) -> Result<Fleet, Error> {
        self.explain.fleet(is_meant).boxed().await
    }

    /// Declarations that `filter` chooses, in ascending order of ids from behind `after` on, each with what the ledger knows of
    /// it: at most `limit`, and perhaps fewer with more to come, for only so many are looked at.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn listed(
        &self,
        filter: &Filter,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Listing, Error> {
        self.explain.listed(filter, after, limit).boxed().await
    }

    /// These declarations, each with what the ledger knows of it.
    ///
    /// # Errors
    /// Only if the ledger could not be asked.
    pub async fn known(&self, declarations: Vec<Declaration>) -> Result<Vec<Listed>, Error> {
        self.explain.known(declarations).boxed().await
    }

    /// The key as a change in every place where a store of the registry could find it; only in one region where it is given,
    /// or where the key is an ARN.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn changes_of_key(&self, key: &str, region: Option<&str>) -> Result<Vec<Change>, Error> {
        self.explain.changes_of_key(key, region).boxed().await
    }

    /// Lists all stores that are read and all clusters, for what nobody reads, is old, has no owner or is open to all.
    /// `older_than` says from which age on a value is old.
    ///
    /// # Errors
    /// Only if the registry could not be asked. A store or cluster that cannot be listed is part of the result.
    pub async fn review(&self, older_than: SignedDuration) -> Result<Review, Error> {
        self.sweep.review(older_than).boxed_local().await
    }

    /// What a delivery of these declarations would do now, in their order, with `given` in place of the stores of the same
    /// ids. Each target is read, and each key, once; nothing is written.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub async fn rehearse(
        &self,
        declarations: Vec<Declaration>,
        given: &[Store],
    ) -> Result<Vec<Rehearsal>, Error> {
        self.rehearse.run(declarations, given).boxed_local().await
    }

    /// What an apply would do, to the registry and to the targets. Values are read as a delivery reads them, with what
    /// policies allow today; nothing is written.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked. What cannot be rehearsed is told target by target.
    pub async fn forecast(&self, manifests: Manifests, apply: &Apply) -> Result<Forecast, Error> {
        self.rehearse.forecast(manifests, apply).boxed_local().await
    }

    /// What the first delivery of each ExternalSecret that stands in a cluster would do, if Pawl indexed the cluster. Neither
    /// declarations nor stores enter the registry; values are read as a delivery reads them, with what policies allow today, and
    /// nothing is written anywhere.
    ///
    /// # Errors
    /// When the cluster cannot be listed, or registry or ledger could not be asked. What cannot be rehearsed is told target by
    /// target.
    pub async fn survey(&self, cluster: &Cluster) -> Result<Survey, Error> {
        self.rehearse.survey(cluster).boxed_local().await
    }

    fn in_mode(&self, mode: Mode) -> Self {
        let functions = self.push.functions.clone();
        Self::over(Arc::clone(&self.deliver.base), Arc::clone(&self.deliver.rendering), functions, mode)
    }

    fn over(base: Arc<Base<P>>, rendering: Arc<Rendering>, functions: Functions, mode: Mode) -> Self {
        let push = Arc::new(Push { base: base.clone(), functions });
        let queue = Arc::new(Queue { base: base.clone() });
        let remove = Arc::new(Remove { base: base.clone() });
        let statuses = Arc::new(StoreStatuses { base: base.clone() });
        let spread = Arc::new(Spread { base: base.clone() });
        let deliver = Arc::new(Deliver { base: base.clone(), queue: queue.clone(), rendering, mode });
        let index = Arc::new(Index {
            base: base.clone(),
            queue: queue.clone(),
            remove: remove.clone(),
            statuses: statuses.clone(),
            spread: spread.clone(),
        });
        Self {
            sync: Sync { base: base.clone(), queue: queue.clone(), deliver: deliver.clone() },
            sweep: Sweep {
                base: base.clone(),
                queue: queue.clone(),
                remove: remove.clone(),
                statuses: statuses.clone(),
                deliver: deliver.clone(),
            },
            follow: Follow {
                base: base.clone(),
                queue,
                remove,
                statuses,
                spread,
                index: index.clone(),
                deliver: deliver.clone(),
                push: push.clone(),
            },
            push,
            rehearse: Rehearse { index: index.clone(), deliver: deliver.clone() },
            explain: Explain { base },
            deliver,
            index,
        }
    }
}

/// The functions of templates, which are told the time by the clock of these ports.
fn functions<P: Ports>(ports: &Arc<P>) -> Functions {
    let ports = Arc::clone(ports);
    Functions::new(move || ports.clock().now())
}
