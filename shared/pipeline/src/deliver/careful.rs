//! Handles work that may have killed its process: starts it with care, and sets it aside when it does so again and
//! again.
//!
//! While all is well this writes nothing per declaration. Care begins when work was started before and did not end:
//! a job or event that is received again, and what sweeps deliver in a process that follows one that died while
//! delivering. From then on each delivery counts its start in the ledger, and what was counted before runs alone.
//! Whatever ends, well or not, resets its count. So the innocent declarations get done, and the guilty one is known
//! by its count. Then only a person starts it again, or a change of its manifest or store.

use crate::deliver::delivery::{Attempted, Delivered, Delivery};
use crate::deliver::plan::{Plan, Work};
use crate::parts::{Deliver, Mode};
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::record::{Begun, MOST_STARTS};
use pawl_domain::{DeclarationId, Kind, Record, Step};
use pawl_ports::{Clock, Entry, Error, Ledger, Ports};
use std::sync::Arc;

impl<P: Ports> Deliver<P> {
    /// The same for work that was begun before and, as far as anybody knows, did not end.
    pub(crate) fn with_care(&self) -> Self {
        Self {
            base: Arc::clone(&self.base),
            queue: Arc::clone(&self.queue),
            rendering: Arc::clone(&self.rendering),
            mode: Mode { is_careful: true, ..self.mode },
        }
    }

    /// Counts that these deliveries begin, as far as care is taken. Gives those that go on together, and those that are
    /// carried out alone.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub(crate) async fn begin(&self, plans: Vec<Plan>, work: &Work) -> Result<(Vec<Plan>, Vec<Plan>), Error> {
        if !self.mode.is_careful {
            return Ok((plans, Vec::new()));
        }
        // Of what ended since the work came up, something is recorded since then.
        let ended = |plan: &Plan| plan.record().is_some_and(|record| record.at > work.since);
        let (mut together, open): (Vec<_>, Vec<_>) = plans.into_iter().partition(ended);
        let (alone, new): (Vec<_>, Vec<_>) = open.into_iter().partition(|plan| plan.begun() > 0);
        let counting: Vec<_> = new.into_iter().map(|plan| self.count_start(plan).boxed()).collect();
        let counted: Vec<_> =
            stream::iter(counting).buffer_unordered(self.base.settings.concurrency).collect().await;
        for plan in counted {
            together.push(plan?);
        }
        Ok((together, alone))
    }

    /// Carries out one after the other, with nothing of their kind beside them in this process. Returns those for which there
    /// was no time left.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub(crate) async fn carry_out_alone(
        &self,
        plans: Vec<Plan>,
        delivery: &Delivery<'_>,
        delivered: &mut Delivered,
    ) -> Result<Vec<DeclarationId>, Error> {
        let mut left = Vec::new();
        for plan in plans {
            if self.base.is_late() {
                left.push(plan.declaration.id);
                continue;
            }
            let _alone = self.base.memory.care.alone.lock().await;
            if plan.begun() >= MOST_STARTS {
                tracing::error!(declaration.id = %plan.declaration.id, "{}: {}", plan.declaration.id, set_aside());
                let finished = self.record(plan, Attempted::aside(set_aside()), delivery).await;
                delivered.report.outcomes.extend(finished.result.map(|result| (finished.id, result)));
                continue;
            }
            let plan = self.count_start(plan).await?;
            left.extend(Box::pin(self.carry_all_out(vec![plan], delivery, delivered)).await);
        }
        Ok(left)
    }

    /// Notes durably that a delivery begins. A record that somebody else just wrote is left as it is: they are alive.
    async fn count_start(&self, mut plan: Plan) -> Result<Plan, Error> {
        let begun = Some(Begun { declaration: plan.digest.clone(), times: plan.begun() + 1 });
        let now = self.base.ports.clock().now();
        let last = plan.record().cloned().unwrap_or_else(|| Record::pending(&plan.declaration, now));
        let record = Record { begun, ..last };
        let id = plan.declaration.id.clone();
        let expected = plan.entry.as_ref().map(|entry| entry.revision);
        if let Some(revision) = self.base.ports.ledger().put_unless_changed(&id, &record, expected).await? {
            plan.entry = Some(Entry { id, record, revision });
        }
        Ok(plan)
    }
}

/// The error of a declaration that is begun no more.
pub(crate) fn set_aside() -> Error {
    let message = format!(
        "it is set aside, for {MOST_STARTS} deliveries of it were begun and none ended: it may have ended its process; change \
         the manifest, or try it once more with pawl sync <cluster>/<namespace>/<name>"
    );
    Error::new(Step::Render, Kind::Invalid, message)
}
