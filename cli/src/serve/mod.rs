//! `pawl serve`: all of Pawl as one process. HTTP intake, queue poller, job worker, schedules, metrics.

mod audit;
mod http;
mod tasks;

use crate::args::{Args, Serve};
use crate::error::Error;
use crate::output;
use pawl_domain::SecretValue;
use pawl_runtime::config::{self, Lookup};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

/// How long work that was begun may go on after the process was told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Serves until the process is told to stop, then finishes what was begun.
pub(crate) async fn run(args: &Args, serve: &Serve) -> Result<ExitCode, Error> {
    let lookup = args.lookup();
    let metrics = pawl_runtime::telemetry::prometheus().map_err(|error| Error::Usage(error.to_string()))?;
    let pipeline = Arc::new(pawl_runtime::open(&lookup).await?);
    let audit = config::Audit::read(&lookup).map_err(pawl_runtime::Error::from)?;
    let key = lookup.get("PAWL_HMAC_KEY").map(|key| SecretValue::new(key.into_bytes()));
    let listener = TcpListener::bind(serve.listen).await.map_err(Error::Http)?;
    let address = listener.local_addr().map_err(Error::Http)?;

    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(tasks::jobs(Arc::clone(&pipeline), stopped.clone()));
    tasks.spawn(tasks::retries(Arc::clone(&pipeline), stopped.clone()));
    tasks.spawn(tasks::sweeps(Arc::clone(&pipeline), interval(serve.sweep)?, stopped.clone()));
    tasks.spawn(tasks::indexes(Arc::clone(&pipeline), interval(serve.index)?, stopped.clone()));
    if let Some(url) = &serve.events {
        let queue = pawl_runtime::event_queue(url).await;
        tasks.spawn(tasks::events(Arc::clone(&pipeline), queue, stopped.clone()));
    }
    let audit = audit::start(&audit, serve, &pipeline, &mut tasks, &stopped).await?;
    info!(%address, "serving");
    output::note(&format!("pawl serves on http://{address}"));
    let mut http_stopped = stopped.clone();
    let world = Arc::clone(&pipeline);
    let served = axum::serve(listener, http::routes(pipeline, key, audit, metrics))
        .with_graceful_shutdown(async move {
            let _ = http_stopped.wait_for(|stopped| *stopped).await;
        })
        .into_future();
    tasks.spawn(async move {
        if let Err(error) = served.await {
            tracing::error!("HTTP ended: {error}");
        }
    });

    told_to_stop().await;
    info!("stopping");
    let _ = stop.send(true);
    let finished = tokio::time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        info!("work that was begun is left to the queues");
    }
    crate::verbs::farewell(&world).await;
    Ok(ExitCode::SUCCESS)
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
