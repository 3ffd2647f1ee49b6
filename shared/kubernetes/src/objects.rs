//! Targets that are no Secrets: how a cluster serves their kind, and reading and writing them as [`crate::secrets`] does.

use crate::call::{Call, Resource, Verb, sealed};
use crate::connect::Link;
use crate::secrets::{self, JSON, call, gone_is_conflict, patch, version};
use crate::wire::{self, AnyObject, NewObject};
use pawl_domain::declaration::Manifest;
use pawl_domain::reconcile::{Action, Desired, Existing, field_manager};
use pawl_domain::{Complaint, DeclarationId, Kind, ObjectName, Step};
use pawl_ports::{ClusterIdentity, Error};
use serde::Deserialize;
use std::sync::Arc;

/// How a cluster serves a kind.
#[derive(Debug)]
pub(crate) struct ServedKind {
    prefix: String,
    plural: String,
    kind: String,
}

impl ServedKind {
    fn resource(&self) -> Resource<'_> {
        Resource { prefix: &self.prefix, plural: &self.plural, kind: &self.kind }
    }
}

pub(crate) async fn read<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    kind: &Manifest,
    target: &ObjectName,
) -> Result<Option<Existing>, Error> {
    let served = served(link, Step::Read, kind).await?;
    let resource = served.resource();
    let call = call(&resource, Step::Read, Verb::Get, id, target);
    let Some(body) = link.send(&call).await?.or_missing(&call, link.name())? else { return Ok(None) };
    body.read::<AnyObject>(&call, link.name()).map(|found| Some(found.into_existing()))
}

pub(crate) async fn apply<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    kind: &Manifest,
    target: &ObjectName,
    action: &Action,
) -> Result<Option<String>, Error> {
    let served = served(link, Step::Write, kind).await?;
    let resource = served.resource();
    match action {
        Action::Create(desired) => {
            let object = NewObject::of(kind, id.namespace.as_str(), target.as_str(), desired);
            let creation = Call::new(Step::Write, Verb::Create, &resource)
                .namespace(id.namespace.as_str())
                .query("fieldManager", &field_manager(id.name.as_str()))
                .metadata_only()
                .body(JSON, sealed(&object, room(desired)));
            let reply = link.send(&creation).await?;
            // The path of a creation has no name in it, but people want to read one.
            version(link, &call(&resource, Step::Write, Verb::Create, id, target), reply).map(Some)
        }
        Action::Update { resource_version, desired, parts } => {
            let operations = wire::update(resource_version, desired, *parts);
            let call = patch(&resource, id, target, &operations, room(desired));
            let reply = link.send(&call).await?;
            version(link, &call, gone_is_conflict(reply, false)).map(Some)
        }
        Action::Delete { uid, resource_version } => {
            secrets::delete(link, &resource, id, target, uid, resource_version).await.map(|()| None)
        }
        Action::Leave => Ok(None),
    }
}

pub(crate) async fn delete_owned<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    kind: &Manifest,
    target: &ObjectName,
) -> Result<bool, Error> {
    let served = served(link, Step::Read, kind).await?;
    secrets::delete_owned(link, &served.resource(), id, target).await
}

/// How many bytes a request needs at most, so that its buffer never grows and leaves a copy behind.
fn room(desired: &Desired) -> usize {
    let content = desired.content.as_ref().map_or(0, |content| wire::length(content.expose()));
    wire::room(&desired.data, &[&desired.labels, &desired.annotations]) + content
}

/// How the cluster serves a kind: asked once, for it does not change while objects of the kind stand.
async fn served<I: ClusterIdentity>(
    link: &Link<I>,
    step: Step,
    kind: &Manifest,
) -> Result<Arc<ServedKind>, Error> {
    if let Some(known) = link.kind(kind) {
        return Ok(known);
    }
    let cluster = link.name();
    let api_version = kind.api_version.as_str();
    // The list of a group's kinds stands where the group's objects do.
    let (prefix, list) = match api_version.split_once('/') {
        Some((group, version)) => (format!("/apis/{group}"), version),
        None => ("/api".to_owned(), api_version),
    };
    let kinds = Resource { prefix: &prefix, plural: list, kind: "kind" };
    let call = Call::new(step, Verb::List, &kinds);
    let found: Kinds = match link.send(&call).await?.or_missing(&call, cluster)? {
        Some(body) => body.read(&call, cluster)?,
        None => Kinds::default(),
    };
    let mut named =
        found.resources.into_iter().filter(|one| one.kind == kind.kind && !one.name.contains('/'));
    let Some(one) = named.next() else {
        let message = format!(
            "target.manifest: cluster {cluster} serves no {kind}; correct it, or install what defines the kind"
        );
        return Err(Error::new(step, Kind::NotFound, message));
    };
    if !one.namespaced {
        let message =
            format!("target.manifest: objects of {kind} do not live in namespaces; use another kind");
        return Err(Error::new(step, Kind::Invalid, message).complaining(Complaint::GenericTarget));
    }
    let prefix = format!("{prefix}/{list}");
    let served = Arc::new(ServedKind { prefix, plural: one.name, kind: kind.kind.clone() });
    link.set_kind(kind, Arc::clone(&served));
    Ok(served)
}

/// The parts of an `APIResourceList` that are looked at.
#[derive(Default, Deserialize)]
struct Kinds {
    #[serde(default)]
    resources: Vec<OneKind>,
}

#[derive(Deserialize)]
struct OneKind {
    name: String,
    kind: String,
    #[serde(default)]
    namespaced: bool,
}
