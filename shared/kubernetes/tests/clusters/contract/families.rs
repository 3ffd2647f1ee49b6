//! ClusterExternalSecrets, namespaces, and the ExternalSecrets that are made of them.

use crate::pawl::{build, cluster, name, options, pawl};
use crate::server::Server;
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::spread::{Child, ChildAction, Content, Parent, Told};
use pawl_domain::{Cluster, Kind, Namespace};
use pawl_kubernetes::Options;
use pawl_ports::{Families, Sighting, Watches};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

const V1: &str = "/apis/external-secrets.io/v1";
const ESO: &str = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";
const LIMIT: Duration = Duration::from_secs(20);

fn parents() -> String {
    format!("{V1}/clusterexternalsecrets")
}

fn object(name: &str, label: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterExternalSecret",
        "metadata": { "name": name },
        "spec": {
            "externalSecretName": "child",
            "externalSecretSpec": { "secretStoreRef": { "name": "aws" }, "refreshInterval": "1h" },
            "namespaceSelectors": [{ "matchLabels": { "tier": label } }],
        },
    })
}

async fn read(server: &Server, name: &str) -> Parent {
    let found = pawl(server, &server.pawl).parents(&cluster(server)).await.unwrap();
    found.known.into_iter().find(|parent| parent.name.as_str() == name).unwrap()
}

async fn child(server: &Server, at: &Namespace) -> Option<Child> {
    pawl(server, &server.pawl).family(&cluster(server), &name("child")).await.unwrap().remove(at)
}

pub(crate) async fn of_cluster_external_secrets_are_read_and_written_as_seen(server: &Server) {
    for namespace in ["family-a", "family-b"] {
        server.namespace(namespace).await;
    }
    let made = server.create(&parents(), object("family", "family-a")).await;
    let mut malformed = object("malformed", "x");
    malformed["spec"]["namespaceSelectors"] = json!("text");
    server.create(&parents(), malformed).await;
    let (pawl, cluster) = (pawl(server, &server.pawl), cluster(server));
    let found = pawl.parents(&cluster).await.unwrap();
    let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "cluster blue: ClusterExternalSecret malformed: spec.namespaceSelectors: expected a list, found text"
        ]
    );
    assert!(read(server, "malformed").await.selection.is_err());
    let parent = read(server, "family").await;
    assert_eq!(
        (parent.uid.as_str(), parent.child.as_str()),
        (made["metadata"]["uid"].as_str().unwrap(), "child")
    );

    let namespaces = pawl.namespaces(&cluster).await.unwrap();
    let (a, b): (Namespace, Namespace) = ("family-a".parse().unwrap(), "family-b".parse().unwrap());
    assert_eq!(namespaces[&a].labels["tier"], "family-a");
    assert!(!namespaces[&b].deleting);

    // Another of the same name elsewhere, and one of another name here.
    for (at, name) in [("family-b", "child"), ("family-a", "other")] {
        let theirs = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": name }, "spec": {},
        });
        server.create(&format!("{V1}/namespaces/{at}/externalsecrets"), theirs).await;
    }
    let family = pawl.family(&cluster, &parent.child).await.unwrap();
    assert_eq!(family.keys().collect::<Vec<_>>(), [&b]);
    let plan = parent.plan(parent.selection.as_ref().unwrap(), &namespaces, &family);
    let [(at, create)] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(*at, a);
    let act = async |action: &ChildAction, content: &Content| {
        pawl.act_on_child(&cluster, (&a, &parent.child), action, content).await
    };
    act(create, &parent.content).await.unwrap();
    assert_eq!(act(create, &parent.content).await.unwrap_err().kind, Kind::Conflict);
    let seen = child(server, &a).await.unwrap();
    assert_eq!(seen.content, parent.content);
    let family = pawl.family(&cluster, &parent.child).await.unwrap();
    let plan = parent.plan(parent.selection.as_ref().unwrap(), &namespaces, &family);
    assert!(plan.actions.is_empty() && plan.standing.contains(&a), "it is as it was written: {plan:?}");

    let content = Content {
        labels: [("l".to_owned(), "1".to_owned())].into(),
        annotations: [("a".to_owned(), "1".to_owned())].into(),
        spec: json!({ "refreshInterval": "2h" }),
    };
    let update =
        ChildAction::Update { resource_version: seen.resource_version.clone(), owners: seen.owners.clone() };
    act(&update, &content).await.unwrap();
    let edited = child(server, &a).await.unwrap();
    assert_eq!((&edited.content, &edited.uid, &edited.owners), (&content, &seen.uid, &seen.owners));
    assert_eq!(act(&update, &content).await.unwrap_err().kind, Kind::Conflict, "it has another version");

    let delete = |uid: &str, version: &str| ChildAction::Delete {
        uid: uid.to_owned(),
        resource_version: version.to_owned(),
    };
    let old = delete(&seen.uid, &seen.resource_version);
    assert_eq!(act(&old, &content).await.unwrap_err().kind, Kind::Conflict);
    let other = delete("another", &edited.resource_version);
    assert_eq!(act(&other, &content).await.unwrap_err().kind, Kind::Conflict);
    let right = delete(&edited.uid, &edited.resource_version);
    act(&right, &content).await.unwrap();
    assert_eq!(child(server, &a).await, None);
    act(&right, &content).await.unwrap();
    assert_eq!(act(&update, &content).await.unwrap_err().kind, Kind::Conflict, "it is gone");
    let nowhere: Namespace = "family-nowhere".parse().unwrap();
    let missing = pawl.act_on_child(&cluster, (&nowhere, &parent.child), create, &content).await.unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound, "{missing}");
}

pub(crate) async fn are_told_how_they_are(server: &Server) {
    server.create(&parents(), object("told", "nothing")).await;
    let (pawl, cluster) = (pawl(server, &server.pawl), cluster(server));
    let child = name("child");
    for told in [
        Told::of(
            &child,
            ["b", "a"].map(|it| it.parse().unwrap()).into(),
            [("c".to_owned(), "why".to_owned())].into(),
        ),
        Told::of(&child, [].into(), [].into()),
    ] {
        pawl.tell_parent(&cluster, &name("told"), &told).await.unwrap();
        assert_eq!(read(server, "told").await.told, told);
    }
    let status = server.get(&format!("{}/told", parents())).await["status"].clone();
    let condition = json!({ "type": "Ready", "status": "True" });
    assert_eq!(status, json!({ "conditions": [condition], "externalSecretName": "child" }));
    // Whoever is gone wants to hear nothing.
    pawl.tell_parent(&cluster, &name("gone"), &Told::of(&child, [].into(), [].into())).await.unwrap();

    let finalizers = json!({ "metadata": { "finalizers": [ESO, "example.com/mine"] } });
    server.merge(&format!("{}/told", parents()), finalizers).await;
    server.delete(&format!("{}/told", parents())).await;
    let going = read(server, "told").await;
    assert!(going.deleting);
    let left = going.released().unwrap();
    assert_eq!(left, ["example.com/mine"]);
    let stale = Parent { resource_version: "1".to_owned(), ..going.clone() };
    assert_eq!(pawl.release_parent(&cluster, &stale, &left).await.unwrap_err().kind, Kind::Conflict);
    pawl.release_parent(&cluster, &going, &left).await.unwrap();
    let held = read(server, "told").await;
    assert_eq!((held.finalizers.clone(), held.released()), (left, None));
    pawl.release_parent(&cluster, &held, &[]).await.unwrap();
    let found = pawl.parents(&cluster).await.unwrap();
    assert!(found.known.iter().all(|parent| parent.name.as_str() != "told"));
}

pub(crate) async fn are_not_seen_without_rights(server: &Server) {
    let connection = Connection::Url {
        url: server.url.clone(),
        ca: Some(server.ca.clone()),
        token: TokenSource::Env(server.weak.clone()),
    };
    let weak = Cluster { connection, ..cluster(server) };
    let pawl = pawl(server, &server.weak);
    let error = pawl.parents(&weak).await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(error.message().contains("not allowed to list clusterexternalsecrets"), "{error}");
    assert_eq!(pawl.namespaces(&weak).await.unwrap_err().kind, Kind::Denied);
    assert_eq!(pawl.family(&weak, &name("child")).await.unwrap_err().kind, Kind::Denied);
}

/// Where a Cluster names namespaces, the others are not even asked for.
pub(crate) async fn stay_within_the_namespaces_of_their_cluster(server: &Server) {
    for namespace in ["within", "without"] {
        server.namespace(namespace).await;
        let theirs = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "near" }, "spec": {},
        });
        server.create(&format!("{V1}/namespaces/{namespace}/externalsecrets"), theirs).await;
    }
    let some = ["within", "not-there"].map(|it| it.parse().unwrap()).into();
    let bounded = Cluster { namespaces: some, ..cluster(server) };
    let pawl = pawl(server, &server.pawl);
    let names: Vec<Namespace> = pawl.namespaces(&bounded).await.unwrap().into_keys().collect();
    assert_eq!(names, ["within".parse().unwrap()]);
    let names: Vec<Namespace> = pawl.family(&bounded, &name("near")).await.unwrap().into_keys().collect();
    assert_eq!(names, ["within".parse().unwrap()]);
}

pub(crate) async fn are_watched_with_their_children_and_namespaces(server: &Server) {
    let connection = Connection::Url {
        url: server.url.clone(),
        ca: Some(server.ca.clone()),
        token: TokenSource::Env(server.pawl.clone()),
    };
    let pawl = build(connection, Arc::default(), Options { families: true, ..options() });
    let (tell, mut told) = mpsc::channel(64);
    let cluster = cluster(server);
    let task = tokio::spawn(async move { pawl.watch(&cluster, &tell).await });
    let mut families = 0;
    for _ in 0..6 {
        let sighting = timeout(LIMIT, told.recv()).await.unwrap().unwrap();
        families += usize::from(matches!(sighting, Sighting::Families));
    }
    assert_eq!(families, 2, "of ClusterExternalSecrets and of namespaces");
    let mut is_told = async |what: &str| {
        let told = async { while !matches!(told.recv().await.unwrap(), Sighting::Families) {} };
        assert!(timeout(LIMIT, told).await.is_ok(), "{what}");
    };
    server.namespace("seen").await;
    is_told("a new namespace").await;
    server.merge("/api/v1/namespaces/seen", json!({ "metadata": { "labels": { "more": "1" } } })).await;
    is_told("a label").await;
    server.create(&parents(), object("seen", "seen")).await;
    is_told("a ClusterExternalSecret").await;
    let parent = read(server, "seen").await;
    let owner = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret", "name": "seen", "uid": parent.uid,
        "controller": true,
    });
    let child = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "child", "ownerReferences": [owner] }, "spec": {},
    });
    let place = format!("{V1}/namespaces/seen/externalsecrets");
    server.create(&place, child).await;
    is_told("a child").await;
    server.merge(&format!("{place}/child"), json!({ "spec": { "refreshInterval": "1h" } })).await;
    is_told("an edited child").await;
    server.delete(&format!("{place}/child")).await;
    is_told("a child that is gone").await;
    server.delete(&format!("{}/seen", parents())).await;
    is_told("one that is gone").await;
    task.abort();
}
