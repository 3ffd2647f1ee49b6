//! The `intake` Lambda: what Google's Pub/Sub pushes and what Azure's Event Grid sends, to changes on Pawl's bus.
//!
//! Both come to a function URL or an HTTP API, at the paths that `pawl serve` has. From the bus the changes go to `sync`, as
//! every event does.

mod azure;
mod google;

use jiff::Timestamp;
use lambda_runtime::Error;
use pawl_runtime::function_url::{Request, problem};
use pawl_runtime::{EventBus, event_grid, intake, pubsub};
use serde_json::Value;
use tracing::{instrument, warn};

/// Where changes go, and who may tell of them.
#[derive(Debug)]
pub struct Site {
    bus: EventBus,
    pubsub: pubsub::Admission,
    event_grid: event_grid::Admission,
}

impl Site {
    /// A site that puts its changes on this bus.
    pub fn new(bus: EventBus, pubsub: pubsub::Admission, event_grid: event_grid::Admission) -> Self {
        Self { bus, pubsub, event_grid }
    }
}

/// Puts the changes of one request on the bus and answers in the form that its sender wants. Nothing of a request is looked at
/// before its sender is let in.
///
/// What cannot be read is counted, logged without a word of it, and not to be sent again. What could not be put on the bus
/// comes again.
///
/// # Errors
/// For what is no request.
#[instrument(skip_all)]
pub async fn handle(site: &Site, event: Value, now: Timestamp) -> Result<Value, Error> {
    let request: Result<Request, _> = serde_json::from_value(event);
    let request = request.map_err(|_| "the event is no request; call the function by its URL")?;
    Ok(match (request.method(), request.path()) {
        ("POST", "/v1/google/pubsub") => google::pushed(site, &request, now).await,
        ("POST", "/v1/azure/events") => azure::events(site, &request, now).await,
        ("OPTIONS", "/v1/azure/events") => azure::consent(site, &request, now).await,
        _ => problem(404, "events are taken by POST at /v1/google/pubsub and /v1/azure/events"),
    })
}

/// What became of a body that was let in.
enum Taken {
    /// So many changes are on the bus.
    Put(usize),
    /// It cannot be read, and will not be the next time either.
    Dropped(pawl_events::Error),
    /// It must come again.
    Again(pawl_ports::Error),
}

async fn take(site: &Site, body: &[u8]) -> Taken {
    let changes = match intake::read(body) {
        Ok(changes) => changes,
        Err(problem) => return Taken::Dropped(problem),
    };
    let details: Vec<String> = changes.iter().map(pawl_events::to_json).collect();
    match site.bus.put(pawl_events::DETAIL_TYPE, &details).await {
        Ok(()) => Taken::Put(changes.len()),
        Err(problem) => {
            warn!("event comes again: {problem}");
            Taken::Again(problem)
        }
    }
}
