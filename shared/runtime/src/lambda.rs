//! What every function does around its use case: start, and flush what was measured.

use crate::config::{self, Lookup, environment};
use crate::telemetry::{self, Format};
use crate::wiring::{self, AwsWorld, SystemClock};
use lambda_runtime::{Context, Error};
use metrics_cloudwatch_embedded::{Builder, Collector};
use pawl_aws::EventBus;
use pawl_pipeline::Pipeline;
use pawl_pipeline::ports::Clock;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

/// How long it may take to queue what is left, and to say so.
const HANDING_OVER: Duration = Duration::from_secs(10);

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
    Ok((wiring::event_bus(&bus).await, config::Audit::read(&environment)?))
}

fn observe() {
    telemetry::logs(&environment, Format::Json, std::io::stdout);
    let namespace = Lookup::get(&environment, "PAWL_METRICS_NAMESPACE").unwrap_or_else(|| "Pawl".to_owned());
    if let Ok(collector) = Builder::new().cloudwatch_namespace(namespace).init() {
        let _ = COLLECTOR.set(collector);
    }
}

/// When an invocation must have handed over what it cannot finish: some time before Lambda ends it, for that takes a
/// while itself.
pub fn deadline(context: &Context) -> Instant {
    let now = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or_default();
    Instant::now() + Duration::from_millis(context.deadline.saturating_sub(now)).saturating_sub(HANDING_OVER)
}

/// Runs one invocation and writes its metrics as one line of CloudWatch's embedded metric format.
///
/// # Errors
/// Those of the invocation. Metrics that cannot be written are dropped: they must not fail what succeeded.
pub async fn measured<T, E: Into<Error>>(invocation: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
    let result = invocation.await.map_err(Into::into);
    if let Some(collector) = COLLECTOR.get() {
        let _ = collector.flush(std::io::stdout());
    }
    result
}
