//! What Azure's Event Grid sends: its question whether events are wanted, in both of its schemas, and they themselves.
//!
//! Source: "Webhook event delivery", and "Endpoint validation" with the schema of Event Grid and with that of CloudEvents.

use crate::{Site, Taken, take};
use jiff::Timestamp;
use pawl_events::azure;
use pawl_runtime::function_url::{Request, answer, problem};
use pawl_runtime::intake;
use serde_json::{Value, json};

/// Answers Event Grid's question with the code in it, and takes any other events.
///
/// 200: on the bus. 400: cannot be read, and will not be the next time either. 401: what lets in is missing or wrong. 503: send it
/// again.
pub(super) async fn events(site: &Site, request: &Request, now: Timestamp) -> Value {
    if let Err(refused) = site.event_grid.check(|name| request.header(name), now).await {
        intake::refused();
        return problem(refused.status(), &refused.to_string());
    }
    let Some(body) = request.body() else { return problem(400, "the body is not base64") };
    if let Some(code) = azure::validation_code(&body) {
        return answer(200, &json!({ "validationResponse": code }));
    }
    match take(site, &body).await {
        Taken::Put(changes) => answer(200, &json!({ "changes": changes })),
        Taken::Dropped(error) => problem(400, &error.to_string()),
        Taken::Again(error) => problem(503, &error.to_string()),
    }
}

/// Says who may send CloudEvents: Event Grid, as much as it likes.
pub(super) async fn consent(site: &Site, request: &Request, now: Timestamp) -> Value {
    if let Err(refused) = site.event_grid.check_question(|name| request.header(name), now).await {
        return problem(refused.status(), &refused.to_string());
    }
    match request.header("webhook-request-origin") {
        Some(origin) if azure::is_welcome(origin) => json!({
            "statusCode": 200,
            "headers": { "allow": "POST, OPTIONS", "webhook-allowed-origin": origin, "webhook-allowed-rate": "*" },
        }),
        _ => problem(405, "only Event Grid is asked to send events here"),
    }
}
