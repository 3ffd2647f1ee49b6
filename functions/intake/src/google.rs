//! What Google's Pub/Sub pushes.

use crate::{Site, Taken, take};
use jiff::Timestamp;
use pawl_runtime::function_url::{Request, again, problem};
use pawl_runtime::intake;
use pawl_runtime::pubsub::Refused;
use serde_json::{Value, json};

/// Pub/Sub sends again whatever is not answered with success, so that what cannot be read is answered so as well.
///
/// 204: on the bus, or nothing that can be read. 401: without a token that Google signed for this function and the service
/// account that is let in. 503: send it again.
pub(super) async fn pushed(site: &Site, request: &Request, now: Timestamp) -> Value {
    if let Err(refused) = site.pubsub.check(request.header("authorization"), now).await {
        intake::refused();
        let message = refused.to_string();
        return match refused {
            Refused::Closed => problem(404, &message),
            Refused::NoKeys => again(&message),
            Refused::Token(_) => problem(401, &message),
        };
    }
    // What Lambda could not hand over whole is no message.
    let Some(body) = request.body() else { return json!({ "statusCode": 204 }) };
    match take(site, &body).await {
        Taken::Put(_) | Taken::Dropped(_) => json!({ "statusCode": 204 }),
        Taken::Again(error) => again(&error.to_string()),
    }
}
