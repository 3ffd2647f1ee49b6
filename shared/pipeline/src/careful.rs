//! Work that may have ended a process is begun with care, and set aside when it does so again and again.
//!
//! Nothing of this costs anything while all is well. Whoever finds that work was begun before and did not end, such as a job
//! that comes again although nothing of it was recorded, or a sweep after one that never ended, carries it out
//! [with care](Pipeline::with_care): what has not ended since is carried out alone, after its start was counted in the
//! ledger. Whatever ends, however it went, counts from nothing again. So what stands beside the culprit is done sooner or later,
//! and the culprit is known by its count. From then on nobody begins it but a person, until its manifest or store changes.

use crate::attempt::Attempted;
use crate::deliver::{Delivered, Delivery};
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::plan::{Plan, Work};
use crate::ports::{Clock, Entry, Ledger, Ports};
use jiff::Timestamp;
use pawl_domain::record::{Begun, MOST_STARTS};
use pawl_domain::{DeclarationId, Kind, Record, Step};

/// The name of the mark of retries that are under way.
const RETRYING: &str = "retrying";
/// What stands under it when none are.
const ENDED: Timestamp = Timestamp::UNIX_EPOCH;

/// Work that must be carried out with care, and all other.
pub(crate) type Sorted = (Vec<Plan>, Vec<Plan>);

impl<P: Ports> Pipeline<P> {
    /// The same flow for work that was begun before and, as far as anybody knows, did not end.
    #[must_use]
    pub fn with_care(&self) -> Self {
        Self { careful: true, ..self.again() }
    }

    /// The same flow for work that a person asks for: what was set aside is tried once more.
    #[must_use]
    pub fn insisting(&self) -> Self {
        Self { insists: true, ..self.again() }
    }

    /// Sorts out what may have ended a process: all of which nothing was recorded since the work came up.
    pub(crate) fn suspects(&self, plans: Vec<Plan>, work: &Work) -> Sorted {
        if !self.careful {
            return (Vec::new(), plans);
        }
        plans.into_iter().partition(|plan| plan.record().is_none_or(|record| record.at <= work.since))
    }

    /// Carries out one after the other, with nothing of their kind beside them in this process. Returns those for which there
    /// was no time left.
    ///
    /// # Errors
    /// The ledger could not be asked.
    pub(crate) async fn carry_out_alone(
        &self,
        suspects: Vec<Plan>,
        delivery: &Delivery<'_>,
        delivered: &mut Delivered,
    ) -> Result<Vec<DeclarationId>, Error> {
        let mut left = Vec::new();
        for plan in suspects {
            if self.is_late() {
                left.push(plan.declaration.id);
                continue;
            }
            let _alone = self.memory.suspects.lock().await;
            let times = plan.begun();
            if times >= MOST_STARTS {
                tracing::error!(declaration.id = %plan.declaration.id, "{}: {}", plan.declaration.id, set_aside());
                let finished = self.record(plan, Attempted::aside(set_aside()), delivery).await;
                delivered.report.outcomes.extend(finished.result.map(|result| (finished.id, result)));
                continue;
            }
            let plan = self.count_start(plan, times + 1).await?;
            left.extend(Box::pin(self.carry_all_out(vec![plan], delivery, delivered)).await);
        }
        Ok(left)
    }

    /// Notes durably that a delivery begins. A record that somebody else just wrote is left as it is: they are alive.
    async fn count_start(&self, mut plan: Plan, times: u32) -> Result<Plan, Error> {
        let begun = Some(Begun { declaration: plan.digest.clone(), times });
        let now = self.ports.clock().now();
        let last = plan.record().cloned().unwrap_or_else(|| Record::pending(&plan.declaration, now));
        let record = Record { begun, ..last };
        let id = plan.declaration.id.clone();
        let expected = plan.entry.as_ref().map(|entry| entry.revision);
        match self.ports.ledger().put(&id, &record, expected).await {
            Ok(revision) => plan.entry = Some(Entry { id, record, revision }),
            Err(error) if error.kind == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
        Ok(plan)
    }

    /// Begins retries; says whether they must be carried out with care, because those before never ended.
    pub(crate) async fn begin_retrying(&self, now: Timestamp) -> Result<bool, Error> {
        let others = self.memory.retrying.enter();
        let before = self.ports.ledger().mark(RETRYING).await?;
        self.ports.ledger().set_mark(RETRYING, now).await?;
        // What this process itself has under way has not ended it.
        Ok(!others && before.is_some_and(|before| before != ENDED))
    }

    /// Ends them.
    pub(crate) async fn end_retrying(&self) -> Result<(), Error> {
        match self.memory.retrying.leave() {
            true => self.ports.ledger().set_mark(RETRYING, ENDED).await,
            false => Ok(()),
        }
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

/// How many retries this process has under way.
#[derive(Debug, Default)]
pub(crate) struct Retrying(std::sync::atomic::AtomicUsize);

impl Retrying {
    /// Says whether there were others.
    fn enter(&self) -> bool {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0
    }

    /// Says whether these were the last.
    fn leave(&self) -> bool {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) == 1
    }
}
