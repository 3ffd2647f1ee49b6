//! Telemetry, configuration, run.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pawl_ports::Ports;
use pawl_runtime::lambda::{self, Backoff};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let pipeline = &lambda::start().await?;
    let backoff = &Backoff::of(Some(pipeline.ports().jobs().queue()));
    let handler = |event: LambdaEvent<_>| {
        let pipeline = pipeline.until(lambda::deadline(&event.context));
        lambda::measured(async move {
            let batch = async |event| pawl_deliver::handle(&pipeline, event).await;
            Ok::<_, Error>(backoff.around(event.payload, batch).await)
        })
    };
    run(service_fn(handler)).await
}
