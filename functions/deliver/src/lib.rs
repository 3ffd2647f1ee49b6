//! The `deliver` Lambda: jobs from the queue to written Secrets.
//!
//! A job names declarations and the change that caused it; values are fetched anew. The function's event source must
//! have `ReportBatchItemFailures`.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use pawl_pipeline::job::InvalidJob;
use pawl_pipeline::{Job, Pipeline, Ports};
use tracing::{error, instrument};

/// Delivers every job of a batch and returns the messages that must come again.
///
/// What becomes of a message:
/// - It is not a job: counted, logged without its body, and done.
/// - It is a job of another version of Pawl: it comes again, for that version may still be there to do it.
/// - Every declaration is written or recorded as failed for good: done.
/// - Some declaration failed for the moment, or registry or ledger could not be asked: it comes again, with the
///   queue's pause, and ends in the dead-letter queue after the queue's number of tries. Declarations that were
///   done are not done again.
pub async fn handle<P: Ports>(pipeline: &Pipeline<P>, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if !settle(pipeline, &message).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Delivers one job. `false` when it must come again.
#[instrument(skip_all, fields(message.id = message.message_id.as_deref().unwrap_or_default()))]
async fn settle<P: Ports>(pipeline: &Pipeline<P>, message: &SqsMessage) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let job = match Job::from_wire(body) {
        Ok(job) => job,
        Err(problem @ InvalidJob::Version(_)) => {
            metrics::counter!("pawl_jobs_total", "outcome" => "again").increment(1);
            error!("job comes again: {problem}");
            return false;
        }
        Err(problem) => {
            metrics::counter!("pawl_jobs_total", "outcome" => "malformed").increment(1);
            error!("message dropped: {problem}; only Pawl may write to the job queue");
            return true;
        }
    };
    let settled = match pipeline.deliver(&job).await {
        Ok(report) => !report.is_retryable(),
        Err(problem) => {
            error!("job comes again: {problem}");
            false
        }
    };
    metrics::counter!("pawl_jobs_total", "outcome" => if settled { "done" } else { "again" }).increment(1);
    settled
}
