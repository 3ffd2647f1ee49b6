//! Writes outcomes back to ExternalSecrets that live in a cluster: the Ready condition, refreshTime, Events.
//!
//! A status is changed by one JSON patch, without reading it first: the patch tests what it relies on, which is what
//! was told last. Where that does not hold, or is not known, the status is read and patched; so two requests more are
//! made after somebody else wrote it, and after the ledger was lost. Of what the status says already nothing is sent.
//!
//! Source of reasons, messages and fields: ESO's controller, version 2.9.

pub(crate) mod event;
pub(crate) mod ready;

use crate::call::{Body, Call, Reply, Resource, Verb, sealed};
use crate::connect::Link;
use crate::eso::{EsoKind, VERSIONS, api_version};
use crate::wire::{self, Metadata};
use event::{About, COMPONENT, Note};
use jiff::Timestamp;
use pawl_domain::record::Told;
use pawl_domain::{DeclarationId, Step};
use pawl_ports::{ClusterIdentity, Error, Status};
use ready::{Ready, binding, word};
use serde::Deserialize;
use serde_json::{Value, json};

const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

pub(crate) async fn publish<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    status: &Status,
) -> Result<(), Error> {
    let Some((ready, told)) = Ready::of(status).zip(status.told()) else { return Ok(()) };
    let notes = Note::of(status);
    let says_so = status.before.as_ref() == Some(&told);
    let written = if status.overtaken || says_so && (notes.is_empty() || !ready.is_ready) {
        Object { uid: status.uid.clone().unwrap_or_default(), ..Object::default() }
    } else {
        match write(link, id, status, &ready).await? {
            Some(object) => object,
            // Whoever deleted it in between wants to hear nothing more.
            None => return Ok(()),
        }
    };
    let about = About {
        api_version: api_version(link.served()),
        kind: EsoKind::ExternalSecret.resource(link.served()).kind,
        namespace: Some(id.namespace.as_str()),
        name: id.name.as_str(),
        uid: &written.uid,
        resource_version: &written.resource_version,
    };
    for note in &notes {
        event::record(link, &about, note, status.at, says_so).await?;
    }
    Ok(())
}

/// The object that was told.
#[derive(Default)]
pub(crate) struct Object {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
}

impl From<Metadata> for Object {
    fn from(Metadata { uid, resource_version, .. }: Metadata) -> Self {
        Self { uid, resource_version }
    }
}

/// Writes the status and tells which object that was; `None` if it is gone, or another of the same name took its place.
async fn write<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    status: &Status,
    ready: &Ready,
) -> Result<Option<Object>, Error> {
    let resource = EsoKind::ExternalSecret.resource(link.served());
    let call = status_call(&resource, id, JSON_PATCH, &blind(status, ready));
    match link.send(&call).await? {
        // What the patch relied on does not hold, or somebody wrote at the same time; or the version is not served any more.
        Reply::Refused(refusal)
            if refusal.is_without_cause()
                || refusal.code == 409
                || (refusal.code == 404 && !refusal.is_status) => {}
        reply => {
            let read = |body: Body| body.read::<wire::Object>(&call, link.name());
            let written = reply.or_missing(&call, link.name())?.map(read).transpose()?;
            return Ok(written.map(|it| it.metadata.into()));
        }
    }
    let Some((version, found)) = find(link, id).await? else { return Ok(None) };
    if status.uid.as_ref().is_some_and(|uid| *uid != found.metadata.uid) {
        return Ok(None);
    }
    let resource = EsoKind::ExternalSecret.resource(version);
    let call = status_call(&resource, id, MERGE_PATCH, &seeing(&found, ready, status));
    Ok(link.send(&call).await?.or_missing(&call, link.name())?.map(|_| found.metadata.into()))
}

fn status_call<'a>(
    resource: &'a Resource<'a>,
    id: &'a DeclarationId,
    content_type: &'static str,
    patch: &Value,
) -> Call<'a> {
    external_secret(resource, Verb::Patch, id)
        .subresource("status")
        .query("fieldManager", COMPONENT)
        .metadata_only()
        .body(content_type, sealed(patch, 2048))
}

/// Where ESO and Pawl keep the one condition that they set.
const READY: &str = "/status/conditions/0";

/// The JSON patch that is made without looking: it changes the one condition that stands there as it was told last, or
/// a status that is not there yet.
fn blind(status: &Status, ready: &Ready) -> Value {
    let test = |path: &str, value: Value| json!({ "op": "test", "path": path, "value": value });
    let add = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
    let mut operations = Vec::new();
    if let Some(uid) = &status.uid {
        operations.push(test("/metadata/uid", uid.as_str().into()));
    }
    let Some(Told { ready: was, .. }) = status.before else {
        let mut whole =
            json!({ "conditions": [condition(ready, &time(status.at))], "binding": { "name": "" } });
        for (field, value) in fields(ready, status) {
            whole[field] = value;
        }
        operations.extend([test("/status", Value::Null), add("/status", whole)]);
        return operations.into();
    };
    operations.push(test(&format!("{READY}/type"), "Ready".into()));
    operations.push(test(&format!("{READY}/status"), word(was).into()));
    if was == ready.is_ready {
        operations.push(add(&format!("{READY}/reason"), ready.reason.into()));
        operations.push(add(&format!("{READY}/message"), ready.message.as_str().into()));
    } else {
        operations
            .push(json!({ "op": "replace", "path": READY, "value": condition(ready, &time(status.at)) }));
    }
    operations.extend(fields(ready, status).map(|(field, value)| add(&format!("/status/{field}"), value)));
    operations.into()
}

/// The merge patch of a status that was read. A condition keeps its time while its status stays, and others are kept.
fn seeing(found: &Found, ready: &Ready, status: &Status) -> Value {
    let same = found.ready().filter(|old| old["status"] == ready.word());
    let since = same.and_then(|old| old["lastTransitionTime"].as_str());
    let since = since.map_or_else(|| time(status.at), str::to_owned);
    let others = found.conditions().filter(|other| other["type"] != "Ready").cloned();
    let mut patch = json!({ "conditions": others.chain([condition(ready, &since)]).collect::<Vec<_>>() });
    for (field, value) in fields(ready, status) {
        patch[field] = value;
    }
    json!({ "status": patch })
}

/// The fields beside the conditions that this outcome sets; a failure leaves what was last synced, and when.
fn fields(ready: &Ready, status: &Status) -> impl Iterator<Item = (&'static str, Value)> {
    let refreshed = ready.is_ready.then(|| time(status.at).into());
    let synced = status.synced.as_deref().filter(|_| ready.is_ready).map(Value::from);
    let bound = binding(status).map(|name| json!({ "name": name }));
    [("refreshTime", refreshed), ("syncedResourceVersion", synced), ("binding", bound)]
        .into_iter()
        .filter_map(|(field, value)| Some((field, value?)))
}

fn condition(ready: &Ready, since: &str) -> Value {
    json!({
        "type": "Ready",
        "status": ready.word(),
        "reason": ready.reason,
        "message": ready.message,
        "lastTransitionTime": since,
    })
}

/// What is read of an ExternalSecret before its status is written.
#[derive(Deserialize)]
pub(crate) struct Found {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) status: Value,
}

impl Found {
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Value> {
        self.status.get("conditions").and_then(Value::as_array).into_iter().flatten()
    }

    pub(crate) fn ready(&self) -> Option<&Value> {
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

fn external_secret<'a>(resource: &'a Resource<'a>, verb: Verb, id: &'a DeclarationId) -> Call<'a> {
    Call::new(Step::Record, verb, resource).namespace(id.namespace.as_str()).name(id.name.as_str())
}

/// Whole seconds, as Kubernetes writes times.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests;
