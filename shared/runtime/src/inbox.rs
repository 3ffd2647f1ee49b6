//! The job queue from both ends: what the flow hands over, and what `pawl serve` takes out.
//!
//! Functions only need the first: Lambda takes jobs out of SQS for them.

use jiff::{SignedDuration, Timestamp};
use pawl_aws::{Queue, SqsJobs};
use pawl_domain::{Kind, Step};
use pawl_embedded::{Embedded, Receipt};
use pawl_pipeline::ports::{Clock, Jobs};
use pawl_pipeline::{Error, Job};
use std::time::Duration;
use tracing::error;

use crate::wiring::SystemClock;

/// How long a job may take before somebody else may try it.
const LEASE: Duration = Duration::from_secs(5 * 60);
/// How often a local queue is looked at for jobs of other processes.
const LOOK: Duration = Duration::from_millis(500);
/// The first pause of a job that failed for the moment; it doubles with each attempt up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The job queue, in SQS or in the local file.
#[derive(Clone, Debug)]
pub enum Inbox {
    /// An SQS queue.
    Sqs {
        /// What hands over.
        jobs: SqsJobs,
        /// What takes out.
        queue: Queue,
    },
    /// The local file.
    Local(Embedded),
}

/// Names a job that was taken out, until it is done or put back.
#[derive(Clone, Debug)]
pub enum Ticket {
    /// A message of SQS, and how often it came.
    Sqs(String, u32),
    /// A lease of the local file.
    Local(Receipt),
}

impl Jobs for Inbox {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), Error> {
        match self {
            Self::Sqs { jobs: queue, .. } => queue.enqueue(jobs).await,
            Self::Local(file) => file.enqueue(jobs).await,
        }
    }
}

impl Inbox {
    /// Up to `limit` jobs, as soon as there is one; perhaps none after a while. A job that is neither done nor put
    /// back comes again by itself. Dropping this loses nothing.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn receive(&self, limit: usize) -> Result<Vec<(Ticket, Job)>, Error> {
        match self {
            Self::Sqs { queue, .. } => receive_sqs(queue, limit).await,
            Self::Local(file) => {
                let arrival = file.job_arrival();
                let leased = file.lease(SystemClock.now(), limit, LEASE).await.map_err(local)?;
                if leased.is_empty() {
                    let _ = tokio::time::timeout(LOOK, arrival).await;
                }
                Ok(leased.into_iter().map(|each| (Ticket::Local(each.receipt), each.job)).collect())
            }
        }
    }

    /// A job is done and does not come again.
    ///
    /// # Errors
    /// When the queue cannot be asked; the job comes again then, which is harmless.
    pub async fn done(&self, ticket: Ticket) -> Result<(), Error> {
        match (self, ticket) {
            (Self::Sqs { queue, .. }, Ticket::Sqs(receipt, _)) => queue.delete(&receipt).await,
            (Self::Local(file), Ticket::Local(receipt)) => file.ack(receipt).await.map(drop).map_err(local),
            _ => Ok(()),
        }
    }

    /// A job failed for the moment and comes again after a pause.
    ///
    /// # Errors
    /// When the queue cannot be asked; the job comes again when its lease ends.
    pub async fn again(&self, ticket: Ticket) -> Result<(), Error> {
        match (self, ticket) {
            (Self::Sqs { queue, .. }, Ticket::Sqs(receipt, attempt)) => {
                queue.release(&receipt, pause(attempt)).await
            }
            (Self::Local(file), Ticket::Local(receipt)) => {
                let at = later(SystemClock.now(), pause(receipt.attempt));
                file.retry_at(receipt, at, "declarations failed for the moment")
                    .await
                    .map(drop)
                    .map_err(local)
            }
            _ => Ok(()),
        }
    }
}

async fn receive_sqs(queue: &Queue, limit: usize) -> Result<Vec<(Ticket, Job)>, Error> {
    let mut received = Vec::new();
    for message in queue.receive(limit, Queue::LONGEST_WAIT).await? {
        match Job::from_wire(&message.body) {
            Ok(job) => received.push((Ticket::Sqs(message.receipt, message.receive_count), job)),
            Err(problem) => {
                error!("message dropped: {problem}");
                queue.delete(&message.receipt).await?;
            }
        }
    }
    Ok(received)
}

fn pause(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

fn local(error: pawl_embedded::Error) -> Error {
    let kind = if error.is_retryable() { Kind::Transient } else { Kind::Invalid };
    Error::new(Step::Enqueue, kind, error.to_string())
}
