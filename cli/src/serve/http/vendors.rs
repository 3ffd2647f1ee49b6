//! Webhooks of vendors that sign them in their own ways.

use super::site::{Site, take_in};
use crate::serve::answer::turned_away;
use crate::serve::listen::Seat;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use pawl_ports::Ports;
use pawl_runtime::intake;
use pawl_runtime::vendors::DOPPLER;
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
    match site.doors.vendors.check_doppler(shown, &body) {
        Ok(()) => take_in(&site, seat, &body).await,
        Err(refused) => {
            intake::refused();
            turned_away(refused.status(), &refused)
        }
    }
}
