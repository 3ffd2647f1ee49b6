//! Takes the body of a request, whole and bounded, before any route answers.
//!
//! A server that answers while its client still sends closes the connection on unread bytes. The client then sees a
//! broken connection in place of the answer, and tries again for ever what it was told is too large. So nothing is
//! answered before the body has come, up to a bound.

use super::answer::problem;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use std::time::Duration;

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that are read of a body that is too large, so that its sender can read the answer. They are not kept.
const READ: usize = 8 * pawl_events::MAX_BODY;

/// Hands the request on with its whole body, or answers 400, 408 or 413.
pub(super) async fn whole(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match tokio::time::timeout(PATIENCE, read(body)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(head, Body::from(body))).await,
        Ok(Err(Cut::Early)) => problem(StatusCode::BAD_REQUEST, "the body ended too early"),
        Ok(Err(Cut::Large)) => problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than {} bytes", pawl_events::MAX_BODY),
        ),
        Err(_) => problem(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    }
}

/// Why there is no whole body.
enum Cut {
    Early,
    Large,
}

async fn read(mut body: Body) -> Result<Bytes, Cut> {
    let (mut kept, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Cut::Early)?.into_data() else { continue };
        seen += data.len();
        if seen <= pawl_events::MAX_BODY {
            kept.extend_from_slice(&data);
        } else if seen > READ {
            break;
        } else {
            kept = Vec::new();
        }
    }
    if seen > pawl_events::MAX_BODY { Err(Cut::Large) } else { Ok(kept.into()) }
}
