//! Audit records of Kubernetes, `audit.k8s.io/v1` Events: which Secrets were written successfully.
//!
//! API servers send them to a webhook in an EventList, or write them to a log, one a line; EKS hands that log to CloudWatch
//! Logs. The level `Metadata` is enough, and nothing of a Secret stands in such a record. They come the same ways as those of
//! [Vault](crate::vault) and are read by the same reader. Source of the shape: Kubernetes' `audit.k8s.io/v1` API.
//!
//! A record names no server, so its changes concern stores of every one. A `deletecollection` names no Secret, nor does a
//! creation by `generateName` at this level: the sweep finds both.

use crate::Error;
use crate::eventbridge::checked;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::{Change, Location, Moved, Provider};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;

const GROUP: &str = "audit.k8s.io/";

/// What every record has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, rename = "auditID")]
    audit_id: Cow<'a, str>,
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    verb: Cow<'a, str>,
    #[serde(borrow, rename = "requestURI", default)]
    request_uri: Cow<'a, str>,
    #[serde(borrow)]
    object_ref: Option<ObjectRef<'a>>,
    response_status: Option<ResponseStatus>,
    stage_timestamp: Option<Timestamp>,
    request_received_timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef<'a> {
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
    #[serde(borrow, default)]
    subresource: Cow<'a, str>,
    #[serde(borrow, default)]
    api_group: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

#[derive(Deserialize)]
struct EventList<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// The records of an EventList; `None` for anything else.
pub(crate) fn records(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let is_list = is_of(body, "EventList");
    let list: EventList<'_> = is_list.then(|| serde_json::from_slice(body).ok()).flatten()?;
    Some(list.items.into_iter().map(|item| item.get().as_bytes().to_vec()).collect())
}

/// Whether a line is a record.
pub(crate) fn is_record(line: &[u8]) -> bool {
    is_of(line, "Event")
}

/// The change that a record tells of; none for everything but a successful write of a Secret.
///
/// # Errors
/// [`Error::Malformed`] for a record that lacks what all have.
pub(crate) fn change(line: &[u8]) -> Result<Option<Change>, Error> {
    let event: Event<'_> = serde_json::from_slice(line)?;
    let moved = match (event.stage.as_ref(), event.verb.as_ref()) {
        ("ResponseComplete", "create" | "delete") => Moved::Existence,
        ("ResponseComplete", "update" | "patch") => Moved::Current,
        _ => return Ok(None),
    };
    let done = event.response_status.is_some_and(|status| (200..300).contains(&status.code));
    let Some(at) = event.object_ref.filter(|at| done && at.is_of_a_secret()) else { return Ok(None) };
    if is_dry(&event.request_uri) {
        return Ok(None);
    }
    let time = event.stage_timestamp.or(event.request_received_timestamp);
    let location = Location { provider: Provider::Kubernetes, region: String::new(), account: None };
    Ok(Some(Change {
        id: event.audit_id.into_owned(),
        location,
        names: checked(BTreeSet::from([format!("{}/{}", at.namespace, at.name)]))?,
        extent: Extent::Key,
        version: None,
        moved,
        at: time.ok_or_else(|| Error::malformed("it does not tell when it was"))?,
    }))
}

impl ObjectRef<'_> {
    fn is_of_a_secret(&self) -> bool {
        self.resource == "secrets"
            && self.api_group.is_empty()
            && self.subresource.is_empty()
            && !self.namespace.is_empty()
            && !self.name.is_empty()
    }
}

/// Whether a request only asked what would happen.
fn is_dry(uri: &str) -> bool {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .any(|pair| pair.split_once('=').is_some_and(|(name, value)| name == "dryRun" && !value.is_empty()))
}

fn is_of(body: &[u8], kind: &str) -> bool {
    // A word that few others have saves the others a second reading.
    let may_be =
        body.trim_ascii_start().starts_with(b"{") && memchr::memmem::find(body, GROUP.as_bytes()).is_some();
    if !may_be {
        return false;
    }
    let head: Option<Head<'_>> = serde_json::from_slice(body).ok();
    head.is_some_and(|head| {
        head.api_version.is_some_and(|version| version.starts_with(GROUP))
            && head.kind.as_deref() == Some(kind)
    })
}
