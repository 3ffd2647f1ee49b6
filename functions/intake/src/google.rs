//! What Google's Pub/Sub pushes.

use crate::{Site, Taken, take};
use jiff::Timestamp;
use pawl_runtime::function_url::{Request, problem};
use pawl_runtime::intake;
use serde_json::{Value, json};

/// Pub/Sub sends again whatever is not answered with success, so that what cannot be read is answered so as well.
///
/// 204: on the bus, or nothing that can be read. 401: without a token that Google signed for this function and the service
/// account that is let in. 503: send it again.
pub(super) async fn pushed(site: &Site, request: &Request, now: Timestamp) -> Value {
    if let Err(refused) = site.pubsub.check(request.header("authorization"), now).await {
        intake::refused();
        return problem(refused.status(), &refused.to_string());
    }
    // What Lambda could not hand over whole is counted as what cannot be read.
    let body = request.body().unwrap_or_default();
    match take(site, &body).await {
        Taken::Put(_) | Taken::Dropped(_) => json!({ "statusCode": 204 }),
        Taken::Again(error) => problem(503, &error.to_string()),
    }
}
