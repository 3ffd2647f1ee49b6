//! What every function does around its use case: start, flush what was measured, and let messages that come again wait.

use crate::backoff;
use crate::clock::SystemClock;
use crate::config::{self, Lookup, environment};
use crate::telemetry::{self, Format};
use crate::wiring::{self, AwsWorld};
use crate::{event_grid, pubsub};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use lambda_runtime::{Context, Error};
use metrics_cloudwatch_embedded::{Builder, Collector};
use pawl_aws::{EventBus, Queue, S3Folders};
use pawl_pipeline::Pipeline;
use pawl_ports::{Clock, Folder};
use std::collections::HashMap;
use std::future::Future;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// How long it may take to queue what is left, and to say so.
const HANDING_OVER: Duration = Duration::from_secs(10);

/// The longest that Lambda lets a function run.
const LONGEST: Duration = Duration::from_secs(15 * 60);

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Installs logs and metrics, reads the configuration from the environment and wires the flow to AWS.
///
/// # Errors
/// A variable that is missing or not valid, or the ledger's key that cannot be read; the function does not start.
pub async fn start() -> Result<Pipeline<AwsWorld>, Error> {
    observe();
    Ok(wiring::aws(&environment).await?)
}

/// The same for a function that only passes changes on: Pawl's bus, which `PAWL_BUS` names, and what is known of the
/// Vault whose records it reads.
///
/// # Errors
/// As for [`start`].
pub async fn start_audit() -> Result<(EventBus, config::Audit), Error> {
    observe();
    let purpose = "it names the event bus that takes the changes";
    let bus = Lookup::get(&environment, "PAWL_BUS");
    let bus = bus.ok_or(config::Error::Missing { name: "PAWL_BUS", purpose })?;
    let mut audit = config::Audit::read(&environment)?;
    if let Some(name) = &audit.token_secret {
        let role = Lookup::get(&environment, config::OWN_SECRETS_ROLE);
        audit.token = Some(wiring::token("audit records", name, role).await?);
    }
    Ok((wiring::event_bus(&bus).await, audit))
}

/// The same for a function that takes what other clouds send: Pawl's bus, and who may send.
///
/// `PAWL_AZURE_EVENT_TOKEN_SECRET` names the Secrets Manager secret that holds the token of Event Grid, where
/// `PAWL_AZURE_EVENT_TOKEN` does not give it as it is.
///
/// # Errors
/// As for [`start`].
pub async fn start_intake() -> Result<(EventBus, pubsub::Admission, event_grid::Admission), Error> {
    observe();
    let purpose = "it names the event bus that takes the changes";
    let bus = Lookup::get(&environment, "PAWL_BUS");
    let bus = bus.ok_or(config::Error::Missing { name: "PAWL_BUS", purpose })?;
    // The keys of those who send are asked for over TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let pubsub = pubsub::Admission::new(&config::PubSub::read(&environment)?);
    let mut event_grid = config::EventGrid::read(&environment)?;
    if let Some(name) = Lookup::get(&environment, "PAWL_AZURE_EVENT_TOKEN_SECRET") {
        let role = Lookup::get(&environment, config::OWN_SECRETS_ROLE);
        event_grid.token = Some(wiring::token("Event Grid", &name, role).await?);
    }
    Ok((wiring::event_bus(&bus).await, pubsub, event_grid::Admission::new(&event_grid)))
}

/// The folders of manifests that `PAWL_MANIFEST_FOLDERS` names, and who reads them.
///
/// # Errors
/// When the variable is not valid.
pub async fn folders() -> Result<(S3Folders, Vec<Folder>), Error> {
    Ok((wiring::folders().await, config::folders(&environment)?))
}

fn observe() {
    telemetry::logs(&environment, Format::Json, std::io::stdout);
    crate::process::keep_memory_private();
    let namespace = Lookup::get(&environment, "PAWL_METRICS_NAMESPACE").unwrap_or_else(|| "Pawl".to_owned());
    if let Ok(collector) = Builder::new().cloudwatch_namespace(namespace).init() {
        let _ = COLLECTOR.set(collector);
    }
}

/// When an invocation must have handed over what it cannot finish: some time before Lambda ends it, for that takes a
/// while itself. An emulator that names no time to come does not end it.
pub fn deadline(context: &Context) -> Instant {
    let now = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default();
    Instant::now() + room(context.deadline, now)
}

/// How long an invocation that Lambda ends at `deadline` may work. Both are milliseconds since 1970.
fn room(deadline: u64, now: u64) -> Duration {
    let left = deadline.checked_sub(now).map_or(LONGEST, Duration::from_millis);
    left.saturating_sub(HANDING_OVER)
}

/// Runs one invocation and writes its metrics as lines of CloudWatch's embedded metric format.
///
/// # Errors
/// Those of the invocation. Metrics that cannot be written are dropped: they must not fail what succeeded.
pub async fn measured<T, E: Into<Error>>(invocation: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
    let result = invocation.await.map_err(Into::into);
    if let Some(collector) = COLLECTOR.get() {
        let mut lines = Vec::new();
        if collector.flush(&mut lines).is_ok() {
            let _ = std::io::stdout().write_all(&telemetry::affordable(&lines));
        }
    }
    result
}

/// The queue that `PAWL_EVENT_QUEUE_URL` names, in the region of `sibling`.
pub fn event_queue(sibling: &Queue) -> Option<Queue> {
    Lookup::get(&environment, "PAWL_EVENT_QUEUE_URL").map(|url| sibling.at(&url))
}

/// Lets messages that a function returns wait before they come again: longer each time, as [`backoff::pause`] says. By
/// itself SQS has them wait for the queue's visibility timeout, which is six times the function's.
#[derive(Clone, Debug)]
pub struct Backoff {
    queue: Option<Queue>,
}

/// Receipt and pause of a message that must come again.
type Postponed = (String, Duration);

impl Backoff {
    /// For messages of this queue; without one they wait for the visibility timeout.
    pub fn of(queue: Option<&Queue>) -> Self {
        Self { queue: queue.cloned() }
    }

    /// Handles a batch, and postpones what comes again. A message that cannot be postponed comes again all the same,
    /// when the visibility timeout has passed.
    pub async fn around(
        &self,
        event: SqsEvent,
        handle: impl AsyncFnOnce(SqsEvent) -> SqsBatchResponse,
    ) -> SqsBatchResponse {
        let Some(queue) = &self.queue else { return handle(event).await };
        let receipts = receipts(&event);
        let response = handle(event).await;
        let failed = response.batch_item_failures.iter();
        let postponed = failed.filter_map(|failure| receipts.get(&failure.item_identifier));
        stream::iter(postponed)
            .for_each_concurrent(None, async |(receipt, pause)| {
                if let Err(problem) = queue.release(receipt, *pause).await {
                    warn!("a message comes again later than it could: {problem}");
                }
            })
            .await;
        response
    }
}

/// How often a message was taken out, this time included; once where that is not told.
pub fn attempt(message: &SqsMessage) -> u32 {
    counted(message).unwrap_or(1)
}

fn counted(message: &SqsMessage) -> Option<u32> {
    message.attributes.get("ApproximateReceiveCount")?.parse().ok()
}

/// The receipt of each message, and how long it waits should it come again; by message id.
fn receipts(event: &SqsEvent) -> HashMap<String, Postponed> {
    let messages = event.records.iter().filter_map(|message| {
        let received = counted(message)?;
        Some((message.message_id.clone()?, (message.receipt_handle.clone()?, backoff::pause(received))))
    });
    messages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_handed_over_some_time_before_lambda_ends_the_function() {
        const NOW: u64 = 1_800_000_000_000;
        for (deadline, want) in [
            (NOW + 60_000, 50),
            (NOW + 900_000, 890),
            (NOW + 10_000, 0),
            (NOW + 1, 0),
            (NOW, 0),
            // An emulator says 0, or when it began.
            (0, 890),
            (NOW - 1, 890),
        ] {
            assert_eq!(room(deadline, NOW), Duration::from_secs(want), "{deadline}");
        }
    }

    #[test]
    fn the_deadline_is_that_of_the_invocation() {
        let now = u64::try_from(SystemClock.now().as_millisecond()).unwrap();
        let mut context = Context::default();
        context.deadline = now + 60_000;
        let (earliest, began) = (Duration::from_secs(20), Instant::now());
        let left = deadline(&context).duration_since(began);
        // Even where the machine is busy for half a minute in between.
        assert!(left > earliest && left <= Duration::from_secs(51), "{left:?}");
    }

    #[test]
    fn pauses_grow_with_each_reception() {
        let event: SqsEvent = serde_json::from_str(
            r#"{"Records":[
                {"messageId":"a","receiptHandle":"ra","body":"","attributes":{"ApproximateReceiveCount":"1"}},
                {"messageId":"b","receiptHandle":"rb","body":"","attributes":{"ApproximateReceiveCount":"7"}},
                {"messageId":"c","receiptHandle":"rc","body":"","attributes":{}}]}"#,
        )
        .unwrap();
        let receipts = receipts(&event);
        let pause = |id: &str| receipts.get(id).map(|(receipt, pause)| (receipt.as_str(), pause.as_secs()));
        assert!(matches!(pause("a"), Some(("ra", 1..=2))), "{:?}", pause("a"));
        assert!(matches!(pause("b"), Some(("rb", 64..=128))), "{:?}", pause("b"));
        assert_eq!(pause("c"), None, "without a count it waits for the visibility timeout");
    }
}
