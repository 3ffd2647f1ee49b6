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
/// The longest group of a message. Source: the API reference of SQS, `MessageGroupId`.
const LONGEST_GROUP: usize = 128;
/// How many requests are under way at a time.
const PARALLEL: usize = 8;
/// How often messages that SQS did not take are sent again.
const ATTEMPTS: u32 = 6;
/// The pause before the first of these; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl Jobs for SqsJobs {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), Error> {
        let messages = jobs.iter().map(|job| Message { body: job.to_wire(), group: group(job) }).collect();
        let requests: Vec<_> = batches(messages)?.into_iter().map(|batch| self.send(batch)).collect();
        stream::iter(requests).buffer_unordered(PARALLEL).try_collect().await
    }
}

impl SqsJobs {
    /// Sends one request's worth, and again what SQS did not take of it.
    async fn send(&self, messages: Vec<Message>) -> Result<(), Error> {
        let mut left = messages;
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
            left = left.into_iter().enumerate().filter(|(at, _)| again(*at)).map(|(_, one)| one).collect();
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

/// A job, and whose it is.
struct Message {
    body: String,
    group: Option<String>,
}

/// Whose a job is, so that many jobs of one namespace hold up nobody else's. Source: Amazon SQS fair queues: a standard queue
/// whose messages carry a `MessageGroupId` gives those of quiet groups out first while one group has more than its share in
/// flight; a message without one is a group of its own.
fn group(job: &Job) -> Option<String> {
    let (cluster, namespace) = job.tenant()?;
    // Names are ASCII. Where two are cut to the same text, these two share a share.
    let mut group = format!("{namespace}/{cluster}");
    group.truncate(LONGEST_GROUP);
    Some(group)
}

/// Packs messages into requests, in order, within the limits of SQS.
fn batches(messages: Vec<Message>) -> Result<Vec<Vec<Message>>, Error> {
    let mut batches: Vec<Vec<Message>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let size = message.body.len();
        if size > MOST_BYTES {
            let message = format!("a job has {size} bytes, and the queue takes {MOST_BYTES}");
            return Err(Error::new(Step::Enqueue, Kind::Invalid, message));
        }
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_MESSAGES && bytes + size <= MOST_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    Ok(batches)
}

/// The entries of a request; their ids are their positions.
fn entries(messages: &[Message]) -> Result<Vec<SendMessageBatchRequestEntry>, Error> {
    let entry = |(position, message): (usize, &Message)| {
        SendMessageBatchRequestEntry::builder()
            .id(position.to_string())
            .message_body(&message.body)
            .set_message_group_id(message.group.clone())
            .build()
    };
    let entries: Result<_, _> = messages.iter().enumerate().map(entry).collect();
    entries.map_err(|error| Error::new(Step::Enqueue, Kind::Invalid, "a job has no body").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(size: usize) -> Message {
        Message { body: "x".repeat(size), group: None }
    }

    #[test]
    fn the_group_of_a_job_is_its_namespace_however_long_its_names() {
        let job = |ids: &[&str]| Job {
            declarations: ids.iter().map(|id| id.parse().unwrap()).collect(),
            change: None,
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert_eq!(group(&job(&["blue/shop/a", "blue/shop/b"])).as_deref(), Some("shop/blue"));
        assert_eq!(group(&job(&["blue/shop/a", "blue/till/b"])), None);
        let long = format!("{0}.{0}.{0}/{0}/a", "a".repeat(63));
        assert_eq!(group(&job(&[&long])).map(|group| group.len()), Some(LONGEST_GROUP));
    }

    fn sizes(bodies: &[usize]) -> Vec<Vec<usize>> {
        let bodies = bodies.iter().map(|size| message(*size)).collect();
        let sizes = |batch: &Vec<Message>| batch.iter().map(|message| message.body.len()).collect();
        batches(bodies).unwrap().iter().map(sizes).collect()
    }

    #[test]
    fn requests_hold_what_sqs_takes() {
        assert_eq!(sizes(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(sizes(&[1; 21]), [vec![1; 10], vec![1; 10], vec![1]]);
        assert_eq!(sizes(&[400_000, 600_000, 1]), [vec![400_000, 600_000], vec![1]]);
        assert_eq!(sizes(&[1_000_000, 1_000_000]), [[1_000_000], [1_000_000]]);
        let refused = batches(vec![message(MOST_BYTES + 1)]).err().unwrap();
        assert_eq!((refused.step, refused.kind), (Step::Enqueue, Kind::Invalid));
    }
}
