//! The job queue of `pawl serve`, both ways: the flow puts jobs in, workers take them out.
//!
//! Functions only need the first: Lambda takes messages out of SQS for them. [`desk`] is for people.

pub mod desk;

use crate::backoff;
use crate::clock::SystemClock;
use crate::jobs::Settled;
use jiff::{SignedDuration, Timestamp};
use pawl_aws::{Queue, SqsJobs};
use pawl_domain::{Kind, Step};
use pawl_embedded::{Embedded, Receipt};
use pawl_ports::{Clock, Error, Job, Jobs};
use std::time::Duration;

/// How long a job may take before somebody else may try it.
const LEASE: Duration = Duration::from_secs(5 * 60);
/// How often a local queue is looked at for jobs of other processes.
const LOOK: Duration = Duration::from_millis(500);

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

/// A message that was taken out. What it holds is for [`jobs::take`](crate::jobs::take) to say.
#[derive(Clone, Debug)]
pub struct Received {
    ticket: Ticket,
    /// What was handed over.
    pub body: String,
    /// How often it was taken out, this time included.
    pub attempt: u32,
}

/// Names a message until it is settled.
#[derive(Clone, Debug)]
enum Ticket {
    Sqs(String),
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
    /// Takes up the jobs of a file that a server was killed with. For a server that begins; SQS gives them out again by itself.
    ///
    /// # Errors
    /// When the file cannot be written; the jobs come when their leases end.
    pub async fn take_over(&self) -> Result<usize, Error> {
        match self {
            Self::Sqs { .. } => Ok(0),
            Self::Local(file) => file.end_leases(SystemClock.now(), backoff::pause).await.map_err(local),
        }
    }

    /// Up to `limit` messages, which is how many the caller has room for, as soon as there is one; perhaps none after a while,
    /// also where all that wait are of a namespace that has its share. What is not settled comes again by
    /// itself. Dropping this loses nothing.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn receive(&self, limit: usize) -> Result<Vec<Received>, Error> {
        match self {
            Self::Sqs { queue, .. } => {
                let messages = queue.receive(limit, Queue::LONGEST_WAIT).await?;
                let received = |message: pawl_aws::queue::Message| Received {
                    ticket: Ticket::Sqs(message.receipt),
                    body: message.body,
                    attempt: message.receive_count,
                };
                Ok(messages.into_iter().map(received).collect())
            }
            Self::Local(file) => {
                let arrival = file.job_arrival();
                let leased = file.lease_share(SystemClock.now(), limit, LEASE).await.map_err(local)?;
                if leased.is_empty() {
                    let _ = tokio::time::timeout(LOOK, arrival).await;
                }
                let received = |leased: pawl_embedded::Leased| Received {
                    ticket: Ticket::Local(leased.receipt),
                    body: leased.document,
                    attempt: leased.receipt.attempt,
                };
                Ok(leased.into_iter().map(received).collect())
            }
        }
    }

    /// Carries out what became of a message. What nobody can ever do is deleted in SQS, as the `deliver` function does,
    /// and stays among the dead letters of a file.
    ///
    /// # Errors
    /// When the queue cannot be asked. The message then comes again when its lease or visibility timeout ends, which is
    /// harmless.
    pub async fn settle(&self, received: Received, settled: &Settled) -> Result<(), Error> {
        let pause = backoff::pause(received.attempt);
        match (self, received.ticket) {
            (Self::Sqs { queue, .. }, Ticket::Sqs(receipt)) => match settled {
                Settled::Done | Settled::Refused(_) => queue.delete(&receipt).await,
                Settled::Again(_) => queue.release(&receipt, pause).await,
            },
            (Self::Local(file), Ticket::Local(receipt)) => match settled {
                Settled::Done => file.ack(receipt).await.map(drop),
                Settled::Again(reason) => {
                    file.retry_at(receipt, later(SystemClock.now(), pause), reason).await.map(drop)
                }
                Settled::Refused(problem) => file.give_up(receipt, &problem.to_string()).await.map(drop),
            }
            .map_err(local),
            // A message is settled where it was taken out.
            (Self::Sqs { .. }, Ticket::Local(_)) | (Self::Local(_), Ticket::Sqs(_)) => Ok(()),
        }
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

pub(crate) fn local(error: pawl_embedded::Error) -> Error {
    let kind = if error.is_retryable() { Kind::Transient } else { Kind::Invalid };
    Error::new(Step::Enqueue, kind, error.to_string())
}
