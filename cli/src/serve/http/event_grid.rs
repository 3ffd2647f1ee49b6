//! Events of Azure's Event Grid: its question whether they are wanted, in both of its schemas, and they themselves.
//!
//! Source: "Webhook event delivery", and "Endpoint validation" with the schema of Event Grid and with that of CloudEvents.

use super::site::{Site, take_in};
use crate::serve::answer::{problem, turned_away};
use crate::serve::listen::Seat;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use pawl_events::azure;
use pawl_ports::{Clock, Ports};
use pawl_runtime::intake;
use serde_json::json;
use std::sync::Arc;

const ASKS: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// Answers Event Grid's question with the code in it, and takes any other events.
///
/// 200: done or in the job queue. 400: cannot be read, and will not be the next time either. 401: what lets in is missing or wrong.
/// 503: send it again.
pub(super) async fn events<P: Ports>(
    State(site): State<Arc<Site<P>>>,
    seat: Option<Extension<Arc<Seat>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = site.pipeline.ports().clock().now();
    if let Err(refused) = site.doors.event_grid.check(|name| text(&headers, name), now).await {
        intake::refused();
        return turned_away(refused.status(), &refused);
    }
    match azure::validation_code(&body) {
        Some(code) => Json(json!({ "validationResponse": code })).into_response(),
        None => take_in(&site, seat, &body).await,
    }
}

/// Says who may send CloudEvents: Event Grid, as much as it likes.
pub(super) async fn consent<P: Ports>(State(site): State<Arc<Site<P>>>, headers: HeaderMap) -> Response {
    let now = site.pipeline.ports().clock().now();
    if let Err(refused) = site.doors.event_grid.check_question(|name| text(&headers, name), now).await {
        return turned_away(refused.status(), &refused);
    }
    match headers.get(ASKS) {
        Some(origin) if origin.to_str().is_ok_and(azure::is_welcome) => {
            let allow = [
                (header::ALLOW, HeaderValue::from_static("POST, OPTIONS")),
                (ALLOWED, origin.clone()),
                (RATE, HeaderValue::from_static("*")),
            ];
            (StatusCode::OK, allow).into_response()
        }
        _ => problem(StatusCode::METHOD_NOT_ALLOWED, "only Event Grid is asked to send events here"),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
