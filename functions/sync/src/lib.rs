//! The `sync` Lambda: store events from the queue to written Secrets.
//!
//! EventBridge delivers events to an SQS queue, and Lambda delivers them here in batches. The function's event source
//! must have `ReportBatchItemFailures`, or messages that are returned for another try would count as done.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use pawl_events::Error as EventError;
use pawl_pipeline::{Pipeline, Ports};
use tracing::{debug, error, instrument, warn};

/// How many messages of a batch are worked on at the same time.
const CONCURRENCY: usize = 10;

/// Syncs every change of a batch and returns the messages that must come again.
///
/// What becomes of a message:
/// - It cannot be read, or is of no known sender: counted, logged without its body, and done. It would be no better
///   the next time.
/// - Every affected declaration is written, recorded as failed for good, or handed to the job queue: done.
/// - Registry, ledger or job queue could not be asked: it comes again. Writes are idempotent, so what was done
///   already does no harm.
pub async fn handle<P: Ports>(pipeline: &Pipeline<P>, event: SqsEvent) -> SqsBatchResponse {
    let again = stream::iter(event.records)
        .map(|message| async { (!settle(pipeline, &message).await).then_some(message.message_id).flatten() })
        .buffer_unordered(CONCURRENCY)
        .filter_map(|failed| async { failed })
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = again;
    response
}

/// Syncs the changes of one message. `false` when it must come again.
#[instrument(skip_all, fields(message.id = message.message_id.as_deref().unwrap_or_default()))]
async fn settle<P: Ports>(pipeline: &Pipeline<P>, message: &SqsMessage) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let changes = match pawl_events::changes(body.as_bytes()) {
        Ok(changes) => changes,
        Err(problem) => {
            let outcome = match problem {
                EventError::Unknown { .. } => "unknown",
                EventError::Malformed { .. } | EventError::TooLarge { .. } => "malformed",
            };
            metrics::counter!("pawl_events_total", "outcome" => outcome).increment(1);
            warn!("event dropped: {problem}");
            return true;
        }
    };
    let outcome = if changes.is_empty() { "no-change" } else { "change" };
    metrics::counter!("pawl_events_total", "outcome" => outcome).increment(1);
    let mut settled = true;
    for change in &changes {
        match pipeline.sync(change).await {
            Ok(report) => settled &= !report.is_retryable(),
            Err(problem) => {
                error!(change.id = %change.id, "event comes again: {problem}");
                settled = false;
            }
        }
    }
    debug!(changes = changes.len(), settled, "event handled");
    settled
}
