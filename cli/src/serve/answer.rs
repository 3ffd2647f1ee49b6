//! Answers of the HTTP side that say what is wrong.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;
use std::fmt::Display;

/// An answer that says what is wrong.
pub(super) fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

/// An answer after which the request should come again.
pub(super) fn again(message: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The answer to a request that is not let in, with the status of what stands in its way.
pub(super) fn turned_away(status: u16, refused: &impl Display) -> Response {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => again(&refused.to_string()),
        Ok(status) => problem(status, &refused.to_string()),
    }
}
