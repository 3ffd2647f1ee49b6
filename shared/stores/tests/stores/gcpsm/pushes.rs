//! What PushSecrets write to Google Secret Manager.

use super::{Subject, World, world};
use pawl_domain::{Access, Kind, PushOutcome, Pushed, RemoteEntry, SecretValue, Step};
use pawl_ports::{Error, Sink};
use pawl_world::contract::sinks::{Kept, Takes, suite};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Kept for World {
    type Sink = Subject;

    fn sink(&self) -> &Subject {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    fn takes(&self) -> Takes {
        Takes::ALL
    }

    async fn value(&self, key: &str) -> Option<String> {
        self.google.held(key).map(|(value, ..)| String::from_utf8(value).unwrap())
    }

    async fn put(&self, key: &str, value: &str) {
        self.google.add(None, key, value.as_bytes());
    }

    /// Tokens are had by `POST` as well.
    async fn writes(&self) -> usize {
        self.google.written()
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        self.google.set_viewer(!fail);
        true
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        self.google.set_read_only(forbid);
        true
    }
}

#[tokio::test]
async fn secret_manager_is_a_sink() {
    suite(&world(|_| {}).await).await;
}

#[tokio::test]
async fn a_secret_is_made_as_eso_makes_it() {
    let world = world(|_| {}).await;
    let spec = json!({
        "labels": { "team": "shop" }, "annotations": { "note": "x" }, "topics": ["projects/shop/topics/t"],
        "replicationLocations": ["europe-west3"],
    });
    let outcome = push(&world, &pushed("made", None, "v", Some(&spec))).await.unwrap();
    assert_eq!(outcome, PushOutcome::Written { version: Some("1".to_owned()) });
    let (value, labels, annotations, made) = world.google.held("made").unwrap();
    assert_eq!(value, b"v");
    assert_eq!(labels, BTreeMap::from([pair("managed-by", "external-secrets"), pair("team", "shop")]));
    assert_eq!(annotations, BTreeMap::from([pair("note", "x")]));
    assert_eq!(made["topics"], json!([{ "name": "projects/shop/topics/t" }]));
    assert_eq!(made["replication"], json!({ "userManaged": { "replicas": [{ "location": "europe-west3" }] } }));
    // Other labels are a change, and without metadata they stay.
    let other = pushed("made", None, "v", Some(&json!({ "labels": { "team": "till" } })));
    assert_eq!(push(&world, &other).await.unwrap(), PushOutcome::Written { version: None });
    assert_eq!(push(&world, &pushed("made", None, "v", None)).await.unwrap(), PushOutcome::Unchanged);
    assert_eq!(world.google.held("made").unwrap().1["team"], "till");
}

#[tokio::test]
async fn a_secret_of_one_location_is_kept_there() {
    let world = world(|store| store.location = Some("europe-west3".to_owned())).await;
    push(&world, &pushed("regional", Some("a"), "v", None)).await.unwrap();
    let entry = RemoteEntry { key: "regional".to_owned(), property: Some("a".to_owned()) };
    assert!(world.sources.exists(&world.access, &entry).await.unwrap());
    world.sources.remove(&world.access, &entry).await.unwrap();
    assert!(!world.sources.exists(&world.access, &entry).await.unwrap());
}

#[tokio::test]
async fn what_is_not_known_is_not_written_over() {
    let world = world(|_| {}).await;
    push(&world, &pushed("off", Some("a"), "v", None)).await.unwrap();
    world.google.set_state(None, "off", 1, "DISABLED");
    let error = push(&world, &pushed("off", Some("b"), "v", None)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid), "{error}");
    assert!(error.message().contains("disabled or destroyed; enable it"), "{error}");
    let both = pushed("new", Some("a"), "v", Some(&json!({})));
    let error = push(&world, &both).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
    push(&world, &pushed("text", None, "plain", None)).await.unwrap();
    let error = push(&world, &pushed("text", Some("a"), "v", None)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
}

#[tokio::test]
async fn a_conflict_is_read_again() {
    let world = world(|_| {}).await;
    let raced = json!({ "error": { "code": 409, "status": "ALREADY_EXISTS", "message": "canary" } }).to_string();
    world.google.answer("/projects/shop/secrets", 409, &raced, &[]);
    push(&world, &pushed("raced", None, "v", None)).await.unwrap();
    world.google.answer("/secrets/raced:addVersion", 409, &raced.replace("ALREADY_EXISTS", "ABORTED"), &[]);
    push(&world, &pushed("raced", None, "w", None)).await.unwrap();
    assert_eq!(world.value("raced").await.as_deref(), Some("w"));
}

async fn push(world: &World, pushed: &Pushed) -> Result<PushOutcome, Error> {
    world.sources.push(&world.access, pushed).await
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn pushed(key: &str, property: Option<&str>, value: &str, spec: Option<&Value>) -> Pushed {
    Pushed {
        to: RemoteEntry { key: key.to_owned(), property: property.map(str::to_owned) },
        secret_key: Some("key".to_owned()),
        data: BTreeMap::from([("key".to_owned(), SecretValue::new(value))]),
        secret_type: "Opaque".to_owned(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        metadata: spec.map(|spec| {
            json!({
                "apiVersion": "kubernetes.external-secrets.io/v1alpha1",
                "kind": "PushSecretMetadata",
                "spec": spec,
            })
        }),
    }
}
