//! The `deliver` Lambda: jobs from the queue to written Secrets.
//!
//! A job names declarations and the change that caused it; values are fetched anew. The function's event source must
//! have `ReportBatchItemFailures`.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use pawl_pipeline::Pipeline;
use pawl_ports::Ports;
use pawl_runtime::jobs::{self, Settled};
use pawl_runtime::lambda::attempt;
use tracing::instrument;

/// Delivers every job of a batch and returns the messages that must come again: [`Settled`] says which. What nobody
/// can ever do is done with.
pub async fn handle<P: Ports>(pipeline: &Pipeline<P>, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Settled::Again(_) = settle(pipeline, &message).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}

#[instrument(skip_all, fields(message.id = message.message_id.as_deref().unwrap_or_default()))]
async fn settle<P: Ports>(pipeline: &Pipeline<P>, message: &SqsMessage) -> Settled {
    jobs::take(pipeline, message.body.as_deref().unwrap_or_default(), attempt(message)).await
}
