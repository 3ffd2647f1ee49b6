//! How the server ends, and what its health says until then.

use super::crew::Crew;
use super::health::Health;
use super::{audit, http, until_the_end};
use crate::args::{Args, Verb};
use crate::error::Error;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use clap::Parser;
use metrics_exporter_prometheus::PrometheusBuilder;
use pawl_runtime::config;
use pawl_runtime::{event_grid, pubsub, vendors};
use std::future::{pending, ready};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch::{Receiver, channel};
use tower::ServiceExt;

const WELL: StatusCode = StatusCode::OK;
const ILL: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// A part that goes on until it is told to stop, and then needs a moment to finish.
async fn working(mut stopped: Receiver<bool>, finished: Arc<AtomicBool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
    tokio::task::yield_now().await;
    finished.store(true, Ordering::Relaxed);
}

#[tokio::test]
async fn a_part_that_ends_ends_the_server_with_an_error_when_the_others_have_finished() {
    for panics in [false, true] {
        let (stop, stopped) = channel(false);
        let (mut crew, finished) = (Crew::default(), Arc::<AtomicBool>::default());
        crew.spawn("jobs", working(stopped, Arc::clone(&finished)));
        crew.spawn("sweeps", async move { assert!(!panics, "as a part of a server might") });
        let error = until_the_end(crew, pending(), &stop).await.unwrap_err();
        assert!(matches!(error, Error::Ended(_)) && error.to_string().starts_with("sweeps "), "{error}");
        assert_eq!(error.exit_code(), ExitCode::FAILURE);
        assert!(finished.load(Ordering::Relaxed), "what others began is finished");
    }
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_well() {
    let (stop, stopped) = channel(false);
    let (mut crew, finished) = (Crew::default(), Arc::<AtomicBool>::default());
    crew.spawn("jobs", working(stopped, Arc::clone(&finished)));
    assert!(until_the_end(crew, ready(()), &stop).await.is_ok());
    assert!(finished.load(Ordering::Relaxed), "what was begun is finished");
}

#[tokio::test(start_paused = true)]
async fn a_part_that_does_not_stop_holds_the_end_up_for_a_while_only() {
    let (stop, _stopped) = channel(false);
    let mut crew = Crew::default();
    crew.spawn("jobs", pending());
    assert!(until_the_end(crew, ready(()), &stop).await.is_ok());
}

#[tokio::test]
async fn health_turns_over_http_when_a_part_ends() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("pawl.db").display().to_string();
    let lookup = move |name: &str| (name == "PAWL_DB").then(|| db.clone());
    let pipeline = Arc::new(pawl_runtime::open_registry(&lookup).await.unwrap());
    let (_stop, stopped) = channel(false);
    let mut crew = Crew::default();
    let health = Arc::new(Health::new(crew.running()));
    let args = Args::try_parse_from(["pawl", "serve"]).unwrap();
    let Verb::Serve(serve) = &args.verb else { panic!("it serves") };
    let audit = config::Audit::read(&lookup).unwrap();
    let audit = audit::start(&audit, serve, &pipeline, &mut crew, &stopped).await.unwrap();
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let event_grid = event_grid::Admission::new(&config::EventGrid::default());
    let pubsub = pubsub::Admission::new(&config::PubSub::default());
    let doors = http::Doors { key: None, event_grid, pubsub, vendors: vendors::Admission::default() };
    let console = super::console::closed();
    let routes = http::routes(Arc::clone(&pipeline), doors, audit, metrics, Arc::clone(&health), console);
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        routes.clone().oneshot(request).await.unwrap().status()
    };
    let told = async || (ask("/healthz").await, ask("/readyz").await);

    assert_eq!(told().await, (WELL, ILL), "nobody has been asked yet");
    health.index_done();
    let mut probing = Box::pin(Arc::clone(&health).probe(Arc::clone(&pipeline), stopped.clone()));
    while told().await != (WELL, WELL) {
        tokio::select! {
            () = &mut probing => panic!("it goes on for ever"),
            () = tokio::task::yield_now() => {}
        }
    }
    crew.spawn("jobs", async {});
    crew.first_end().await;
    assert_eq!(told().await, (ILL, ILL));
}
