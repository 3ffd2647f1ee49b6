//! Reads targets, and writes and deletes them conditionally.
//!
//! Writes are a POST or a JSON patch that carries the version it was decided on; there is never a write that would go
//! over somebody else's. Answers to writes bring metadata only.

use crate::call::{CONFIG_MAPS, Call, Reply, Resource, SECRETS, Verb, sealed};
use crate::connect::Link;
use crate::kinds::{Served, served};
use crate::refusal::Refusal;
use crate::wire::{self, AnyObject, ConfigMap, NewObject, NewSecret, Object, Operation, Secret};
use hyper::body::Bytes;
use pawl_domain::hash::created_by;
use pawl_domain::reconcile::{
    Action, CREATED_BY_LABEL, Desired, Existing, MANAGED_LABEL, Replacement, field_manager,
};
use pawl_domain::{DeclarationId, Kind, Namespace, ObjectName, SecretValue, Step};
use pawl_ports::{ClusterIdentity, Error, TargetRef, TemplateKind};
use serde_json::json;
use std::collections::BTreeMap;

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";

pub(crate) async fn read<I: ClusterIdentity>(
    link: &Link<I>,
    target: TargetRef<'_>,
) -> Result<Option<Existing>, Error> {
    let served = served(link, Step::Read, target.kind).await?;
    let resource = served.resource();
    let call = call(&resource, Step::Read, Verb::Get, target);
    let Some(body) = link.send(&call).await?.or_missing(&call, link.name())? else { return Ok(None) };
    Ok(Some(match served {
        Served::Secret => {
            let manager = field_manager(target.of.name.as_str());
            body.read::<Secret>(&call, link.name())?.into_existing(&manager)
        }
        Served::Other(_) => body.read::<AnyObject>(&call, link.name())?.into_existing(),
    }))
}

/// The data of the object that holds a declaration's templates.
pub(crate) async fn template_source<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    kind: TemplateKind,
    name: &ObjectName,
) -> Result<BTreeMap<String, SecretValue>, Error> {
    let resource = match kind {
        TemplateKind::ConfigMap => &CONFIG_MAPS,
        TemplateKind::Secret => &SECRETS,
    };
    let call =
        Call::new(Step::Render, Verb::Get, resource).namespace(id.namespace.as_str()).name(name.as_str());
    let body = link.send(&call).await?.or_fail(&call, link.name())?;
    if kind == TemplateKind::Secret {
        return body.read::<Secret>(&call, link.name()).map(Secret::into_data);
    }
    let found: ConfigMap = body.read(&call, link.name())?;
    let texts = found.data.unwrap_or_default().into_iter();
    Ok(texts.map(|(key, text)| (key, SecretValue::new(text))).collect())
}

pub(crate) async fn apply<I: ClusterIdentity>(
    link: &Link<I>,
    target: TargetRef<'_>,
    action: &Action,
) -> Result<Option<String>, Error> {
    let served = served(link, Step::Write, target.kind).await?;
    let resource = served.resource();
    match action {
        Action::Create(desired) => {
            let creation = Call::new(Step::Write, Verb::Create, &resource)
                .namespace(target.of.namespace.as_str())
                .query("fieldManager", &field_manager(target.of.name.as_str()))
                .metadata_only()
                .body(JSON, created(target, desired));
            let reply = link.send(&creation).await?;
            // The path of a creation has no name in it, but people want to read one.
            version(link, &call(&resource, Step::Write, Verb::Create, target), reply).map(Some)
        }
        Action::Update { resource_version, desired, parts } => {
            let operations = wire::update(resource_version, desired, *parts);
            let call = patch(&resource, target, &operations, room(desired));
            let reply = link.send(&call).await?;
            version(link, &call, gone_is_conflict(reply, false)).map(Some)
        }
        Action::Delete { uid, resource_version } => {
            delete(link, &resource, target, uid, resource_version).await.map(|()| None)
        }
        Action::Leave => Ok(None),
    }
}

pub(crate) async fn replace<I: ClusterIdentity>(
    link: &Link<I>,
    secret: TargetRef<'_>,
    resource_version: &str,
    replacement: &Replacement,
) -> Result<String, Error> {
    let operations = wire::replacement(resource_version, replacement);
    let room = wire::room(&replacement.data, &[&replacement.labels, &replacement.annotations]);
    let call = patch(&SECRETS, secret, &operations, room);
    let reply = link.send(&call).await?;
    version(link, &call, gone_is_conflict(reply, true))
}

pub(crate) async fn delete_owned<I: ClusterIdentity>(
    link: &Link<I>,
    target: TargetRef<'_>,
) -> Result<bool, Error> {
    let served = served(link, Step::Read, target.kind).await?;
    let resource = served.resource();
    let owner = created_by(target.of.namespace.as_str(), target.of.name.as_str());
    let mut attempt = 0;
    loop {
        attempt += 1;
        let call = call(&resource, Step::Read, Verb::Get, target).metadata_only();
        let Some(body) = link.send(&call).await?.or_missing(&call, link.name())? else { return Ok(false) };
        let Object { metadata } = body.read(&call, link.name())?;
        if metadata.labels.as_ref().and_then(|labels| labels.get(CREATED_BY_LABEL)) != Some(&owner) {
            return Ok(false);
        }
        match delete(link, &resource, target, &metadata.uid, &metadata.resource_version).await {
            Err(error) if error.kind == Kind::Conflict && attempt < DELETE_ATTEMPTS => {}
            result => return result.map(|()| true),
        }
    }
}

/// How often a deletion starts again from the read when somebody else writes in between.
const DELETE_ATTEMPTS: u32 = 3;

pub(crate) async fn managed<I: ClusterIdentity>(
    link: &Link<I>,
) -> Result<BTreeMap<(Namespace, ObjectName), String>, Error> {
    let selector = format!("{MANAGED_LABEL}=true");
    let mut found = BTreeMap::new();
    for namespace in link.collections() {
        let call = || {
            let list = Call::new(Step::Read, Verb::List, &SECRETS).within(namespace);
            list.query("labelSelector", &selector).metadata_only()
        };
        let secrets = crate::list::all(link, call, |Object { metadata }| {
            let key = (metadata.namespace.parse().ok()?, metadata.name.parse().ok()?);
            Some((key, metadata.resource_version))
        });
        found.extend(secrets.await?.into_iter().flatten());
    }
    Ok(found)
}

/// The object that a creation sends.
fn created(target: TargetRef<'_>, desired: &Desired) -> Bytes {
    let (namespace, name, room) = (target.of.namespace.as_str(), target.name.as_str(), room(desired));
    match target.kind {
        None => sealed(&NewSecret::of(namespace, name, desired), room),
        Some(kind) => sealed(&NewObject::of(kind, namespace, name, desired), room),
    }
}

/// How many bytes a request needs at most, so that its buffer never grows and leaves a copy behind.
fn room(desired: &Desired) -> usize {
    let content = desired.content.as_ref().map_or(0, |content| wire::length(content.expose()));
    wire::room(&desired.data, &[&desired.labels, &desired.annotations]) + content
}

fn call<'a>(resource: &'a Resource<'a>, step: Step, verb: Verb, target: TargetRef<'a>) -> Call<'a> {
    Call::new(step, verb, resource).namespace(target.of.namespace.as_str()).name(target.name.as_str())
}

fn patch<'a>(
    resource: &'a Resource<'a>,
    target: TargetRef<'a>,
    operations: &[Operation<'_>],
    room: usize,
) -> Call<'a> {
    call(resource, Step::Write, Verb::Patch, target)
        .query("fieldManager", &field_manager(target.of.name.as_str()))
        .metadata_only()
        .body(JSON_PATCH, sealed(&operations, room))
}

/// A target that is gone is not what the write was decided on. The same goes for one that the patch does not fit, and
/// for one that somebody froze, where the patch relies on what was there.
fn gone_is_conflict(reply: Reply, unread: bool) -> Reply {
    let unfit = |refusal: &Refusal| refusal.is_without_cause() || refusal.is_of_immutable();
    match reply {
        Reply::Refused(refusal) if refusal.code == 404 || (unread && unfit(&refusal)) => {
            Reply::Refused(Refusal::new(409, b""))
        }
        reply => reply,
    }
}

fn version<I: ClusterIdentity>(link: &Link<I>, call: &Call<'_>, reply: Reply) -> Result<String, Error> {
    let body = reply.or_fail(call, link.name())?;
    let Object { metadata } = body.read(call, link.name())?;
    Ok(metadata.resource_version)
}

async fn delete<I: ClusterIdentity>(
    link: &Link<I>,
    resource: &Resource<'_>,
    target: TargetRef<'_>,
    uid: &str,
    resource_version: &str,
) -> Result<(), Error> {
    let options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": { "uid": uid, "resourceVersion": resource_version },
    });
    let call =
        call(resource, Step::Write, Verb::Delete, target).metadata_only().body(JSON, sealed(&options, 256));
    gone_is_conflict(link.send(&call).await?, false).or_fail(&call, link.name()).map(drop)
}
