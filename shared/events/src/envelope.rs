//! What events travel in: records of SQS, SNS and Kinesis, SNS notifications, batches of CloudWatch Logs, and what Pub/Sub pushes.

use crate::error::Error;
use crate::eventbridge::EventBridge;
use crate::json::object;
use crate::vault::{self, AuditReader};
use crate::{azure, doppler, gcpsm, kubernetes, parameter_store, pawl, secrets_manager};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::Change;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// SQS holds SNS holds EventBridge; one more for a queue behind a queue, and nobody wraps deeper.
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
    #[serde(rename = "type")]
    audit: Option<IgnoredAny>,
    request: Option<IgnoredAny>,
    /// Of Doppler.
    config: Option<IgnoredAny>,
    workplace: Option<IgnoredAny>,
    awslogs: Option<IgnoredAny>,
    /// Of Pub/Sub; SNS writes it with a capital letter.
    #[serde(rename = "message")]
    pushed: Option<IgnoredAny>,
    subscription: Option<IgnoredAny>,
    #[serde(rename = "protoPayload")]
    entry: Option<IgnoredAny>,
    #[serde(rename = "eventType")]
    event_type: Option<IgnoredAny>,
    specversion: Option<IgnoredAny>,
    #[serde(rename = "ContentData")]
    content: Option<IgnoredAny>,
}

/// A message of Service Bus or of an event hub, as the connectors of Logic Apps give it out.
#[derive(Deserialize)]
struct Queued {
    #[serde(rename = "ContentData")]
    content: Option<String>,
}

/// A record of what Lambda calls functions with: of SQS, SNS or Kinesis.
#[derive(Deserialize)]
struct Record {
    body: Option<String>,
    #[serde(rename = "Sns")]
    sns: Option<Notification>,
    kinesis: Option<Kinesis>,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Message")]
    message: String,
}

#[derive(Deserialize)]
struct Kinesis {
    data: String,
}

/// Peels off one envelope and reads what is inside.
pub(crate) fn read(body: &[u8], depth: usize) -> Result<Vec<Change>, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::malformed("envelopes are nested too deep"));
    }
    // Nobody but Event Grid sends a list, and who passes on what it put into a queue.
    if body.trim_ascii_start().first() == Some(&b'[') {
        let listed: Vec<&RawValue> = serde_json::from_slice(body)?;
        return all(&listed, |event| of_event_grid(event.get().as_bytes(), depth));
    }
    let probe: Probe<'_> = object(body)?;
    if let Some(records) = probe.records {
        return every(&records, depth);
    }
    if let (Some("Notification"), Some(message)) = (probe.kind.as_deref(), probe.message) {
        return read(message.as_bytes(), depth + 1);
    }
    if probe.detail_type.is_some() {
        return event(&object(body)?);
    }
    if kubernetes::is_record(body) {
        return AuditReader::new(None).read(body);
    }
    if let Some(records) = kubernetes::records(body) {
        return if records.is_empty() { Ok(Vec::new()) } else { audit_records(&records) };
    }
    if probe.api_version.is_some() {
        return pawl::read(body);
    }
    if probe.awslogs.is_some() {
        let lines = vault::records(body)?;
        return if lines.is_empty() { Ok(Vec::new()) } else { audit_records(&lines) };
    }
    if probe.pushed.is_some() && probe.subscription.is_some() {
        return gcpsm::read_push(body);
    }
    if probe.entry.is_some() {
        return gcpsm::read_entry(body);
    }
    if probe.audit.is_some() && probe.request.is_some() {
        return AuditReader::new(None).read(body);
    }
    if probe.audit.is_some() && probe.config.is_some() && probe.workplace.is_some() {
        return doppler::read(body);
    }
    if probe.event_type.is_some() || probe.specversion.is_some() || probe.content.is_some() {
        return of_event_grid(body, depth);
    }
    Err(Error::unknown("it is neither an event nor an envelope"))
}

/// What stands in a list of Event Grid, or alone: an event; what a queue kept of one or of several.
fn of_event_grid(body: &[u8], depth: usize) -> Result<Vec<Change>, Error> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return read(body, depth + 1);
    }
    match object::<Queued>(body)?.content {
        Some(content) => {
            let event = STANDARD.decode(content);
            let event = event.map_err(|_| Error::malformed("its ContentData is not base64"))?;
            match event.trim_ascii_start().first() {
                Some(b'[') => read(&event, depth + 1),
                _ => azure::read(&event),
            }
        }
        None => azure::read(body),
    }
}

fn every(records: &[&RawValue], depth: usize) -> Result<Vec<Change>, Error> {
    all(records, |record| one(record, depth))
}

/// Reads each on its own, so that a bad one does not take the others with it.
fn all(
    records: &[&RawValue],
    read: impl Fn(&RawValue) -> Result<Vec<Change>, Error>,
) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    let mut first_error = None;
    for record in records {
        match read(record) {
            Ok(of_record) => changes.extend(of_record),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) if changes.is_empty() => Err(error),
        _ => Ok(changes),
    }
}

fn one(record: &RawValue, depth: usize) -> Result<Vec<Change>, Error> {
    let unknown = || Error::unknown("its records are not those of SQS, SNS or Kinesis");
    let record: Record = object(record.get().as_bytes()).map_err(|_| unknown())?;
    match record {
        Record { body: Some(body), .. } => within(body.as_bytes(), depth + 1),
        Record { sns: Some(sns), .. } => within(sns.message.as_bytes(), depth + 1),
        Record { kinesis: Some(kinesis), .. } => {
            let data = STANDARD.decode(&kinesis.data);
            within(&data.map_err(|_| Error::malformed("its kinesis.data is not base64"))?, depth + 1)
        }
        _ => Err(unknown()),
    }
}

/// What a record holds: an event, or a shipment of audit records as they are handed to `vault-audit`.
fn within(body: &[u8], depth: usize) -> Result<Vec<Change>, Error> {
    read(body, depth).or_else(|error| match vault::records(body) {
        Ok(lines) => audit_records(&lines).map_err(|_| error),
        Err(_) => Err(error),
    })
}

/// Of several audit records, those that can be read count; it fails when none can.
fn audit_records(lines: &[Vec<u8>]) -> Result<Vec<Change>, Error> {
    let mut reader = AuditReader::new(None);
    let (mut changes, mut problem) = (Vec::new(), None);
    let mut readable = false;
    for line in lines {
        match reader.read(line) {
            Ok(told) => {
                readable = true;
                changes.extend(told);
            }
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    match problem {
        Some(error) if !readable => Err(error),
        _ if lines.is_empty() => Err(Error::unknown("it is neither an event nor an envelope")),
        _ => Ok(changes),
    }
}

fn event(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    match event.source.as_str() {
        "aws.secretsmanager" => secrets_manager::read(event),
        "aws.ssm" => parameter_store::read(event),
        "pawl.dev" => pawl::read_event(event),
        _ => Err(Error::unknown("its source is not one that Pawl reads")),
    }
}
