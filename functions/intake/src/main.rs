//! Telemetry, configuration, run.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pawl_intake::{Site, handle};
use pawl_ports::Clock;
use pawl_runtime::clock::SystemClock;
use pawl_runtime::lambda;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bus, pubsub, event_grid) = lambda::start_intake().await?;
    let site = &Site::new(bus, pubsub, event_grid);
    let handler = |event: LambdaEvent<_>| lambda::measured(handle(site, event.payload, SystemClock.now()));
    run(service_fn(handler)).await
}
