//! Delivers declarations: looks at the target, fetches, renders, writes conditionally, records.
//!
//! This order keeps the promise "never back". Pawl looks at the target before it asks the store, and the write is
//! conditional on that look. So whoever wins a race wrote a value that was fetched after the last write; whoever
//! loses starts again from the look.

pub(crate) mod attempt;
pub(crate) mod careful;
pub(crate) mod carry;
pub(crate) mod catch;
pub(crate) mod delivery;
pub(crate) mod drift;
pub(crate) mod fetch;
pub(crate) mod freshness;
pub(crate) mod generate;
pub(crate) mod history;
pub(crate) mod intended;
pub(crate) mod making;
pub(crate) mod merge;
pub(crate) mod plan;
pub(crate) mod recheck;
pub(crate) mod recipes;
pub(crate) mod record;
pub(crate) mod render;
pub(crate) mod rendering;
pub(crate) mod search;
pub(crate) mod templates;
pub(crate) mod values;
pub(crate) mod watched;
pub(crate) mod windows;
pub(crate) mod write;

use crate::base::lanes::Lanes;
use crate::deliver::careful::set_aside;
use crate::deliver::delivery::{Delivered, Delivery};
use crate::deliver::fetch::AT_ONCE;
use crate::deliver::plan::{Plan, Work};
use crate::parts::Deliver;
use crate::report::Report;
use pawl_domain::record::MOST_STARTS;
use pawl_domain::{Declaration, Outcome};
use pawl_ports::{Clock, Error, Job, Ledger, Ports, Registry};
use std::sync::Arc;
use tracing::instrument;

impl<P: Ports> Deliver<P> {
    #[instrument(name = "deliver", skip_all, fields(job.declarations = job.declarations.len()))]
    pub(crate) async fn run(&self, job: &Job) -> Result<Report, Error> {
        let started = self.base.ports.clock().now();
        let declarations = self.base.ports.registry().declarations(&job.declarations).await?;
        let change = job.change.as_ref().map(|change| Arc::new(change.not_after(started)));
        let work = Work { change, since: job.at, started };
        self.deliver_work(declarations, &work).await.map(|delivered| delivered.report)
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
        let mut entries = self.base.ports.ledger().entries_of(&declarations).await?;
        // After the ledger, whose versions of targets are a look: what changes in a store from here on meets a conflict.
        let stores = self.base.stores_of(&declarations).await?;
        let mut delivered = Delivered::default();
        let mut open = Vec::new();
        for declaration in declarations {
            let entry = entries.remove(&declaration.id);
            let plan = Plan::of(declaration, entry, work, &stores);
            if plan.is_removed() {
                continue;
            }
            if plan.begun() > MOST_STARTS && !self.mode.insists {
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
            clusters: Lanes::new(self.base.settings.concurrency),
            locations: Lanes::new(AT_ONCE),
        };
        let (open, alone) = self.begin(open, work).await?;
        let mut left = self.carry_all_out(open, &delivery, &mut delivered).await;
        if !alone.is_empty() {
            // Boxed, for compilers do not like to look so deep.
            left.extend(Box::pin(self.carry_out_alone(alone, &delivery, &mut delivered)).await?);
        }
        let handed_over = self.queue.enqueue(&left, work.change.as_deref(), work.since).await;
        delivered.report.extend(handed_over);
        delivered.report.outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(delivered)
    }
}
