//! What the routes that take events have, and how each of them takes one of somebody who was let in.

use crate::serve::answer::{again, problem};
use crate::serve::audit;
use crate::serve::health::Health;
use crate::serve::listen::{Seat, Working};
use axum::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use pawl_domain::SecretValue;
use pawl_pipeline::Pipeline;
use pawl_ports::Ports;
use pawl_runtime::event_grid::Admission;
use pawl_runtime::intake::{self, Intake};
use pawl_runtime::pubsub;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Events worked on at the same time; further ones wait, and health and metrics answer all the same. Who has not shown
/// a signature does not take one of these places.
const CONCURRENCY: usize = 64;

pub(super) struct Site<P> {
    pub(super) pipeline: Arc<Pipeline<P>>,
    pub(super) doors: Doors,
    pub(super) audit: audit::Intake,
    pub(super) metrics: PrometheusHandle,
    pub(super) health: Arc<Health>,
    places: Semaphore,
}

/// Who may hand in events.
pub(crate) struct Doors {
    /// The key that events are signed with; without one none of them are taken.
    pub(crate) key: Option<SecretValue>,
    pub(crate) event_grid: Admission,
    pub(crate) pubsub: pubsub::Admission,
    pub(crate) vendors: pawl_runtime::vendors::Admission,
}

impl<P: Ports> Site<P> {
    pub(super) fn new(
        pipeline: Arc<Pipeline<P>>,
        doors: Doors,
        audit: audit::Intake,
        metrics: PrometheusHandle,
        health: Arc<Health>,
    ) -> Self {
        Self { pipeline, doors, audit, metrics, health, places: Semaphore::new(CONCURRENCY) }
    }

    /// Takes what somebody sent who was let in, as soon as there is a place.
    pub(super) async fn take(&self, seat: Option<Extension<Arc<Seat>>>, body: &[u8]) -> Intake {
        let _working: Option<Working> = seat.map(|Extension(seat)| seat.work());
        // It is never closed; if it were, the event would be taken all the same.
        let _place: Option<SemaphorePermit<'_>> = self.places.acquire().await.ok();
        intake::take(&self.pipeline, body).await
    }
}

/// Takes an event of somebody who was let in, and answers with what came of it.
pub(super) async fn take_in<P: Ports>(
    site: &Site<P>,
    seat: Option<Extension<Arc<Seat>>>,
    body: &[u8],
) -> Response {
    let (changes, report) = match site.take(seat, body).await {
        Intake::Done { changes, report } => (changes, report),
        Intake::Dropped(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
        Intake::Again(error) => return again(&error.to_string()),
    };
    let result = |result: &Result<pawl_domain::Outcome, pawl_ports::Error>| match result {
        Ok(outcome) => outcome.as_str().to_owned(),
        Err(error) => format!("failed: {error}"),
    };
    let outcomes: serde_json::Map<_, _> =
        report.outcomes.iter().map(|(id, each)| (id.to_string(), result(each).into())).collect();
    Json(json!({ "changes": changes, "declarations": outcomes })).into_response()
}
