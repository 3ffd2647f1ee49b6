//! The HTTP side of `pawl serve`: events come in, health and metrics go out.

mod event_grid;
mod site;
mod vendors;

pub(crate) use site::Doors;

use super::answer::{again, problem, turned_away};
use super::audit;
use super::body;
use super::health::Health;
use super::listen::Seat;
use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use pawl_pipeline::Pipeline;
use pawl_ports::{Clock, Ports};
use pawl_runtime::audit::Counts;
use pawl_runtime::intake::{self, Intake};
use pawl_runtime::signature;
use serde_json::json;
use site::{Site, take_in};
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// How long a request may take. What a sync does not finish within it is in the job queue or comes again.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The routes, with those of the console. No event is taken over HTTP but those that the doors let in.
pub(crate) fn routes<P: Ports>(
    pipeline: Arc<Pipeline<P>>,
    doors: Doors,
    audit: audit::Intake,
    metrics: PrometheusHandle,
    health: Arc<Health>,
    console: Router,
) -> Router {
    let site = Arc::new(Site::new(pipeline, doors, audit, metrics, health));
    let routes = Router::new()
        .route("/v1/events", post(events::<P>))
        .route("/v1/azure/events", post(event_grid::events::<P>).options(event_grid::consent::<P>))
        .route("/v1/doppler/events", post(vendors::doppler::<P>))
        .route("/v1/google/pubsub", post(pushed::<P>))
        .route("/v1/vault/audit", post(records::<P>))
        .route("/metrics", get(|State(site): State<Arc<Site<P>>>| async move { site.metrics.render() }))
        .route("/healthz", get(|State(site): State<Arc<Site<P>>>| async move { alive(&site.health) }))
        .route("/readyz", get(|State(site): State<Arc<Site<P>>>| async move { ready(&site.health) }))
        .with_state(site)
        .merge(console);
    bounded(routes)
}

/// What is served in these bounds: of a body's size, of the time for a request, and of what a panic ends.
pub(super) fn bounded(routes: Router) -> Router {
    routes
        .layer(middleware::from_fn(body::whole))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(CatchPanicLayer::new())
}

/// Takes one event, in any envelope that [`pawl_events::changes`] knows.
///
/// 200: done or in the job queue. 400: cannot be read, and will not be the next time either. 401: not signed by who
/// knows the key. 503: send it again.
async fn events<P: Ports>(
    State(site): State<Arc<Site<P>>>,
    seat: Option<Extension<Arc<Seat>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(key) = &site.doors.key else {
        return problem(
            StatusCode::NOT_FOUND,
            "events are not taken over HTTP; set PAWL_HMAC_KEY to take them",
        );
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = site.pipeline.ports().clock().now();
    if let Err(refused) = signature::check(key, text, &body, now) {
        intake::refused();
        return problem(StatusCode::UNAUTHORIZED, &refused.to_string());
    }
    take_in(&site, seat, &body).await
}

/// Takes what Google's Pub/Sub pushes. It sends again whatever is not answered with success, so that what cannot be read is
/// answered so as well.
///
/// 204: done, in the job queue, or nothing that can be read. 401: without a token that Google signed for this server and the
/// service account that is let in. 503: send it again.
async fn pushed<P: Ports>(
    State(site): State<Arc<Site<P>>>,
    seat: Option<Extension<Arc<Seat>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let now = site.pipeline.ports().clock().now();
    if let Err(refused) = site.doors.pubsub.check(shown, now).await {
        intake::refused();
        return turned_away(refused.status(), &refused);
    }
    match site.take(seat, &body).await {
        Intake::Done { .. } | Intake::Dropped(_) => StatusCode::NO_CONTENT.into_response(),
        Intake::Again(error) => again(&error.to_string()),
    }
}

/// Takes audit records of Vault or OpenBao, in anything that [`pawl_events::vault::records`] knows. What they change is
/// synced after the answer: a server waits for it.
///
/// 200: taken. 400: cannot be read, and will not be the next time either. 401: neither the token nor a signature. 503:
/// send them again.
async fn records<P: Ports>(State(site): State<Arc<Site<P>>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = site.pipeline.ports().clock().now();
    if let Err(refused) = site.audit.admission.check(text, &body, now) {
        metrics::counter!("pawl_audit_records_total", "outcome" => "refused").increment(1);
        return turned_away(refused.status(), &refused);
    }
    let lines = match pawl_events::vault::records(&body) {
        Ok(lines) => lines,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match site.audit.feed.shipment(&lines) {
        Ok(Counts { changes: 0, nothing: 0, malformed: 1.. }) => {
            problem(StatusCode::BAD_REQUEST, "none of the lines is an audit record")
        }
        Ok(Counts { changes, malformed, .. }) => {
            Json(json!({ "changes": changes, "malformed": malformed })).into_response()
        }
        Err(full) => again(&full.to_string()),
    }
}

/// 200 while every part of the server runs; 503 names the one that does not, shortly before the process ends.
fn alive(health: &Health) -> Response {
    match health.alive() {
        Ok(()) => "ok".into_response(),
        Err(part) => problem(StatusCode::SERVICE_UNAVAILABLE, &part),
    }
}

/// 200 when registry and ledger answer and the first index is done; else 503 with what is waited for.
fn ready(health: &Health) -> Response {
    match health.ready() {
        Ok(()) => "ok".into_response(),
        Err(waits) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "waits": waits }))).into_response(),
    }
}
