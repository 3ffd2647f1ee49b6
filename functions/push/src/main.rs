//! Telemetry, configuration, run.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pawl_runtime::lambda;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let pipeline = &lambda::start().await?;
    let handler = |event: LambdaEvent<_>| lambda::measured(pawl_push::handle(pipeline, event.payload));
    run(service_fn(handler)).await
}
