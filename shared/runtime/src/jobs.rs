//! Takes in one job, from whichever queue: reads it, delivers it, and says what becomes of the message.
//!
//! The `deliver` function, `pawl serve` on SQS and `pawl serve` on its own file all ask here, so that a job fares the
//! same in each. What a [`Settled`] means is theirs to carry out: a queue is told in its own way.

use crate::measure;
use futures::FutureExt;
use jiff::Timestamp;
use pawl_domain::Change;
use pawl_pipeline::Pipeline;
use pawl_ports::{InvalidJob, Job, Ports};
use std::panic::AssertUnwindSafe;
use tracing::error;

/// What becomes of a message of the job queue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Settled {
    /// Every declaration is written, or recorded as failed for good. The message is done.
    Done,
    /// It must come again after a pause, for this reason, and ends among the dead letters if it never succeeds.
    /// Declarations that were done are not done again.
    Again(String),
    /// It is no job and never will be: only Pawl may write to the queue. Nobody need try it again.
    Refused(InvalidJob),
}

/// Does the job that a message holds. Doing it twice is harmless.
///
/// A job of another version of Pawl comes again: who wrote it may still be there to do it, and if nobody is, it is
/// found among the dead letters. Counts each in `pawl_jobs_total{outcome}`; logs never hold the body.
///
/// `attempt` is how often the message was taken out, this time included. A job that comes again may have ended the process
/// that had it before, so it is carried out with care.
pub async fn take<P: Ports>(pipeline: &Pipeline<P>, body: &str, attempt: u32) -> Settled {
    let careful = (attempt > 1).then(|| pipeline.with_care());
    let pipeline = careful.as_ref().unwrap_or(pipeline);
    let (outcome, settled) = match Job::from_wire(body) {
        Ok(job) => deliver(pipeline, &job).await,
        Err(problem @ InvalidJob::Version(_)) => {
            error!("job comes again: {problem}");
            ("other-version", Settled::Again(problem.to_string()))
        }
        Err(problem) => {
            error!("message refused: {problem}; only Pawl may write to the job queue");
            ("malformed", Settled::Refused(problem))
        }
    };
    metrics::counter!("pawl_jobs_total", "outcome" => outcome).increment(1);
    settled
}

async fn deliver<P: Ports>(pipeline: &Pipeline<P>, job: &Job) -> (&'static str, Settled) {
    if let Some(change) = job.asks_receipt() {
        return tell(pipeline, change, job.at).await;
    }
    // A job that panics must not take its worker along, nor be lost with it. What was written meanwhile is in the
    // ledger or is looked at again; no state of the flow outlives a call but caches, which hold whole entries.
    let delivered = AssertUnwindSafe(pipeline.deliver(job)).catch_unwind().await;
    let reason = match delivered {
        Ok(Ok(report)) if !report.is_retryable() => {
            measure::written(pipeline, job.change.as_ref(), &report);
            return ("done", Settled::Done);
        }
        Ok(Ok(report)) => {
            let failed = report.failures().filter(|(_, error)| error.is_retryable());
            format!("{} of its declarations failed for the moment", failed.count())
        }
        Ok(Err(problem)) => {
            error!("job comes again: {problem}");
            problem.to_string()
        }
        Err(_) => {
            let first = job.declarations.first().map(ToString::to_string).unwrap_or_default();
            error!(
                declaration = first,
                declarations = job.declarations.len(),
                "job panicked and comes again"
            );
            return ("panicked", Settled::Again("it made its worker panic".to_owned()));
        }
    };
    ("again", Settled::Again(reason))
}

async fn tell<P: Ports>(
    pipeline: &Pipeline<P>,
    change: &Change,
    since: Timestamp,
) -> (&'static str, Settled) {
    match pipeline.tell_receipt(change, since).await {
        Ok(true) => ("done", Settled::Done),
        Ok(false) => ("waiting", Settled::Again("a change has not arrived everywhere yet".to_owned())),
        Err(problem) => {
            error!("receipt comes again: {problem}");
            ("again", Settled::Again(problem.to_string()))
        }
    }
}
