//! Declarations to written targets: look, fetch, render, write on condition, record.
//!
//! The order is what keeps the promise "never back": what stands in the cluster is looked at before the store is
//! asked, and the write is conditional on it. Whoever wins a race wrote a value that was fetched after the last
//! write; whoever loses starts again from the look.
//!
//! Each declaration goes this way on its own and waits for nothing but its own cluster and stores. Those that have been
//! looked at within [`PATIENCE`] of each other share what is fetched.

use crate::attempt::Looked;
use crate::careful::set_aside;
use crate::fetch::AT_ONCE;
use crate::lanes::Lanes;
use crate::pipeline::{Pipeline, Stores};
use crate::plan::{Plan, Work};
use crate::report::Report;
use crate::write::Base;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, Stream, StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::record::{MOST_STARTS, Told};
use pawl_domain::{Change, ClusterName, Declaration, DeclarationId, Location, Outcome, Record};
use pawl_ports::{Clock, Clusters, Error, Job, Ledger, Ports, Registry, Status};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tracing::{instrument, warn};

/// How long those that are ready to be fetched for wait for others, to share one fetch with them. A cluster that
/// answers later costs a fetch more, and holds nobody up.
const PATIENCE: Duration = Duration::from_millis(250);
/// Statuses are published when everything is written, or when nothing more was written for so long.
const QUIET: Duration = Duration::from_millis(250);

/// What all declarations of one delivery have in common.
pub(crate) struct Delivery<'a> {
    pub(crate) stores: &'a Stores,
    /// Before anything was looked at: what is recorded as refreshed then is at least as new.
    pub(crate) started: Timestamp,
    pub(crate) clusters: Lanes<ClusterName>,
    pub(crate) locations: Lanes<Location>,
}

/// How one declaration fared.
pub(crate) struct Finished {
    pub(crate) id: DeclarationId,
    /// `None` when it was removed meanwhile.
    pub(crate) result: Option<Result<Outcome, Error>>,
    /// Whether a store does not show the version yet that a change named.
    pub(crate) behind: bool,
    /// What the ExternalSecret is told, where it lives in the cluster.
    pub(crate) status: Option<Status>,
    /// Whether something else is declared by now: nothing was done, and whoever comes next does it.
    pub(crate) is_left: bool,
}

/// What a delivery did.
#[derive(Default)]
pub(crate) struct Delivered {
    pub(crate) report: Report,
    /// Declarations whose stores do not show the version yet that a change named.
    pub(crate) behind: BTreeSet<DeclarationId>,
}

impl<P: Ports> Pipeline<P> {
    /// Brings the declarations of a job up to date. Those that are gone from the registry are left out. What cannot be
    /// done in the time that there is goes back to the job queue.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked; the job must then come again.
    #[instrument(skip_all, fields(job.declarations = job.declarations.len()))]
    pub async fn deliver(&self, job: &Job) -> Result<Report, Error> {
        let started = self.ports.clock().now();
        let declarations = self.ports.registry().declarations(&job.declarations).await?;
        let change = job.change.as_ref().map(|change| Arc::new(change.not_after(started)));
        let work = Work { change, since: job.at, started };
        self.deliver_work(declarations, &work).await.map(|delivered| delivered.report)
    }

    /// Brings these declarations up to date, each on its own, however the others fare. `since` is before they were
    /// loaded: what was refreshed after that is done already.
    pub(crate) async fn deliver_all(
        &self,
        declarations: Vec<Declaration>,
        change: Option<&Change>,
        since: Timestamp,
    ) -> Result<Report, Error> {
        let work = Work { change: change.cloned().map(Arc::new), since, started: since };
        self.deliver_watched(declarations, &work).await.map(|delivered| delivered.report)
    }

    /// Brings these declarations up to date.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked.
    pub(crate) async fn deliver_work(
        &self,
        declarations: Vec<Declaration>,
        work: &Work,
    ) -> Result<Delivered, Error> {
        let mut entries = self.ports.ledger().entries_of(&declarations).await?;
        // After the ledger, whose versions of targets are a look: what changes in a store from here on meets a conflict.
        let stores = self.stores_of(&declarations).await?;
        let mut delivered = Delivered::default();
        let mut open = Vec::new();
        for declaration in declarations {
            let entry = entries.remove(&declaration.id);
            let plan = Plan::of(declaration, entry, work);
            if plan.is_removed() {
                continue;
            }
            if plan.begun() > MOST_STARTS && !self.insists {
                delivered.report.outcomes.push((plan.declaration.id, Err(set_aside())));
            } else if plan.is_done(work, &stores) {
                delivered.report.outcomes.push((plan.declaration.id, Ok(Outcome::Unchanged)));
            } else {
                open.push(plan);
            }
        }
        let delivery = Delivery {
            stores: &stores,
            started: work.started,
            clusters: Lanes::new(self.settings.concurrency),
            locations: Lanes::new(AT_ONCE),
        };
        let (open, alone) = self.begin(open, work).await?;
        let mut left = self.carry_all_out(open, &delivery, &mut delivered).await;
        if !alone.is_empty() {
            // Boxed, for compilers do not like to look so deep.
            left.extend(Box::pin(self.carry_out_alone(alone, &delivery, &mut delivered)).await?);
        }
        let handed_over = self.enqueue(&left, work.change.as_deref(), work.since).await;
        delivered.report.extend(handed_over);
        delivered.report.outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(delivered)
    }

    /// Carries plans out until there is no time left, and then publishes how they went. Returns those that are not done,
    /// and those that are not as planned any more.
    pub(crate) async fn carry_all_out(
        &self,
        plans: Vec<Plan>,
        delivery: &Delivery<'_>,
        delivered: &mut Delivered,
    ) -> Vec<DeclarationId> {
        let mut left: BTreeSet<_> = plans.iter().map(|plan| plan.declaration.id.clone()).collect();
        let mut finished = pin!(self.carrying_out(plans, delivery));
        let turns = Lanes::new(self.settings.concurrency);
        let mut unpublished = Vec::new();
        let mut publishing = FuturesUnordered::new();
        let mut is_written = false;
        while !is_written || !publishing.is_empty() {
            tokio::select! {
                biased;
                next = finished.next(), if !is_written => match next {
                    Some(Finished { id, result, behind, status, is_left }) => {
                        if !is_left {
                            left.remove(&id);
                        }
                        delivered.behind.extend(behind.then(|| id.clone()));
                        unpublished.extend(status.map(|status| (id.clone(), status)));
                        delivered.report.outcomes.extend(result.map(|result| (id, result)));
                    }
                    None => is_written = true,
                },
                _ = publishing.next(), if !publishing.is_empty() => {}
                () = tokio::time::sleep(QUIET), if !unpublished.is_empty() => {
                    publishing.extend(unpublished.drain(..).map(|told| self.publish(told, &turns)));
                }
                () = self.late() => break,
            }
            if is_written {
                publishing.extend(unpublished.drain(..).map(|told| self.publish(told, &turns)));
            }
        }
        let untold = unpublished.len() + publishing.len();
        if untold > 0 {
            warn!("there was no time left to publish the status of {untold} declarations");
        }
        left.into_iter().collect()
    }

    /// How each plan fares, as it ends.
    fn carrying_out<'a>(
        &'a self,
        plans: Vec<Plan>,
        delivery: &'a Delivery<'a>,
    ) -> impl Stream<Item = Finished> + Send + 'a {
        let looking: FuturesUnordered<_> =
            plans.into_iter().map(|plan| self.look(plan, delivery).boxed()).collect();
        let batches = stream::unfold(looking, |mut looking| async move {
            let batch = together(&mut looking).await;
            (!batch.is_empty()).then_some((batch, looking))
        });
        batches.map(|batch| self.finishing(batch, delivery)).flatten_unordered(None)
    }

    /// What has been looked at, on its way from there. All of it shares what is fetched.
    fn finishing<'a>(&'a self, batch: Vec<Looked>, delivery: &'a Delivery<'a>) -> BoxStream<'a, Finished> {
        let wanting: Vec<&Plan> = batch.iter().filter(|it| it.base.is_ok()).map(|it| &it.plan).collect();
        let fetching = Arc::new(self.fetching(&wanting, delivery.stores, &delivery.locations));
        let templating = Arc::new(self.templating(&wanting, &delivery.clusters));
        let read = batch.iter().filter(|it| matches!(it.base, Ok(Base::Read(_))));
        let rechecking = self.rechecking(read.map(|it| it.plan.declaration.id.clone()).collect());
        let finishing: FuturesUnordered<_> = batch
            .into_iter()
            .map(|looked| {
                let (fetching, templating) = (Arc::clone(&fetching), Arc::clone(&templating));
                let rechecking = rechecking.clone();
                async move { self.finish(looked, &fetching, &templating, &rechecking, delivery).await }
                    .boxed()
            })
            .collect();
        finishing.boxed()
    }

    /// Tells an ExternalSecret how it fares. That costs no Secret a moment, and its failure is only a warning.
    async fn publish(&self, (id, status): (DeclarationId, Status), turns: &Lanes<ClusterName>) {
        let _turn = turns.enter(&id.cluster).await;
        if let Err(error) = self.ports.clusters().publish(&id, &status).await {
            warn!(declaration.id = %id, "{id}: its status stays as it is: {error}");
            if let Err(error) = self.forget_told(&id, status.told()).await {
                warn!(declaration.id = %id, "{id}: nor is that recorded: {error}");
            }
        }
    }

    /// What could not be told is not taken for told: the next delivery tells it.
    async fn forget_told(&self, id: &DeclarationId, told: Option<Told>) -> Result<(), Error> {
        // Whoever came in between has told something else.
        let forgotten = |last: Option<Record>| {
            let last = last.filter(|record| told.is_some() && record.told == told)?;
            Some(Record { told: None, ..last })
        };
        let otherwise = "the next delivery takes it for told";
        self.ports.ledger().update(id, otherwise, forgotten).await.map(drop)
    }
}

/// All that `looking` gives, but for what comes later than [`PATIENCE`].
async fn together(looking: &mut (impl Stream<Item = Looked> + Unpin)) -> Vec<Looked> {
    let mut batch = Vec::new();
    let mut patience = pin!(tokio::time::sleep(PATIENCE));
    loop {
        tokio::select! {
            biased;
            next = looking.next() => match next {
                Some(looked) => batch.push(looked),
                None => return batch,
            },
            () = &mut patience, if !batch.is_empty() => return batch,
        }
    }
}
