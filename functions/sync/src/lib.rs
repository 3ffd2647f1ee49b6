//! The `sync` Lambda: store events to written Secrets.
//!
//! EventBridge delivers events to an SQS queue, and Lambda delivers them here in batches. The function's event source
//! must have `ReportBatchItemFailures`, or messages that are returned for another try would count as done. SNS topics
//! and rules may also call the function directly.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use pawl_pipeline::Pipeline;
use pawl_ports::{Error, Ports};
use pawl_runtime::intake::{self, Intake};
use pawl_runtime::lambda::attempt;
use serde_json::Value;
use tracing::instrument;

/// How many messages of a batch are worked on at the same time.
const CONCURRENCY: usize = 10;

/// What the function is called with.
#[derive(Clone, Debug)]
pub enum Call {
    /// A batch of the queue.
    Batch(Box<SqsEvent>),
    /// An event in any other envelope that the crate `pawl_events` knows.
    Event(Vec<u8>),
}

impl Call {
    /// Tells a batch of SQS from everything else. A batch that is none in full is left to be read as an event, which
    /// says what is wrong with it.
    pub fn read(payload: Value) -> Self {
        let batch = payload["Records"][0]["eventSource"] == "aws:sqs";
        let text = payload.to_string().into_bytes();
        match batch.then(|| serde_json::from_value(payload)) {
            Some(Ok(event)) => Self::Batch(Box::new(event)),
            Some(Err(_)) | None => Self::Event(text),
        }
    }
}

/// Syncs every change of a batch and returns the messages that must come again.
///
/// What becomes of a message:
/// - It cannot be read, or is of no known sender: counted, logged without its body, and done. It would be no better
///   the next time.
/// - Every affected declaration is written, recorded as failed for good, or handed to the job queue: done.
/// - Registry, ledger or job queue could not be asked: it comes again. Writes are idempotent, so what was done
///   already does no harm.
pub async fn handle<P: Ports>(pipeline: &Pipeline<P>, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = stream::iter(event.records)
        .map(|message| async move { (!settled(pipeline, &message).await).then_some(message) })
        .buffer_unordered(CONCURRENCY)
        .filter_map(async |failed| failed)
        .map(|message| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            failure
        })
        .collect()
        .await;
    response
}

/// Syncs the changes of an event that a topic or a rule calls the function with.
///
/// # Errors
/// When it must come again: Lambda then calls again, twice for calls that nobody waits for. What cannot be read is
/// counted, logged without its body, and done.
pub async fn handle_event<P: Ports>(pipeline: &Pipeline<P>, event: &[u8]) -> Result<(), Error> {
    match intake::take(pipeline, event).await {
        Intake::Done { .. } | Intake::Dropped(_) => Ok(()),
        Intake::Again(problem) => Err(problem),
    }
}

#[instrument(skip_all, fields(message.id = message.message_id.as_deref().unwrap_or_default()))]
async fn settled<P: Ports>(pipeline: &Pipeline<P>, message: &SqsMessage) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    match intake::take_again(pipeline, body.as_bytes(), attempt(message)).await {
        Intake::Done { .. } | Intake::Dropped(_) => true,
        Intake::Again(_) => false,
    }
}
