//! Writes outcomes back to ExternalSecrets that live in a cluster: the Ready condition, refreshTime, an Event.
//!
//! Source of reasons, messages and fields: ESO's controller, version 2.9. Its conditions hide the cause of a failure, which
//! the Event tells.

use crate::call::{Body, Call, EVENTS, Reply, Verb, sealed};
use crate::connect::Link;
use crate::eso::{EsoKind, VERSIONS, api_version};
use crate::wire::Metadata;
use jiff::Timestamp;
use pawl_domain::hash::{of_text, synced_resource_version};
use pawl_domain::{Complaint, DeclarationId, Failure, Outcome, Step};
use pawl_pipeline::ports::ClusterIdentity;
use pawl_pipeline::{Error, Status};
use serde::Deserialize;
use serde_json::{Value, json};

const MERGE_PATCH: &str = "application/merge-patch+json";
/// The component that Events name.
const COMPONENT: &str = "pawl";
/// The longest message of an Event (Kubernetes' validation of `note`).
const LONGEST_MESSAGE: usize = 1024;

pub(crate) async fn publish<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    status: &Status,
) -> Result<(), Error> {
    let Some(ready) = Ready::of(status) else { return Ok(()) };
    let Some((version, found)) = find(link, id).await? else { return Ok(()) };
    if let Some(patch) = patch(&found, &ready, status) {
        let resource = EsoKind::ExternalSecret.resource(version);
        let call = external_secret(&resource, Verb::Patch, id)
            .subresource("status")
            .query("fieldManager", COMPONENT)
            .metadata_only()
            .body(MERGE_PATCH, sealed(&patch, 1024));
        // Whoever deleted it in between wants to hear nothing more.
        if link.send(&call).await?.or_missing(&call, link.name())?.is_none() {
            return Ok(());
        }
    }
    match Note::of(status, &found) {
        Some(note) => record(link, id, &found, version, &note, status.at).await,
        None => Ok(()),
    }
}

/// What the Ready condition shall say.
#[derive(Debug, PartialEq)]
struct Ready {
    is_ready: bool,
    reason: &'static str,
    message: String,
}

impl Ready {
    /// `None` for what has not happened yet.
    fn of(status: &Status) -> Option<Self> {
        Self::of_secret(&status.result)
            .map(|ready| if status.kind.is_some() { ready.of_resource() } else { ready })
    }

    /// The same, said of a target that is no Secret.
    fn of_resource(self) -> Self {
        let reason = match self.reason {
            "SecretSynced" => "ResourceSynced",
            "SecretDeleted" => "ResourceDeleted",
            "SecretMissing" => "ResourceMissing",
            // ESO refuses such a target before it looks at what it is.
            _ if self.message == Complaint::GenericTarget.as_str() => return self,
            _ => "ResourceSyncedError",
        };
        // What is said of the provider is the same for every target.
        let message = if self.message == Complaint::Provider.as_str() {
            self.message
        } else {
            self.message.replace("secret", "resource")
        };
        Self { reason, message, is_ready: self.is_ready }
    }

    fn of_secret(result: &Result<Outcome, Failure>) -> Option<Self> {
        let ready =
            |reason, message: &str| Some(Self { is_ready: true, reason, message: message.to_owned() });
        match result {
            Ok(Outcome::Written | Outcome::Unchanged | Outcome::NotWanted) => {
                ready("SecretSynced", "secret synced")
            }
            Ok(Outcome::Retained) => ready("SecretSynced", "secret retained due to DeletionPolicy=Retain"),
            Ok(Outcome::Deleted) => ready("SecretDeleted", "secret deleted due to DeletionPolicy=Delete"),
            Ok(Outcome::TargetMissing) => {
                ready("SecretMissing", "secret will not be created due to CreationPolicy=Merge")
            }
            Ok(Outcome::Queued) => None,
            Err(failure) => {
                let message = failure.complaint.as_str().to_owned();
                Some(Self { is_ready: false, reason: "SecretSyncedError", message })
            }
        }
    }
}

fn shortened(text: &str) -> String {
    let end = text.char_indices().map(|(index, letter)| index + letter.len_utf8());
    let end = end.take_while(|end| *end <= LONGEST_MESSAGE).last().unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

/// What is read of an ExternalSecret before its status is written.
#[derive(Deserialize)]
struct Found {
    metadata: Metadata,
    #[serde(default)]
    status: Value,
}

impl Found {
    fn conditions(&self) -> impl Iterator<Item = &Value> {
        self.status.get("conditions").and_then(Value::as_array).into_iter().flatten()
    }

    fn ready(&self) -> Option<&Value> {
        self.conditions().find(|condition| condition["type"] == "Ready")
    }
}

/// The ExternalSecret, and the version it is served in; `None` if it is gone.
async fn find<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
) -> Result<Option<(usize, Found)>, Error> {
    let first = link.served();
    for version in (0..VERSIONS).map(|offset| (first + offset) % VERSIONS) {
        let resource = EsoKind::ExternalSecret.resource(version);
        let call = external_secret(&resource, Verb::Get, id);
        match link.send(&call).await? {
            // A path that is not served is answered without a Status.
            Reply::Refused(refusal) if refusal.code == 404 && !refusal.is_status => {}
            reply => {
                link.set_served(version);
                let read = |body: Body| Ok((version, body.read(&call, link.name())?));
                return reply.or_missing(&call, link.name())?.map(read).transpose();
            }
        }
    }
    Ok(None)
}

fn external_secret<'a>(
    resource: &'a crate::call::Resource<'a>,
    verb: Verb,
    id: &'a DeclarationId,
) -> Call<'a> {
    Call::new(Step::Record, verb, resource).namespace(id.namespace.as_str()).name(id.name.as_str())
}

/// The merge patch of the status; `None` if it says all of that already.
fn patch(found: &Found, ready: &Ready, status: &Status) -> Option<Value> {
    let word = if ready.is_ready { "True" } else { "False" };
    let old = found.ready();
    let same = |field: &str, value: &str| old.is_some_and(|old| old[field] == value);
    let unchanged = same("status", word) && same("reason", ready.reason) && same("message", &ready.message);
    let mut patch = json!({});
    if !unchanged {
        let since = old.filter(|_| same("status", word)).and_then(|old| old["lastTransitionTime"].as_str());
        let condition = json!({
            "type": "Ready",
            "status": word,
            "reason": ready.reason,
            "message": ready.message,
            "lastTransitionTime": since.map_or_else(|| time(status.at), str::to_owned),
        });
        let others = found.conditions().filter(|other| other["type"] != "Ready").cloned();
        patch["conditions"] = others.chain([condition]).collect();
    }
    if ready.is_ready {
        let Metadata { generation, annotations, labels, .. } = &found.metadata;
        let empty = std::collections::BTreeMap::new();
        patch["refreshTime"] = time(status.at).into();
        patch["syncedResourceVersion"] = synced_resource_version(
            *generation,
            annotations.as_ref().unwrap_or(&empty),
            labels.as_ref().unwrap_or(&empty),
        )
        .into();
        if let Some(target) = &status.target {
            patch["binding"] = json!({ "name": target });
        }
    }
    let says_something = patch.as_object().is_some_and(|fields| !fields.is_empty());
    says_something.then(|| json!({ "status": patch }))
}

/// Whole seconds, as Kubernetes writes times.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What an Event says.
#[derive(Debug, PartialEq)]
struct Note {
    kind: &'static str,
    reason: &'static str,
    message: String,
}

impl Note {
    /// `None` for outcomes that nobody needs to be told of.
    fn of(status: &Status, found: &Found) -> Option<Self> {
        let note = Self::of_secret(&status.result, found)?;
        let (Some(kind), "Normal") = (&status.kind, note.kind) else { return Some(note) };
        let name = status.target.as_deref().unwrap_or_default();
        Some(Self { message: format!("{} {kind} {name}", note.reason).trim_end().to_owned(), ..note })
    }

    fn of_secret(result: &Result<Outcome, Failure>, found: &Found) -> Option<Self> {
        let normal =
            |reason, message: &str| Some(Self { kind: "Normal", reason, message: message.to_owned() });
        match result {
            Ok(Outcome::Written) if found.status["binding"]["name"].is_string() => {
                normal("Updated", "secret updated")
            }
            Ok(Outcome::Written) => normal("Created", "secret created"),
            Ok(Outcome::Deleted) => normal("Deleted", "secret deleted"),
            Ok(
                Outcome::Unchanged
                | Outcome::Retained
                | Outcome::TargetMissing
                | Outcome::NotWanted
                | Outcome::Queued,
            ) => None,
            Err(failure) => {
                Some(Self { kind: "Warning", reason: "UpdateFailed", message: shortened(&failure.message) })
            }
        }
    }
}

/// Writes an Event. One that says the same as another is the same Event, seen again.
async fn record<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    found: &Found,
    version: usize,
    note: &Note,
    at: Timestamp,
) -> Result<(), Error> {
    let name = event_name(id, note);
    let at = time(at);
    let (namespace, uid) = (id.namespace.as_str(), &found.metadata.uid);
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": namespace },
        "involvedObject": {
            "apiVersion": api_version(version),
            "kind": "ExternalSecret",
            "namespace": namespace,
            "name": id.name.as_str(),
            "uid": uid,
            "resourceVersion": found.metadata.resource_version,
        },
        "type": note.kind,
        "reason": note.reason,
        "message": note.message,
        "source": { "component": COMPONENT },
        "reportingComponent": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    });
    let call = Call::new(Step::Record, Verb::Create, &EVENTS)
        .namespace(namespace)
        .metadata_only()
        .body("application/json", sealed(&event, 1024));
    match link.send(&call).await? {
        Reply::Refused(refusal) if refusal.code == 409 => {
            let again = json!({ "lastTimestamp": at });
            let call = Call::new(Step::Record, Verb::Patch, &EVENTS)
                .namespace(namespace)
                .name(&name)
                .metadata_only()
                .body(MERGE_PATCH, sealed(&again, 128));
            link.send(&call).await?.or_missing(&call, link.name()).map(drop)
        }
        reply => reply.or_fail(&call, link.name()).map(drop),
    }
}

/// Equal for equal notes about one object.
fn event_name(id: &DeclarationId, note: &Note) -> String {
    const LONGEST: usize = 253;
    let digest = of_text(&format!("{} {}", note.reason, note.message));
    let suffix = digest.get(..16).unwrap_or(&digest);
    let name = id.name.as_str();
    let name = name.get(..name.len().min(LONGEST - suffix.len() - 1)).unwrap_or(name);
    format!("{}.{suffix}", name.trim_end_matches(['.', '-']))
}

#[cfg(test)]
mod tests;
