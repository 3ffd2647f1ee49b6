//! Webhooks of vendors that sign them in their own ways.

use super::{Site, problem, take_in};
use crate::serve::listen::Seat;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use pawl_ports::Ports;
use pawl_runtime::intake;
use pawl_runtime::vendors::{DOPPLER, Refused};
use std::sync::Arc;

/// Takes what Doppler tells of a config.
///
/// 200: done or in the job queue. 400: cannot be read, and will not be the next time either. 401: not signed by who knows the
/// webhook's secret. 503: send it again.
pub(super) async fn doppler<P: Ports>(
    State(site): State<Arc<Site<P>>>,
    seat: Option<Extension<Arc<Seat>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shown = headers.get(DOPPLER).and_then(|value| value.to_str().ok());
    match site.vendors.check_doppler(shown, &body) {
        Ok(()) => take_in(&site, seat, &body).await,
        Err(refused) => turned_away(refused),
    }
}

fn turned_away(refused: Refused) -> Response {
    intake::refused();
    let status = match refused {
        Refused::Closed(_) => StatusCode::NOT_FOUND,
        Refused::Unsigned(_) | Refused::Wrong => StatusCode::UNAUTHORIZED,
    };
    problem(status, &refused.to_string())
}
