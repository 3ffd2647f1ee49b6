//! Telemetry, configuration, run.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pawl_runtime::lambda;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let pipeline = &lambda::start().await?;
    let handler = |event: LambdaEvent<_>| {
        let pipeline = pipeline.until(lambda::deadline(&event.context));
        lambda::measured(async move { pawl_push::handle(&pipeline, event.payload).await })
    };
    run(service_fn(handler)).await
}
