//! What events travel in: SQS records, SNS notifications, EventBridge events.

use crate::error::Error;
use crate::{parameter_store, pawl, secrets_manager};
use jiff::Timestamp;
use pawl_domain::Change;
use pawl_domain::key::Arn;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Envelopes in envelopes: SQS holds SNS holds EventBridge, and nobody wraps deeper.
const MAX_DEPTH: usize = 4;

/// Any envelope: the fields that tell one from the other.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, rename = "Records")]
    records: Option<Vec<&'a RawValue>>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Message")]
    message: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
}

#[derive(Deserialize)]
struct SqsRecord {
    body: String,
}

/// An EventBridge event, its detail unread. Senders differ in which of the other fields they fill.
#[derive(Deserialize)]
pub(crate) struct EventBridge<'a> {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(rename = "detail-type")]
    pub(crate) detail_type: String,
    #[serde(default)]
    pub(crate) source: String,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    time: Option<String>,
    #[serde(default)]
    pub(crate) resources: Vec<String>,
    #[serde(borrow)]
    pub(crate) detail: &'a RawValue,
}

impl EventBridge<'_> {
    /// The event's own time. Long ago where it has none, so that nothing counts as older than the event.
    pub(crate) fn at(&self) -> Timestamp {
        self.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The ARN of the changed resource, if the event names exactly that of this service.
    pub(crate) fn arn(&self, service: &str) -> Option<&str> {
        let of_service = |text: &&String| Arn::parse(text).is_some_and(|arn| arn.service == service);
        self.resources.iter().find(of_service).map(String::as_str)
    }

    /// The region of the event, or else of the resource that it is about.
    pub(crate) fn region(&self, arn: Option<&str>) -> Result<String, Error> {
        let of_arn = arn.and_then(Arn::parse).map(|arn| arn.region.to_owned());
        self.region.clone().or(of_arn).ok_or_else(|| Error::malformed("it has neither a region nor an ARN"))
    }
}

/// Peels off one envelope and reads what is inside.
pub(crate) fn read(body: &[u8], depth: usize) -> Result<Vec<Change>, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::malformed("envelopes are nested too deep"));
    }
    let probe: Probe<'_> = serde_json::from_slice(body)?;
    if let Some(records) = probe.records {
        let mut changes = Vec::new();
        for record in records {
            let record: SqsRecord = serde_json::from_str(record.get())
                .map_err(|_| Error::unknown("Records of something else than SQS"))?;
            changes.extend(read(record.body.as_bytes(), depth + 1)?);
        }
        return Ok(changes);
    }
    if let (Some("Notification"), Some(message)) = (probe.kind.as_deref(), probe.message) {
        return read(message.as_bytes(), depth + 1);
    }
    if probe.detail_type.is_some() {
        return event(&serde_json::from_slice(body)?);
    }
    match probe.api_version {
        Some(version) => pawl::read(body, &version),
        None => Err(Error::unknown(probe.kind.as_deref().unwrap_or("neither an event nor an envelope"))),
    }
}

fn event(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    match event.source.as_str() {
        "aws.secretsmanager" => secrets_manager::read(event),
        "aws.ssm" => parameter_store::read(event),
        "pawl.dev" => pawl::read_event(event),
        source => Err(Error::unknown(&format!("{} from {source}", event.detail_type))),
    }
}
