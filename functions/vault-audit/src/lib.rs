//! The `vault-audit` Lambda: audit records of Vault and OpenBao to changes on Pawl's bus.
//!
//! Records come by a subscription of CloudWatch Logs, by Kinesis, by SQS, or by HTTP at a function URL or an HTTP API.
//! Event sources of Kinesis and SQS must have `ReportBatchItemFailures`, or messages that are returned for another try
//! would count as done. From the bus the changes go to `sync`, as every event does.

mod event;

use event::{Event, Message};
use jiff::Timestamp;
use lambda_runtime::Error;
use pawl_domain::Change;
use pawl_runtime::EventBus;
use pawl_runtime::audit::{Admission, Audit, Counts};
use pawl_runtime::config;
use pawl_runtime::function_url::{Request, answer, problem};
use serde_json::{Value, json};
use tracing::{instrument, warn};

/// Where changes go, what is known of the server, and who may hand in its records by HTTP.
#[derive(Debug)]
pub struct Site {
    bus: EventBus,
    audit: Audit,
    admission: Admission,
    iam: bool,
}

impl Site {
    /// A site that puts its changes on this bus.
    pub fn new(bus: EventBus, config: &config::Audit) -> Self {
        Self { bus, audit: Audit::new(config), admission: Admission::new(config), iam: config.iam }
    }
}

/// Puts the changes of one event on the bus and answers in the form that its sender wants.
///
/// What is no record is counted, logged without a word of it, and done: it would be no better the next time. What could
/// not be put on the bus comes again: messages of a batch by the answer, requests by a 503, CloudWatch Logs by the error.
///
/// # Errors
/// A batch of CloudWatch Logs whose changes could not be put on the bus, and an event of no known sender.
#[instrument(skip_all)]
pub async fn handle(site: &Site, event: Value, now: Timestamp) -> Result<Value, Error> {
    // The envelope of CloudWatch Logs is read as a whole.
    let whole = event.get("awslogs").is_some().then(|| event.to_string());
    match (serde_json::from_value(event), whole) {
        (Ok(Event::Batch { records }), _) => Ok(batch(site, &records).await),
        (Ok(Event::Http(request)), _) => Ok(http(site, &request, now).await),
        (Ok(Event::Logs { .. }), Some(event)) => logs(site, event.as_bytes()).await,
        _ => Err(
            "the event is of no sender of audit records; send it by CloudWatch Logs, Kinesis, SQS or HTTP"
                .into(),
        ),
    }
}

/// Messages whose changes could not be put on the bus come again.
async fn batch(site: &Site, messages: &[Message]) -> Value {
    let (mut changes, mut bringing) = (Vec::new(), Vec::new());
    for message in messages {
        let Some((told, _)) = message.content().and_then(|content| changes_of(site, &content).ok()) else {
            continue;
        };
        if !told.is_empty() {
            bringing.push(message.id());
        }
        changes.extend(told);
    }
    if put(site, &changes).await.is_ok() {
        bringing.clear();
    }
    let failures: Vec<Value> = bringing.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

async fn logs(site: &Site, event: &[u8]) -> Result<Value, Error> {
    let Ok((changes, _)) = changes_of(site, event) else { return Ok(Value::Null) };
    put(site, &changes).await?;
    Ok(Value::Null)
}

/// 200: on the bus. 400: cannot be read, and will not be the next time either. 401: neither the token nor a signature.
/// 503: send it again.
async fn http(site: &Site, request: &Request, now: Timestamp) -> Value {
    let Some(body) = request.body() else {
        return problem(400, "the body is not base64");
    };
    let known = site.iam && request.is_known_to_iam();
    if !known && let Err(refused) = site.admission.check(|name| request.header(name), &body, now) {
        return problem(401, &refused.to_string());
    }
    match changes_of(site, &body) {
        Err(error) => problem(400, &error.to_string()),
        Ok((_, Counts { changes: 0, nothing: 0, malformed: 1.. })) => {
            problem(400, "none of the lines is an audit record")
        }
        Ok((changes, counts)) => match put(site, &changes).await {
            Err(error) => problem(503, &error.to_string()),
            Ok(()) => answer(200, &json!({ "changes": counts.changes, "malformed": counts.malformed })),
        },
    }
}

fn changes_of(site: &Site, shipment: &[u8]) -> Result<(Vec<Change>, Counts), pawl_events::Error> {
    match pawl_events::vault::records(shipment) {
        Ok(lines) => Ok(site.audit.changes(lines)),
        Err(problem) => {
            warn!("shipment of audit records dropped: {problem}");
            Err(problem)
        }
    }
}

async fn put(site: &Site, changes: &[Change]) -> Result<(), pawl_ports::Error> {
    let details: Vec<String> = changes.iter().map(pawl_events::to_json).collect();
    let put = site.bus.put(pawl_events::DETAIL_TYPE, &details).await;
    if let Err(problem) = &put {
        // Their next copies must not be taken for ones that were told already.
        site.audit.forget(changes);
        warn!("audit records come again: {problem}");
    }
    put
}
