//! Telemetry, configuration, run.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pawl_ports::Clock;
use pawl_runtime::clock::SystemClock;
use pawl_runtime::lambda;
use pawl_vault_audit::{Site, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (bus, config) = lambda::start_audit().await?;
    let site = &Site::new(bus, &config);
    let handler = |event: LambdaEvent<_>| lambda::measured(handle(site, event.payload, SystemClock.now()));
    run(service_fn(handler)).await
}
