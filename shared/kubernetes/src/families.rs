//! ClusterExternalSecrets that stand in a cluster, the namespaces, and the ExternalSecrets that are made of them.

use crate::call::{Call, NAMESPACES, Reply, Verb, sealed};
use crate::connect::Link;
use crate::eso::{EsoKind, VERSIONS, api_version};
use crate::list::{self, Listed};
use crate::refusal::Refusal;
use crate::status::event::COMPONENT;
use crate::wire::{ListedChild, Metadata, NewChild, Object, child_update};
use pawl_domain::spread::{ChildAction, Content, Family, NamespaceState, Namespaces, Parent, Told};
use pawl_domain::{Home, Namespace, ObjectName, Step};
use pawl_ports::{ClusterIdentity, Error, Parents};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

pub(crate) async fn parents<I: ClusterIdentity>(link: &Link<I>) -> Result<Parents, Error> {
    let place = format!("cluster {}", link.name());
    let home = Home::Cluster(link.name().clone());
    let first = link.served();
    for version in (0..VERSIONS).map(|offset| (first + offset) % VERSIONS) {
        let resource = EsoKind::ClusterExternalSecret.resource(version);
        let call = || Call::new(Step::Lookup, Verb::List, &resource);
        let of = |mut object: Value| {
            // Items of a list may leave out what the list says already.
            if let Some(fields) = object.as_object_mut() {
                fields.entry("apiVersion").or_insert_with(|| api_version(version).into());
                fields.entry("kind").or_insert_with(|| resource.kind.into());
            }
            pawl_manifests::parent(&object, &place, &home)
        };
        if let Listed::All(read, _) = list::served(link, call, of).await? {
            link.set_served(version);
            let mut found = Parents::default();
            for (parent, problems) in read {
                found.known.extend(parent);
                found.problems.extend(problems);
            }
            return Ok(found);
        }
    }
    Ok(Parents::default())
}

pub(crate) async fn namespaces<I: ClusterIdentity>(link: &Link<I>) -> Result<Namespaces, Error> {
    let mut found = Namespaces::new();
    for namespace in link.collections() {
        let Some(name) = namespace else {
            let call = || Call::new(Step::Lookup, Verb::List, &NAMESPACES).metadata_only();
            let all = list::all(link, call, |Object { metadata }| of_namespace(metadata)).await?;
            return Ok(all.into_iter().flatten().collect());
        };
        let call = Call::new(Step::Lookup, Verb::Get, &NAMESPACES).name(name).metadata_only();
        if let Some(body) = link.send(&call).await?.or_missing(&call, link.name())? {
            let Object { metadata } = body.read(&call, link.name())?;
            found.extend(of_namespace(metadata));
        }
    }
    Ok(found)
}

fn of_namespace(metadata: Metadata) -> Option<(Namespace, NamespaceState)> {
    let deleting = metadata.is_being_deleted();
    Some((
        metadata.name.parse().ok()?,
        NamespaceState { labels: metadata.labels.unwrap_or_default(), deleting },
    ))
}

/// The server looks for the name, so that what travels is one ExternalSecret for each namespace at most.
pub(crate) async fn family<I: ClusterIdentity>(link: &Link<I>, child: &ObjectName) -> Result<Family, Error> {
    let resource = EsoKind::ExternalSecret.resource(link.served());
    let selector = format!("metadata.name={child}");
    let mut found = Family::new();
    for namespace in link.collections() {
        let call = || {
            let list = Call::new(Step::Lookup, Verb::List, &resource).within(namespace);
            list.query("fieldSelector", &selector)
        };
        let children = list::all(link, call, ListedChild::into_child).await?;
        found.extend(children.into_iter().flatten());
    }
    Ok(found)
}

pub(crate) async fn act<I: ClusterIdentity>(
    link: &Link<I>,
    at @ (namespace, name): (&Namespace, &ObjectName),
    action: &ChildAction,
    content: &Content,
) -> Result<(), Error> {
    let resource = EsoKind::ExternalSecret.resource(link.served());
    let call = |verb| {
        let call = Call::new(Step::Write, verb, &resource).namespace(namespace.as_str());
        call.query("fieldManager", COMPONENT).metadata_only()
    };
    match action {
        ChildAction::Create(owners) => {
            let child = NewChild::of(api_version(link.served()), at, content, owners);
            let creation = call(Verb::Create).body(JSON, sealed(&child, ROOM));
            // The path of a creation has no name in it, but people want to read one.
            link.send(&creation).await?.or_fail(&call(Verb::Create).name(name.as_str()), link.name())?;
        }
        ChildAction::Update { resource_version, owners } => {
            let patch = child_update(resource_version, content, owners);
            let call = call(Verb::Patch).name(name.as_str()).body(JSON_PATCH, sealed(&patch, ROOM));
            gone_is_conflict(link.send(&call).await?).or_fail(&call, link.name())?;
        }
        ChildAction::Delete { uid, resource_version } => {
            let options = json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": { "uid": uid, "resourceVersion": resource_version },
            });
            let call = call(Verb::Delete).name(name.as_str()).body(JSON, sealed(&options, 256));
            link.send(&call).await?.or_missing(&call, link.name())?;
        }
    }
    Ok(())
}

/// Room for the JSON of an ExternalSecret, so that few buffers grow. It holds no value.
const ROOM: usize = 4096;

/// One that is gone is not what the write was decided on.
fn gone_is_conflict(reply: Reply) -> Reply {
    match reply {
        Reply::Refused(refusal) if refusal.code == 404 => Reply::Refused(Refusal::new(409, b"")),
        reply => reply,
    }
}

pub(crate) async fn tell<I: ClusterIdentity>(
    link: &Link<I>,
    parent: &ObjectName,
    told: &Told,
) -> Result<(), Error> {
    let resource = EsoKind::ClusterExternalSecret.resource(link.served());
    let call = Call::new(Step::Record, Verb::Patch, &resource)
        .name(parent.as_str())
        .subresource("status")
        .query("fieldManager", COMPONENT)
        .metadata_only()
        .body(MERGE_PATCH, sealed(&status(told), ROOM));
    // Whoever deleted it in between wants to hear nothing more.
    link.send(&call).await?.or_missing(&call, link.name()).map(drop)
}

/// The status as a merge patch. Source of the fields: ESO, whose condition has neither a reason nor a time.
fn status(told: &Told) -> Value {
    let failure =
        |(namespace, reason): (&String, &String)| json!({ "namespace": namespace, "reason": reason });
    let failed: Vec<Value> = told.failed.iter().map(failure).collect();
    let provisioned: Vec<&str> = told.provisioned.iter().map(Namespace::as_str).collect();
    let listed = |list: Value| if list.as_array().is_some_and(Vec::is_empty) { Value::Null } else { list };
    let condition = |ready| match ready {
        true => json!({ "type": "Ready", "status": "True" }),
        false => json!({ "type": "Ready", "status": "False", "message": "one or more namespaces failed" }),
    };
    json!({ "status": {
        "conditions": told.ready.map(|ready| [condition(ready)]),
        "externalSecretName": told.child.as_ref().map(ObjectName::as_str),
        "failedNamespaces": listed(failed.into()),
        "provisionedNamespaces": listed(provisioned.into()),
    } })
}

pub(crate) async fn release<I: ClusterIdentity>(
    link: &Link<I>,
    parent: &Parent,
    finalizers: &[String],
) -> Result<(), Error> {
    let resource = EsoKind::ClusterExternalSecret.resource(link.served());
    let patch = json!([
        { "op": "add", "path": "/metadata/resourceVersion", "value": parent.resource_version },
        { "op": "add", "path": "/metadata/finalizers", "value": finalizers },
    ]);
    let call = Call::new(Step::Write, Verb::Patch, &resource)
        .name(parent.name.as_str())
        .query("fieldManager", COMPONENT)
        .metadata_only()
        .body(JSON_PATCH, sealed(&patch, 1024));
    link.send(&call).await?.or_missing(&call, link.name()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_in_the_words_of_eso() {
        let name: ObjectName = "db".parse().unwrap();
        let told = Told::of(&name, ["a", "b"].map(|it| it.parse().unwrap()).into(), [].into());
        assert_eq!(
            status(&told),
            json!({ "status": {
                "conditions": [{ "type": "Ready", "status": "True" }],
                "externalSecretName": "db",
                "failedNamespaces": null,
                "provisionedNamespaces": ["a", "b"],
            } })
        );
        let told = Told::of(&name, [].into(), [("c".to_owned(), "why".to_owned())].into());
        assert_eq!(
            status(&told),
            json!({ "status": {
                "conditions": [{ "type": "Ready", "status": "False", "message": "one or more namespaces failed" }],
                "externalSecretName": "db",
                "failedNamespaces": [{ "namespace": "c", "reason": "why" }],
                "provisionedNamespaces": null,
            } })
        );
    }
}
