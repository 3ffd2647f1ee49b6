//! What only an API server shows of targets; the rest is in the contract that the fake of clusters keeps as well.

use crate::pawl::{CANARY, data, declaration, id, name, pawl};
use crate::server::Server;
use pawl_domain::reconcile::{Action, CREATED_BY_LABEL, Desired, Existing, decide};
use pawl_domain::{Declaration, Kind, Rendered, Step};
use pawl_ports::{Clusters, TargetRef};
use serde_json::{Value, json};

const OWNER: &str = "{ name: db }";

fn action(declaration: &Declaration, pairs: &[(&str, &str)], existing: Option<&Existing>) -> Action {
    let decision = decide(declaration, &Rendered::plain(data(pairs)), existing);
    decision.outcome.unwrap();
    decision.action
}

fn secret(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

pub(crate) async fn have_owners(server: &Server) {
    server.namespace("owners").await;
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "es" }, "spec": {},
    });
    let made = server.create("/apis/external-secrets.io/v1/namespaces/owners/externalsecrets", object).await;
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("owners", uid, OWNER));
    let (id, db) = (&declaration.id, name("db"));
    pawl.apply(TargetRef::secret(id, &db), &action(&declaration, &[("a", "1")], None)).await.unwrap();
    let stored = server.get(&secret("owners", "db")).await;
    let reference = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "es", "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    });
    assert_eq!(stored["metadata"]["ownerReferences"], json!([reference]));
    let existing = pawl.read(TargetRef::secret(id, &db)).await.unwrap().unwrap();
    let again = action(&declaration, &[("a", "1")], Some(&existing));
    assert!(matches!(again, Action::Leave), "{again:?}");

    // Orphan gives the ownership up.
    let orphan = crate::pawl::declaration("owners", uid, "{ name: db, creationPolicy: Orphan }");
    pawl.apply(TargetRef::secret(id, &db), &action(&orphan, &[("a", "1")], Some(&existing))).await.unwrap();
    let stored = server.get(&secret("owners", "db")).await;
    assert!(matches!(&stored["metadata"]["ownerReferences"], Value::Null), "{}", stored["metadata"]);
    assert_eq!(stored["metadata"]["labels"].get(CREATED_BY_LABEL), None);
}

pub(crate) async fn that_are_refused_are_not_quoted(server: &Server) {
    server.namespace("refused").await;
    let pawl = pawl(server, &server.pawl);
    let id = id("refused", "es");
    let desired = |key: &str, value: String, label: &str| {
        Action::Create(Desired {
            labels: [("l".to_owned(), label.to_owned())].into(),
            data: data(&[(key, &value)]),
            ..Desired::default()
        })
    };
    for (action, says) in [
        (
            desired("not a key", CANARY.to_owned(), "l"),
            "Secret \"db\" is invalid: data[not a key]: Invalid value",
        ),
        (
            desired("a", CANARY.to_owned(), &format!("{CANARY}!")),
            "Secret \"db\" is invalid: metadata.labels: Invalid value: a valid label must be",
        ),
        (desired("a", CANARY.repeat(100_000), "l"), "larger than the 1 MiB"),
    ] {
        let error = pawl.apply(TargetRef::secret(&id, &name("db")), &action).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Write, Kind::Invalid), "{error}");
        assert!(error.message().contains(says), "{error}");
        assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    }
}
