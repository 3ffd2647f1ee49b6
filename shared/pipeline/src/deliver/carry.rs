//! Carries out plans side by side. Each waits only for its own cluster and stores. Plans whose targets were looked
//! at within [`PATIENCE`] of each other share their fetches.

use crate::base::lanes::Lanes;
use crate::deliver::attempt::Looked;
use crate::deliver::delivery::{Delivered, Delivery, Finished};
use crate::deliver::plan::Plan;
use crate::deliver::write::Base;
use crate::parts::Deliver;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, Stream, StreamExt, stream};
use pawl_domain::record::Told;
use pawl_domain::{ClusterName, DeclarationId, Record};
use pawl_ports::{Clusters, Error, Ledger, Ports, Status};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// How long those that are ready to be fetched for wait for others, to share one fetch with them. A cluster that
/// answers later costs a fetch more, and holds nobody up.
const PATIENCE: Duration = Duration::from_millis(250);
/// Statuses are published when everything is written, or when nothing more was written for so long.
const QUIET: Duration = Duration::from_millis(250);

impl<P: Ports> Deliver<P> {
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
        let turns = Lanes::new(self.base.settings.concurrency);
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
                () = self.base.late() => break,
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
        let fetching = Arc::new(self.fetching(&wanting, &delivery.locations));
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
        if let Err(error) = self.base.ports.clusters().publish(&id, &status).await {
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
        self.base.ports.ledger().update(id, otherwise, forgotten).await.map(drop)
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
