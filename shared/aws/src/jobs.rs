//! Jobs in an SQS queue.

use crate::queue::{GRACE, Queue};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::{StreamExt, TryStreamExt, stream};
use pawl_domain::{Kind, Step};
use pawl_ports::{Error, Job, Jobs};
use std::time::Duration;

/// Hands jobs to a queue; `functions/deliver` or `pawl serve` takes them from there.
#[derive(Clone, Debug)]
pub struct SqsJobs {
    queue: Queue,
}

impl SqsJobs {
    /// Jobs go to this queue.
    pub fn new(queue: Queue) -> Self {
        Self { queue }
    }

    /// The queue that jobs go to.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }
}

/// The most messages in one request. Source: SQS quotas.
const MOST_MESSAGES: usize = 10;
/// The most bytes in one request and so in one message, a little below SQS's 1 MiB.
const MOST_BYTES: usize = 1_000_000;
/// How many requests are under way at a time.
const PARALLEL: usize = 8;
/// How often messages that SQS did not take are sent again.
const ATTEMPTS: u32 = 6;
/// The pause before the first of these; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl Jobs for SqsJobs {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), Error> {
        let bodies = jobs.iter().map(Job::to_wire).collect();
        let requests: Vec<_> = batches(bodies)?.into_iter().map(|batch| self.send(batch)).collect();
        stream::iter(requests).buffer_unordered(PARALLEL).try_collect().await
    }
}

impl SqsJobs {
    /// Sends one request's worth, and again what SQS did not take of it.
    async fn send(&self, bodies: Vec<String>) -> Result<(), Error> {
        let mut left = bodies;
        let mut refusal = None;
        for attempt in 0..ATTEMPTS {
            let entries = entries(&left)?;
            let request = self
                .queue
                .client()
                .send_message_batch()
                .queue_url(self.queue.url())
                .set_entries(Some(entries));
            let answer = self.queue.call(Step::Enqueue, "sqs:SendMessage", GRACE, request.send()).await?;
            if let Some(fault) = answer.failed.iter().find(|failed| failed.sender_fault) {
                return Err(self.not_taken(Kind::Invalid, &fault.code));
            }
            refusal = answer.failed.first().map(|failed| failed.code.clone());
            let again =
                |position: usize| answer.failed.iter().any(|failed| failed.id == position.to_string());
            left = left.into_iter().enumerate().filter(|(at, _)| again(*at)).map(|(_, body)| body).collect();
            if left.is_empty() {
                return Ok(());
            }
            let pause = FIRST_PAUSE * 2_u32.pow(attempt);
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        }
        Err(self.not_taken(Kind::Transient, &refusal.unwrap_or_default()))
    }

    fn not_taken(&self, kind: Kind, code: &str) -> Error {
        let message =
            format!("sqs: {}: jobs were not taken ({code}); look at the queue's policy", self.queue.name());
        Error::new(Step::Enqueue, kind, message)
    }
}

/// Packs messages into requests, in order, within the limits of SQS.
fn batches(bodies: Vec<String>) -> Result<Vec<Vec<String>>, Error> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        if body.len() > MOST_BYTES {
            let message = format!("a job has {} bytes, and the queue takes {MOST_BYTES}", body.len());
            return Err(Error::new(Step::Enqueue, Kind::Invalid, message));
        }
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_MESSAGES && bytes + body.len() <= MOST_BYTES => {
                bytes += body.len();
                batch.push(body);
            }
            _ => {
                bytes = body.len();
                batches.push(vec![body]);
            }
        }
    }
    Ok(batches)
}

/// The entries of a request; their ids are their positions.
fn entries(bodies: &[String]) -> Result<Vec<SendMessageBatchRequestEntry>, Error> {
    let entry = |(position, body): (usize, &String)| {
        SendMessageBatchRequestEntry::builder().id(position.to_string()).message_body(body).build()
    };
    let entries: Result<_, _> = bodies.iter().enumerate().map(entry).collect();
    entries.map_err(|error| Error::new(Step::Enqueue, Kind::Invalid, "a job has no body").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bodies: &[usize]) -> Vec<Vec<usize>> {
        let bodies = bodies.iter().map(|size| "x".repeat(*size)).collect();
        batches(bodies).unwrap().iter().map(|batch| batch.iter().map(String::len).collect()).collect()
    }

    #[test]
    fn requests_hold_what_sqs_takes() {
        assert_eq!(sizes(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(sizes(&[1; 21]), [vec![1; 10], vec![1; 10], vec![1]]);
        assert_eq!(sizes(&[400_000, 600_000, 1]), [vec![400_000, 600_000], vec![1]]);
        assert_eq!(sizes(&[1_000_000, 1_000_000]), [[1_000_000], [1_000_000]]);
        let refused = batches(vec!["x".repeat(MOST_BYTES + 1)]).unwrap_err();
        assert_eq!((refused.step, refused.kind), (Step::Enqueue, Kind::Invalid));
    }
}
