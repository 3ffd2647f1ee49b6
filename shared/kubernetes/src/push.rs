//! PushSecrets that live in a cluster, and the Secrets that are pushed.
//!
//! A status is read before it is written, for what it says of stores is replaced whole; it is written on the condition that
//! nobody else wrote it since. Source of fields, reasons and messages: ESO's controller, version 2.9.

use crate::call::{Body, Call, Reply, SECRETS, Verb, sealed};
use crate::connect::Link;
use crate::eso::EsoKind;
use crate::list;
use crate::status::event::{self, About, COMPONENT, Note};
use crate::status::ready::word;
use crate::status::time;
use crate::wire::{Metadata, Secret};
use pawl_domain::push::{ByNameOrLabels, PushData};
use pawl_domain::store::{LabelOperator, LabelSelector};
use pawl_domain::{DeclarationId, Kind, Namespace, PushSecret, RemoteEntry, SourceSecret, Step, StoreId};
use pawl_ports::{ClusterIdentity, Error, PushStatus, PushVerdict};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const JSON_PATCH: &str = "application/json-patch+json";
/// ESO's finalizer of PushSecrets whose entries are removed with them.
const FINALIZER: &str = "pushsecret.externalsecrets.io/finalizer";
/// How often a write is begun again when somebody else writes in between.
const ATTEMPTS: u32 = 4;

/// The Secrets of a namespace that are chosen, in the order of their names.
pub(crate) async fn sources<I: ClusterIdentity>(
    link: &Link<I>,
    namespace: &Namespace,
    choice: &ByNameOrLabels,
) -> Result<Vec<SourceSecret>, Error> {
    let mut found = match choice {
        ByNameOrLabels::Name(name) => {
            let call =
                Call::new(Step::Read, Verb::Get, &SECRETS).namespace(namespace.as_str()).name(name.as_str());
            match link.send(&call).await? {
                Reply::Refused(refusal) if refusal.says_absent(SECRETS.plural) => Vec::new(),
                // What was pushed may be removed with its source, so nobody else's word is taken for that.
                Reply::Refused(refusal) if refusal.code == 404 => {
                    let what =
                        "it is not the API server that says it does not exist; see what stands before it";
                    let message = format!("{}: {what}", call.subject(link.name()));
                    return Err(Error::new(call.step, Kind::Transient, message));
                }
                reply => {
                    let secret: Secret = reply.or_fail(&call, link.name())?.read(&call, link.name())?;
                    secret.into_source().into_iter().collect()
                }
            }
        }
        ByNameOrLabels::Labels(selector) => {
            let text = written(selector);
            let call = || {
                let call = Call::new(Step::Read, Verb::List, &SECRETS).namespace(namespace.as_str());
                if text.is_empty() { call } else { call.query("labelSelector", &text) }
            };
            let found = list::all(link, call, Secret::into_source).await?;
            found.into_iter().flatten().collect::<Vec<_>>()
        }
    };
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// A selector in the words of the API.
fn written(selector: &LabelSelector) -> String {
    let joined =
        |values: &std::collections::BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
    let equal = selector.labels.iter().map(|(key, value)| format!("{key}={value}"));
    let others = selector.expressions.iter().map(|one| match &one.operator {
        LabelOperator::In(values) => format!("{} in ({})", one.key, joined(values)),
        LabelOperator::NotIn(values) => format!("{} notin ({})", one.key, joined(values)),
        LabelOperator::Exists => one.key.clone(),
        LabelOperator::DoesNotExist => format!("!{}", one.key),
    });
    equal.chain(others).collect::<Vec<_>>().join(",")
}

/// What is read of a PushSecret.
#[derive(Deserialize)]
struct Found {
    metadata: Metadata,
    #[serde(default)]
    status: Value,
}

/// The PushSecret, unless it is gone or another one of the same name.
async fn find<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    uid: Option<&String>,
    step: Step,
) -> Result<Option<Found>, Error> {
    let resource = EsoKind::PushSecret.resource(0);
    let call = Call::new(step, Verb::Get, &resource).namespace(id.namespace.as_str()).name(id.name.as_str());
    let read = |body: Body| body.read::<Found>(&call, link.name());
    let found = link.send(&call).await?.or_missing(&call, link.name())?.map(read).transpose()?;
    Ok(found.filter(|found| uid.is_none_or(|uid| *uid == found.metadata.uid)))
}

pub(crate) async fn finalize<I: ClusterIdentity>(
    link: &Link<I>,
    push: &PushSecret,
    wanted: bool,
) -> Result<Option<Vec<(StoreId, PushData)>>, Error> {
    let resource = EsoKind::PushSecret.resource(0);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let found = find(link, &push.id, push.uid.as_ref(), Step::Write).await?;
        let Some(Found { metadata, status }) = found else { return Ok(None) };
        let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
        let is_there = finalizers.iter().any(|one| one == FINALIZER);
        // No finalizer can be added to what is on its way out.
        if is_there == wanted || wanted && metadata.deletion_timestamp.is_some() {
            return Ok(Some(standing(&status, push)));
        }
        finalizers.retain(|one| one != FINALIZER);
        if wanted {
            finalizers.push(FINALIZER.to_owned());
        }
        let patch = json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version },
            { "op": "add", "path": "/metadata/finalizers", "value": finalizers },
        ]);
        let call = Call::new(Step::Write, Verb::Patch, &resource)
            .namespace(push.id.namespace.as_str())
            .name(push.id.name.as_str())
            .query("fieldManager", COMPONENT)
            .metadata_only()
            .body(JSON_PATCH, sealed(&patch, 1024));
        match link.send(&call).await? {
            reply if attempt < ATTEMPTS && is_overtaken(&reply) => {}
            reply => {
                let done = reply.or_missing(&call, link.name())?;
                return Ok(done.map(|_| standing(&status, push)));
            }
        }
    }
}

/// Whether somebody else wrote since the read.
fn is_overtaken(reply: &Reply) -> bool {
    matches!(reply, Reply::Refused(refusal) if refusal.code == 409 || refusal.is_without_cause())
}

/// What a status says that stands in stores. What cannot be understood is passed over: nobody would remove it.
fn standing(status: &Value, push: &PushSecret) -> Vec<(StoreId, PushData)> {
    let stores = status.get("syncedPushSecrets").and_then(Value::as_object);
    let of_store = |(store, entries): (&String, &Value)| {
        let (kind, name) = store.split_once('/')?;
        let namespace = (kind == "SecretStore").then(|| push.id.namespace.clone());
        let id = StoreId { home: push.home.clone(), namespace, name: name.parse().ok()?, generator: None };
        let entries = entries.as_object()?.values().filter_map(entry);
        Some(entries.map(|data| (id.clone(), data)).collect::<Vec<_>>())
    };
    stores.into_iter().flatten().filter_map(of_store).flatten().collect()
}

fn entry(value: &Value) -> Option<PushData> {
    let text = |at: &str| value.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some(PushData {
        secret_key: text("/match/secretKey").map(str::to_owned),
        to: RemoteEntry {
            key: text("/match/remoteRef/remoteKey")?.to_owned(),
            property: text("/match/remoteRef/property").map(str::to_owned),
        },
        metadata: value.get("metadata").filter(|metadata| !metadata.is_null()).cloned(),
        reverses_unicode: text("/conversionStrategy") == Some("ReverseUnicode"),
    })
}

pub(crate) async fn publish<I: ClusterIdentity>(
    link: &Link<I>,
    id: &DeclarationId,
    status: &PushStatus,
) -> Result<(), Error> {
    let resource = EsoKind::PushSecret.resource(0);
    let mut attempt = 0;
    let metadata = loop {
        attempt += 1;
        // Whoever deleted it in between wants to hear nothing more.
        let found = find(link, id, status.uid.as_ref(), Step::Record).await?;
        let Some(Found { metadata, status: was }) = found else { return Ok(()) };
        let patch = json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version },
            { "op": "add", "path": "/status", "value": whole(status, &was) },
        ]);
        let call = Call::new(Step::Record, Verb::Patch, &resource)
            .namespace(id.namespace.as_str())
            .name(id.name.as_str())
            .subresource("status")
            .query("fieldManager", COMPONENT)
            .metadata_only()
            .body(JSON_PATCH, sealed(&patch, 4096));
        match link.send(&call).await? {
            reply if attempt < ATTEMPTS && is_overtaken(&reply) => {}
            reply => {
                if reply.or_missing(&call, link.name())?.is_none() {
                    return Ok(());
                }
                break metadata;
            }
        }
    };
    let about = About {
        api_version: EsoKind::PushSecret.api_version(0),
        kind: resource.kind,
        namespace: Some(id.namespace.as_str()),
        name: id.name.as_str(),
        uid: &metadata.uid,
        resource_version: &metadata.resource_version,
    };
    let again = status.before.as_ref() == Some(&status.told());
    let note = match &status.outcome {
        PushVerdict::Failed(failure) => {
            let warning = Note::warning(status.outcome.reason(), status.message());
            Note { count: failure.attempts.max(1), ..warning }
        }
        PushVerdict::Synced | PushVerdict::SourceDeleted => {
            Note::normal(status.outcome.reason(), status.message())
        }
    };
    event::record(link, &about, &note, status.at, again).await
}

/// The whole status. A failure leaves what was synced last, and when; a condition keeps its time while its status stays.
fn whole(status: &PushStatus, was: &Value) -> Value {
    let ready = status.outcome.is_ready();
    let conditions = was.get("conditions").and_then(Value::as_array);
    let before = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let since = before.filter(|before| before["status"] == word(ready));
    let since = since.and_then(|before| before["lastTransitionTime"].as_str());
    let mut stores: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for (store, data) in &status.entries {
        let kind = store.kind();
        stores.entry(format!("{kind}/{}", store.name)).or_default().insert(data.to.to_string(), told(data));
    }
    let mut whole = json!({
        "conditions": [{
            "type": "Ready",
            "status": word(ready),
            "reason": status.outcome.reason(),
            "message": status.message(),
            "lastTransitionTime": since.map_or_else(|| time(status.at), str::to_owned),
        }],
        "syncedPushSecrets": stores,
    });
    let kept = |field: &str| was.get(field).filter(|value| !value.is_null()).cloned();
    let refreshed = if ready { Some(time(status.at).into()) } else { kept("refreshTime") };
    let synced = status.synced.as_deref().filter(|_| ready).map(Value::from);
    for (field, value) in [
        ("refreshTime", Some(refreshed.unwrap_or(Value::Null))),
        ("syncedResourceVersion", synced.or_else(|| kept("syncedResourceVersion"))),
    ] {
        if let Some(value) = value {
            whole[field] = value;
        }
    }
    whole
}

/// An entry as ESO writes it, `PushSecretData`.
fn told(data: &PushData) -> Value {
    let mut remote = json!({ "remoteKey": data.to.key });
    if let Some(property) = &data.to.property {
        remote["property"] = property.as_str().into();
    }
    let mut matched = json!({ "remoteRef": remote });
    if let Some(key) = &data.secret_key {
        matched["secretKey"] = key.as_str().into();
    }
    let conversion = if data.reverses_unicode { "ReverseUnicode" } else { "None" };
    let mut told = json!({ "match": matched, "conversionStrategy": conversion });
    if let Some(metadata) = &data.metadata {
        told["metadata"] = metadata.clone();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::store::LabelRequirement;
    use pawl_domain::{Failure, Home};

    fn data(key: &str, property: Option<&str>) -> PushData {
        PushData {
            secret_key: Some("user".to_owned()),
            to: RemoteEntry { key: key.to_owned(), property: property.map(str::to_owned) },
            metadata: Some(json!({ "a": 1 })),
            reverses_unicode: true,
        }
    }

    fn status(outcome: PushVerdict) -> PushStatus {
        let store = |namespace: Option<&str>| StoreId {
            home: Home::Cluster("blue".parse().unwrap()),
            namespace: namespace.map(|name| name.parse().unwrap()),
            name: "aws".parse().unwrap(),
            generator: None,
        };
        PushStatus {
            at: "2026-11-30T05:00:00.5Z".parse().unwrap(),
            uid: Some("u".to_owned()),
            synced: Some("2-abc".to_owned()),
            entries: vec![
                (store(None), data("app/a", None)),
                (store(Some("shop")), data("app/b", Some("p"))),
            ],
            outcome,
            keeps_existing: true,
            before: None,
        }
    }

    #[test]
    fn a_status_is_esos_and_is_read_back() {
        let told = whole(&status(PushVerdict::Synced), &Value::Null);
        assert_eq!(
            told,
            json!({
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "Synced",
                    "message": "PushSecret synced successfully. Existing secrets in providers unchanged.",
                    "lastTransitionTime": "2026-11-30T05:00:00Z",
                }],
                "refreshTime": "2026-11-30T05:00:00Z",
                "syncedResourceVersion": "2-abc",
                "syncedPushSecrets": {
                    "ClusterSecretStore/aws": { "app/a": {
                        "match": { "secretKey": "user", "remoteRef": { "remoteKey": "app/a" } },
                        "metadata": { "a": 1 }, "conversionStrategy": "ReverseUnicode",
                    } },
                    "SecretStore/aws": { "app/b/p": {
                        "match": { "secretKey": "user", "remoteRef": { "remoteKey": "app/b", "property": "p" } },
                        "metadata": { "a": 1 }, "conversionStrategy": "ReverseUnicode",
                    } },
                },
            })
        );
        let push = pawl_manifests::from_object(
            json!({
                "apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret",
                "metadata": { "name": "push", "namespace": "shop" },
                "spec": {
                    "secretStoreRefs": [{ "name": "aws" }], "selector": { "secret": { "name": "src" } },
                    "data": [],
                },
            }),
            "cluster blue",
            &pawl_manifests::ParseOptions::new(Home::Cluster("blue".parse().unwrap())),
        );
        assert_eq!(standing(&told, &push.pushes[0]), status(PushVerdict::Synced).entries);
        for strange in
            [json!({ "syncedPushSecrets": { "aws": {} } }), json!({ "syncedPushSecrets": 7 }), Value::Null]
        {
            assert_eq!(standing(&strange, &push.pushes[0]), []);
        }
    }

    #[test]
    fn a_failure_leaves_what_was_synced_last() {
        let was = whole(&status(PushVerdict::Synced), &Value::Null);
        let failure = Failure {
            step: Step::Push,
            kind: Kind::Denied,
            message: "set secret failed: no".to_owned(),
            complaint: pawl_domain::Complaint::of(Step::Push),
            attempts: 1,
        };
        let later = PushStatus {
            at: "2026-11-30T06:00:00Z".parse().unwrap(),
            synced: Some("3-abc".to_owned()),
            ..status(PushVerdict::Failed(failure))
        };
        let told = whole(&later, &was);
        assert_eq!(told["refreshTime"], "2026-11-30T05:00:00Z");
        assert_eq!(told["syncedResourceVersion"], "2-abc");
        assert_eq!(told["conditions"][0]["status"], "False");
        assert_eq!(told["conditions"][0]["message"], "set secret failed: no");
        assert_eq!(told["conditions"][0]["lastTransitionTime"], "2026-11-30T06:00:00Z");
        let again = whole(&PushStatus { at: "2026-11-30T07:00:00Z".parse().unwrap(), ..later }, &told);
        assert_eq!(again["conditions"][0]["lastTransitionTime"], "2026-11-30T06:00:00Z");
    }

    #[test]
    fn selectors_are_written_for_the_api() {
        let one = |key: &str, operator| LabelRequirement { key: key.to_owned(), operator };
        let values = || ["a".to_owned(), "b".to_owned()].into();
        let selector = LabelSelector {
            labels: [("team".to_owned(), "shop".to_owned())].into(),
            expressions: vec![
                one("x", LabelOperator::In(values())),
                one("y", LabelOperator::NotIn(values())),
                one("z", LabelOperator::Exists),
                one("w", LabelOperator::DoesNotExist),
            ],
        };
        assert_eq!(written(&selector), "team=shop,x in (a,b),y notin (a,b),z,!w");
        assert_eq!(written(&LabelSelector::default()), "");
    }
}
