//! Telemetry, configuration, run.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pawl_ports::Ports;
use pawl_runtime::lambda::{self, Backoff};
use pawl_sync::Call;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let pipeline = &lambda::start().await?;
    let events = lambda::event_queue(pipeline.ports().jobs().queue());
    let backoff = &Backoff::of(events.as_ref());
    let handler = |event: LambdaEvent<_>| {
        let pipeline = pipeline.until(lambda::deadline(&event.context));
        lambda::measured(async move {
            let batch = async |event| pawl_sync::handle(&pipeline, event).await;
            match Call::read(event.payload) {
                Call::Batch(event) => Ok::<_, Error>(backoff.around(*event, batch).await),
                Call::Event(event) => {
                    pawl_sync::handle_event(&pipeline, &event).await?;
                    Ok(Default::default())
                }
            }
        })
    };
    run(service_fn(handler)).await
}
