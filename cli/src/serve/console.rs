//! The console: as a part of `pawl serve`, and by itself over what an operator may read.

use super::answer::problem;
use super::http::bounded;
use super::listen;
use crate::args::{Args, Console};
use crate::error::Error;
use crate::flow::registry;
use crate::output;
use crate::queued;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::any;
use pawl_console::{Desk, Door, HOME, Queue, QueuedJob};
use pawl_domain::SecretValue;
use pawl_pipeline::Pipeline;
use pawl_ports::Ports;
use pawl_runtime::{Inbox, World};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch::channel;

/// `pawl console`: serves the pages until the process is told to stop.
///
/// # Errors
/// When registry or queue cannot be opened, or the address cannot be listened on or is not of this machine.
pub(crate) async fn run(args: &Args, console: &Console) -> Result<ExitCode, Error> {
    if !console.listen.ip().is_loopback() {
        let message = "--listen takes loopback addresses; for others, pawl serve has the console at /console";
        return Err(Error::Usage(message.to_owned()));
    }
    let pipeline = Arc::new(registry(args).await?);
    let inbox = pawl_runtime::inbox(&args.lookup()).await?;
    let (door, token) = Door::of_process();
    let listener = TcpListener::bind(console.listen).await.map_err(Error::Http)?;
    let address = listener.local_addr().map_err(Error::Http)?;
    output::note(&format!("the console is at http://{address}{HOME}/login?token={token}"));
    let (stop, stopped) = channel(false);
    let routes = bounded(pawl_console::routes(pipeline, desk(inbox), door));
    let routes = routes.layer(middleware::from_fn_with_state(hosts(address), of_this_machine));
    let serving = tokio::spawn(listen::serve(listener, routes, stopped));
    super::told_to_stop().await;
    let _ = stop.send(true);
    let _ = serving.await;
    Ok(ExitCode::SUCCESS)
}

/// What a browser on this machine calls this address.
fn hosts(address: SocketAddr) -> Arc<[String]> {
    Arc::from([address.to_string(), format!("localhost:{}", address.port())])
}

/// Refuses what was meant for another host: a page of somebody else's site, whose name leads to this machine, would ask so.
async fn of_this_machine(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
        return next.run(request).await;
    }
    problem(StatusCode::MISDIRECTED_REQUEST, "the console is open at the address that pawl console printed")
}

/// `/console` of `pawl serve`; where no token is set, an answer that says so.
pub(super) fn routes(pipeline: &Arc<Pipeline<World>>, token: Option<SecretValue>) -> Router {
    let Some(token) = token else { return closed() };
    let desk = desk(pipeline.ports().jobs().clone());
    pawl_console::routes(Arc::clone(pipeline), desk, Door::new(token))
}

/// Answers that there is no console.
pub(super) fn closed() -> Router {
    let off =
        || async { problem(StatusCode::NOT_FOUND, "the console is off; set PAWL_CONSOLE_TOKEN to have it") };
    Router::new().route(HOME, any(off)).route("/console/{*rest}", any(off))
}

fn desk(inbox: Inbox) -> Desk {
    Arc::new(move |limit| {
        let inbox = inbox.clone();
        Box::pin(async move {
            let shown = inbox.shown(limit).await?;
            let job = |row: queued::QueuedJob| QueuedJob {
                id: row.id,
                state: row.state,
                attempts: row.attempts,
                since: row.since,
                what: row.what,
                reason: row.reason,
            };
            let jobs = shown.jobs.iter().map(queued::QueuedJob::from).map(job).collect();
            Ok(Queue { waiting: shown.waiting, dead: shown.dead, jobs })
        })
    })
}
