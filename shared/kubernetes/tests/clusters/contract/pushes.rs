//! PushSecrets that live in the cluster, and the Secrets that they push.

use crate::pawl::{CANARY, blue, cluster, id, name, now, options, with_options};
use crate::server::Server;
use jiff::SignedDuration;
use pawl_domain::push::{ByNameOrLabels, PushData};
use pawl_domain::store::LabelSelector;
use pawl_domain::{Failure, Kind, Namespace, PushSecret, RemoteEntry, Step, StoreId};
use pawl_kubernetes::Options;
use pawl_ports::{Clusters, Declared, PushStatus, PushVerdict, Sighting, Watches};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;

const ALPHA: &str = "/apis/external-secrets.io/v1alpha1";
const FINALIZER: &str = "pushsecret.externalsecrets.io/finalizer";

fn pawl(server: &Server) -> crate::pawl::Pawl {
    with_options(server, &server.pawl, Options { pushes: true, ..options() })
}

fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1alpha1",
        "kind": "PushSecret",
        "metadata": { "name": name, "finalizers": ["somebody.else/finalizer"] },
        "spec": {
            "deletionPolicy": "Delete",
            "secretStoreRefs": [{ "name": "aws" }],
            "selector": { "secret": { "name": "src" } },
            "data": [{ "match": { "secretKey": "a", "remoteRef": { "remoteKey": "k" } } }],
        },
    })
}

async fn declared(server: &Server, namespace: &str) -> PushSecret {
    let found = pawl(server).manifests(&cluster(server)).await.unwrap();
    let here = found.pushes.into_iter().filter(|push| push.id.namespace.as_str() == namespace);
    let [push] = <[PushSecret; 1]>::try_from(here.collect::<Vec<_>>()).unwrap();
    push
}

pub(crate) async fn are_read_where_they_are_carried_out(server: &Server) {
    server.namespace("pushes-read").await;
    let made = server.create(&format!("{ALPHA}/namespaces/pushes-read/pushsecrets"), manifest("push")).await;
    let push = declared(server, "pushes-read").await;
    assert_eq!(push.id, id("pushes-read", "push"));
    assert_eq!(push.uid.as_deref(), made["metadata"]["uid"].as_str());
    let found = crate::pawl::pawl(server, &server.pawl).manifests(&cluster(server)).await.unwrap();
    assert!(found.pushes.is_empty(), "where they are not, nobody asks for them");
}

pub(crate) async fn get_and_lose_the_finalizer(server: &Server) {
    server.namespace("pushes-final").await;
    let one = format!("{ALPHA}/namespaces/pushes-final/pushsecrets/push");
    server.create(&format!("{ALPHA}/namespaces/pushes-final/pushsecrets"), manifest("push")).await;
    let push = declared(server, "pushes-final").await;
    let pawl = pawl(server);
    let finalizers = async || server.get(&one).await["metadata"]["finalizers"].clone();
    for wanted in [true, true, false, false, true] {
        assert_eq!(pawl.finalize_push(&push, wanted).await.unwrap(), Some(Vec::new()));
        let others = json!(["somebody.else/finalizer"]);
        let all = json!(["somebody.else/finalizer", FINALIZER]);
        assert_eq!(finalizers().await, if wanted { all } else { others }, "others stay");
    }
    let another = PushSecret { uid: Some("another".to_owned()), ..push.clone() };
    assert_eq!(pawl.finalize_push(&another, false).await.unwrap(), None, "another one of the same name");
    server.delete(&one).await;
    assert_eq!(
        pawl.finalize_push(&push, true).await.unwrap(),
        Some(Vec::new()),
        "it waits for its finalizers"
    );
    server.merge(&one, json!({ "metadata": { "finalizers": [FINALIZER] } })).await;
    assert!(declared(server, "pushes-final").await.deleting);
    assert_eq!(pawl.finalize_push(&push, false).await.unwrap(), Some(Vec::new()));
    assert_eq!(pawl.finalize_push(&push, false).await.unwrap(), None, "it is gone");
}

pub(crate) async fn are_told_how_they_fare(server: &Server) {
    server.namespace("pushes-told").await;
    let one = format!("{ALPHA}/namespaces/pushes-told/pushsecrets/push");
    server.create(&format!("{ALPHA}/namespaces/pushes-told/pushsecrets"), manifest("push")).await;
    let push = declared(server, "pushes-told").await;
    let pawl = pawl(server);
    let store = |name: &str| StoreId {
        home: push.home.clone(),
        namespace: Some(push.id.namespace.clone()),
        name: crate::pawl::name(name),
        generator: None,
    };
    let entry = |key: &str| PushData {
        secret_key: Some("a".to_owned()),
        to: RemoteEntry { key: key.to_owned(), property: None },
        metadata: None,
        reverses_unicode: false,
    };
    let status = |seconds: i64, entries: Vec<(StoreId, PushData)>, outcome| PushStatus {
        at: now() + SignedDuration::from_secs(seconds),
        uid: push.uid.clone(),
        synced: push.synced.clone(),
        entries,
        outcome,
        keeps_existing: false,
        before: None,
    };
    let first = status(1, vec![(store("aws"), entry("k")), (store("old"), entry("x"))], PushVerdict::Synced);
    pawl.publish_push(&push.id, &first).await.unwrap();
    let read = pawl.finalize_push(&push, false).await.unwrap();
    assert_eq!(read, Some(first.entries.clone()), "what the status says that stands is read back");
    let second = status(2, vec![(store("aws"), entry("k"))], PushVerdict::Synced);
    pawl.publish_push(&push.id, &second).await.unwrap();
    let told = server.get(&one).await["status"].clone();
    assert_eq!(
        told["syncedPushSecrets"].as_object().unwrap().len(),
        1,
        "a store that is not pushed to any more goes"
    );
    assert_eq!(told["refreshTime"], "2026-11-22T05:00:02Z");
    assert_eq!(told["conditions"][0]["lastTransitionTime"], "2026-11-22T05:00:01Z");
    let failure = Failure {
        step: Step::Push,
        kind: Kind::Denied,
        message: "set secret failed: no".to_owned(),
        complaint: pawl_domain::Complaint::of(Step::Push),
        attempts: 1,
    };
    let third = status(3, second.entries.clone(), PushVerdict::Failed(failure));
    for _ in 0..2 {
        pawl.publish_push(&push.id, &third).await.unwrap();
    }
    let told = server.get(&one).await["status"].clone();
    assert_eq!(told["conditions"][0]["reason"], "Errored");
    assert_eq!(told["refreshTime"], "2026-11-22T05:00:02Z", "a failure leaves what was synced last");
    let events = server.get("/api/v1/namespaces/pushes-told/events").await;
    let mut said: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let text = |at: &str| event.pointer(at).and_then(Value::as_str).unwrap().to_owned();
            (text("/involvedObject/kind"), text("/type"), text("/reason"), text("/message"))
        })
        .collect();
    said.sort();
    let event = |severity: &str, reason: &str, message: &str| {
        ("PushSecret".to_owned(), severity.to_owned(), reason.to_owned(), message.to_owned())
    };
    let synced = event("Normal", "Synced", "PushSecret synced successfully");
    assert_eq!(said, [synced.clone(), synced, event("Warning", "Errored", "set secret failed: no")]);
    let gone = PushStatus { uid: Some("another".to_owned()), ..first };
    pawl.publish_push(&push.id, &gone).await.unwrap();
    assert_eq!(server.get(&one).await["status"], told, "another one of the same name is not told");
}

pub(crate) async fn push_secrets_by_name_and_by_label(server: &Server) {
    server.namespace("pushes-from").await;
    let pawl = pawl(server);
    let namespace: Namespace = "pushes-from".parse().unwrap();
    let secrets = "/api/v1/namespaces/pushes-from/secrets";
    for (secret, label) in [("b", "yes"), ("a", "yes"), ("c", "no")] {
        let annotations = json!({ "x": "y", "kubectl.kubernetes.io/last-applied-configuration": CANARY });
        let metadata = json!({ "name": secret, "labels": { "push": label }, "annotations": annotations });
        let object = json!({ "metadata": metadata, "type": "Opaque", "stringData": { "key": CANARY } });
        server.create(secrets, object).await;
    }
    let labels = |value: &str| {
        let labels = [("push".to_owned(), value.to_owned())].into();
        ByNameOrLabels::Labels(LabelSelector { labels, expressions: Vec::new() })
    };
    let names = async |choice: ByNameOrLabels| {
        let found = pawl.push_sources(&blue(), &namespace, &choice).await.unwrap();
        assert!(!format!("{found:?}").contains(CANARY), "values show nowhere");
        found.into_iter().map(|source| source.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(labels("yes")).await, ["a", "b"]);
    assert_eq!(names(labels("never")).await, Vec::<String>::new());
    assert_eq!(names(ByNameOrLabels::Name(name("c"))).await, ["c"]);
    assert_eq!(names(ByNameOrLabels::Name(name("d"))).await, Vec::<String>::new(), "none is no failure");
    let found = pawl.push_sources(&blue(), &namespace, &ByNameOrLabels::Name(name("c"))).await.unwrap();
    assert_eq!(found[0].data["key"].expose_str(), Some(CANARY));
    assert_eq!(found[0].kind, "Opaque");
    let annotations = [("x".to_owned(), "y".to_owned())].into();
    assert_eq!(found[0].annotations, annotations, "without kubectl's copy of the data");
    let weak = with_options(server, &server.weak, options());
    let denied = weak.push_sources(&blue(), &namespace, &labels("yes")).await.unwrap_err();
    assert_eq!(denied.kind, Kind::Denied, "a lost right is no empty list");
}

pub(crate) async fn and_their_sources_are_watched(server: &Server) {
    server.namespace("pushes-watched").await;
    let (tell, mut told) = mpsc::channel(256);
    let (pawl, blue) = (pawl(server), cluster(server));
    let task = tokio::spawn(async move { pawl.watch(&blue, &tell).await });
    let mut next = async |wanted: &dyn Fn(&Sighting) -> bool| loop {
        let sighting = tokio::time::timeout(Duration::from_secs(20), told.recv()).await.unwrap().unwrap();
        if wanted(&sighting) {
            break sighting;
        }
    };
    let mut begun = 0;
    // Four kinds of ESO's, managed Secrets, all Secrets.
    while begun < 6 {
        next(&|one| matches!(one, Sighting::Declarations | Sighting::Targets | Sighting::Sources)).await;
        begun += 1;
    }
    server.create(&format!("{ALPHA}/namespaces/pushes-watched/pushsecrets"), manifest("push")).await;
    let of = |at: &Namespace| at.as_str() == "pushes-watched";
    let seen = next(&|one| matches!(one, Sighting::Standing(Declared::PushSecret(at, _), _) if of(at))).await;
    assert!(matches!(seen, Sighting::Standing(_, manifests) if manifests.pushes.len() == 1));
    let secrets = "/api/v1/namespaces/pushes-watched/secrets";
    server.create(secrets, json!({ "metadata": { "name": "src" }, "stringData": { "a": "1" } })).await;
    next(&|one| matches!(one, Sighting::Source(at, name, _) if of(at) && name.as_str() == "src")).await;
    server.merge(&format!("{secrets}/src"), json!({ "data": { "a": "Mg==" } })).await;
    next(&|one| matches!(one, Sighting::Source(at, name, _) if of(at) && name.as_str() == "src")).await;
    server.delete(&format!("{secrets}/src")).await;
    next(&|one| matches!(one, Sighting::Source(at, name, _) if of(at) && name.as_str() == "src")).await;
    let one = format!("{ALPHA}/namespaces/pushes-watched/pushsecrets/push");
    server.merge(&one, json!({ "metadata": { "finalizers": null } })).await;
    server.delete(&one).await;
    next(&|one| matches!(one, Sighting::Gone(Declared::PushSecret(at, _)) if of(at))).await;
    task.abort();
}
