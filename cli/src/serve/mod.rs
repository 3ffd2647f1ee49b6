//! `pawl serve`: all of Pawl as one process. HTTP intake, queue poller, job worker, watches, schedules, metrics.

mod answer;
mod audit;
mod body;
pub(crate) mod console;
mod crew;
mod health;
mod http;
mod listen;
mod schedule;
mod stores;
mod tasks;
#[cfg(test)]
mod tests;
mod watch;
mod workers;

use crate::args::{Args, Serve};
use crate::error::Error;
use crate::output;
use crew::Crew;
use health::Health;
use http::Doors;
use pawl_runtime::config;
use pawl_runtime::event_grid::Admission;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch::{Sender, channel};
use tokio::time::timeout;
use tracing::{error, info};

/// How long work that was begun may go on after the process was told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Serves until the process is told to stop, then finishes what was begun.
///
/// # Errors
/// When it cannot begin, and when one of its parts ends by itself: the others would go on as if nothing were missing.
pub(crate) async fn run(args: &Args, serve: &Serve) -> Result<ExitCode, Error> {
    let lookup = args.lookup();
    let metrics = pawl_runtime::telemetry::prometheus().map_err(|error| Error::Usage(error.to_string()))?;
    let audit = config::Audit::read(&lookup).map_err(pawl_runtime::Error::from)?;
    let pubsub = config::PubSub::read(&lookup).map_err(pawl_runtime::Error::from)?;
    let subscription = pawl_runtime::wiring::subscription(&lookup).await?;
    let event_grid = config::EventGrid::read(&lookup).map_err(pawl_runtime::Error::from)?;
    let vendors = config::vendors(&lookup).map_err(pawl_runtime::Error::from)?;
    let token = config::console(&lookup).map_err(pawl_runtime::Error::from)?;
    let pipeline = Arc::new(pawl_runtime::open(&lookup).await?);
    let console = console::routes(&pipeline, token);
    let key = audit.key.clone();
    let listener = TcpListener::bind(serve.listen).await.map_err(Error::Http)?;
    let address = listener.local_addr().map_err(Error::Http)?;

    let (stop, stopped) = channel(false);
    let mut crew = Crew::default();
    let health = Arc::new(Health::new(crew.running()));
    crew.spawn("readiness", Arc::clone(&health).probe(Arc::clone(&pipeline), stopped.clone()));
    crew.spawn("jobs", tasks::jobs(Arc::clone(&pipeline), stopped.clone()));
    crew.spawn("retries", tasks::retries(Arc::clone(&pipeline), stopped.clone()));
    crew.spawn("sweeps", tasks::sweeps(Arc::clone(&pipeline), interval(serve.sweep)?, stopped.clone()));
    let indexes =
        tasks::indexes(Arc::clone(&pipeline), interval(serve.index)?, Arc::clone(&health), stopped.clone());
    crew.spawn("indexes", indexes);
    crew.spawn("pushes", tasks::pushes(Arc::clone(&pipeline), interval(serve.sweep)?, stopped.clone()));
    crew.spawn("pushes between passes", tasks::pushes_due(Arc::clone(&pipeline), stopped.clone()));
    crew.spawn("watches", watch::clusters(Arc::clone(&pipeline), stopped.clone()));
    crew.spawn("watches of stores", stores::stores(Arc::clone(&pipeline), stopped.clone()));
    if let Some(url) = &serve.events {
        let queue = pawl_runtime::event_queue(url).await;
        crew.spawn("events", tasks::events(Arc::clone(&pipeline), queue, stopped.clone()));
    }
    if let Some(subscription) = subscription {
        crew.spawn("Pub/Sub", tasks::pulls(Arc::clone(&pipeline), subscription, stopped.clone()));
    }
    let audit = audit::start(&audit, serve, &pipeline, &mut crew, &stopped).await?;
    info!(%address, "serving");
    output::note(&format!("pawl serves on http://{address}"));
    let pubsub = pawl_runtime::pubsub::Admission::new(&pubsub);
    let doors = Doors { key, event_grid: Admission::new(&event_grid), pubsub, vendors };
    let routes = http::routes(Arc::clone(&pipeline), doors, audit, metrics, health, console);
    crew.spawn("HTTP", listen::serve(listener, routes, stopped.clone()));
    drop(stopped);

    let ended = until_the_end(crew, told_to_stop(), &stop).await;
    crate::flow::farewell(&pipeline).await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Waits until the process is told to stop, or a part ends by itself; then all parts are told to stop, and have [`GRACE`] to
/// finish what they began.
///
/// # Errors
/// [`Error::Ended`] when a part ended by itself.
async fn until_the_end(
    mut crew: Crew,
    told: impl Future<Output = ()>,
    stop: &Sender<bool>,
) -> Result<(), Error> {
    let ended = tokio::select! {
        () = told => None,
        ended = crew.first_end() => Some(ended),
    };
    match ended {
        None => info!("stopping"),
        Some(ended) => error!("{ended}; the process ends, start it again"),
    }
    let _ = stop.send(true);
    if timeout(GRACE, crew.finish()).await.is_err() {
        info!("work that was begun is left to the queues");
    }
    ended.map_or(Ok(()), |ended| Err(Error::Ended(ended.to_string())))
}

fn interval(duration: pawl_golang::duration::Duration) -> Result<Duration, Error> {
    let interval = duration.to_std().map_err(|error| Error::Usage(error.to_string()))?;
    // A schedule without a pause would ask the stores all the time.
    Ok(interval.max(Duration::from_millis(100)))
}

/// Ends when the process gets SIGTERM or SIGINT.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
