//! Reading and writing targets.

use crate::pawl::{CANARY, data, declaration, id, name, pawl, replacement};
use crate::server::Server;
use pawl_domain::hash::data_hash;
use pawl_domain::target::{
    Action, CREATED_BY_LABEL, DATA_HASH_ANNOTATION, Desired, Existing, MANAGED_LABEL, Parts, Refused, decide,
};
use pawl_domain::{Complaint, Declaration, Kind, Rendered, Step};
use pawl_pipeline::Error;
use pawl_pipeline::ports::Clusters;
use serde_json::{Value, json};

const OWNER: &str = "{ name: db }";
const MERGE: &str = "{ name: db, creationPolicy: Merge }";

fn action(declaration: &Declaration, pairs: &[(&str, &str)], existing: Option<&Existing>) -> Action {
    let decision = decide(declaration, &Rendered::plain(data(pairs)), existing);
    decision.outcome.unwrap();
    decision.action
}

fn kind(result: Result<impl Sized, Error>) -> (Step, Kind) {
    let error = result.map(drop).unwrap_err();
    (error.step, error.kind)
}

fn secret(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

pub(crate) async fn are_created_and_read_back(server: &Server) {
    server.namespace("create").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("create", "", OWNER));
    let (id, db) = (&declaration.id, name("db"));
    assert!(pawl.read(id, &db).await.unwrap().is_none());

    let all: Vec<u8> = (0..=255).collect();
    let mut action = action(&declaration, &[("a", CANARY), ("empty", "")], None);
    if let Action::Create(desired) = &mut action {
        desired.data.insert("bytes".into(), pawl_domain::SecretValue::new(all));
    }
    let version = pawl.apply(id, &db, &action).await.unwrap().unwrap();
    let found = pawl.read(id, &db).await.unwrap().unwrap();
    let Action::Create(desired) = &action else { panic!("{action:?}") };
    assert_eq!(found.resource_version, version);
    assert_eq!(
        (&found.data, &found.labels, &found.annotations),
        (&desired.data, &desired.labels, &desired.annotations)
    );
    assert!(!found.immutable);
    assert!(found.own.data.iter().eq(["a", "bytes", "empty"]), "{:?}", found.own);
    assert!(found.own.labels.contains(MANAGED_LABEL) && found.own.annotations.contains(DATA_HASH_ANNOTATION));
    assert_eq!(server.get(&secret("create", "db")).await["type"], "Opaque");

    assert_eq!(kind(pawl.apply(id, &db, &action).await), (Step::Write, Kind::Conflict));
    let nowhere = crate::pawl::id("no-such-namespace", "es");
    assert!(pawl.read(&nowhere, &db).await.unwrap().is_none());
    assert_eq!(kind(pawl.apply(&nowhere, &db, &action).await), (Step::Write, Kind::NotFound));
    assert_eq!(pawl.apply(id, &db, &Action::Leave).await.unwrap(), None);
    let elsewhere = "green/create/es".parse().unwrap();
    assert_eq!(kind(pawl.read(&elsewhere, &db).await), (Step::Lookup, Kind::NotFound));
}

pub(crate) async fn are_updated_on_condition(server: &Server) {
    server.namespace("update").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("update", "", OWNER));
    let (id, db) = (&declaration.id, name("db"));
    let first =
        pawl.apply(id, &db, &action(&declaration, &[("a", "1"), ("b", "1")], None)).await.unwrap().unwrap();
    let existing = pawl.read(id, &db).await.unwrap().unwrap();
    let update = action(&declaration, &[("a", "2")], Some(&existing));
    let second = pawl.apply(id, &db, &update).await.unwrap().unwrap();
    assert_ne!(first, second);
    let found = pawl.read(id, &db).await.unwrap().unwrap();
    assert_eq!((found.resource_version.as_str(), &found.data), (second.as_str(), &data(&[("a", "2")])));
    assert_eq!(found.annotations[DATA_HASH_ANNOTATION], data_hash(&found.data));

    // Decided on what is not there any more.
    assert_eq!(kind(pawl.apply(id, &db, &update).await), (Step::Write, Kind::Conflict));
    assert_eq!(pawl.read(id, &db).await.unwrap().unwrap().resource_version, second);
    assert_eq!(kind(pawl.apply(id, &name("gone"), &update).await), (Step::Write, Kind::Conflict));

    // Parts that do not differ are not touched.
    server.merge(&secret("update", "db"), json!({ "metadata": { "labels": { "theirs": "1" } } })).await;
    let existing = pawl.read(id, &db).await.unwrap().unwrap();
    let parts = Parts { annotations: true, ..Parts::default() };
    let desired = Desired {
        annotations: [("x".to_owned(), "y".to_owned())].into(),
        data: data(&[("not", "written")]),
        immutable: true,
        ..Desired::default()
    };
    let update = Action::Update { resource_version: existing.resource_version.clone(), desired, parts };
    pawl.apply(id, &db, &update).await.unwrap();
    let found = pawl.read(id, &db).await.unwrap().unwrap();
    assert_eq!((found.data, found.labels, found.immutable), (existing.data, existing.labels, false));
    assert!(found.annotations.into_iter().eq([("x".to_owned(), "y".to_owned())]));
}

pub(crate) async fn are_replaced_in_one_request(server: &Server) {
    server.namespace("replace").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("replace", "", OWNER));
    let (id, db) = (&declaration.id, name("db"));
    let first =
        pawl.apply(id, &db, &action(&declaration, &[("a", "1"), ("b", "1")], None)).await.unwrap().unwrap();
    let next = replacement(&[("a", CANARY)]);
    let second = pawl.replace(id, &db, &first, &next).await.unwrap();
    let found = pawl.read(id, &db).await.unwrap().unwrap();
    assert_eq!((found.resource_version.as_str(), &found.data), (second.as_str(), &next.data));
    assert_eq!(found.annotations[DATA_HASH_ANNOTATION], data_hash(&next.data));
    assert_eq!(found.labels[MANAGED_LABEL], "true");
    assert!(found.own.data.iter().eq(["a"]));

    let stale = pawl.replace(id, &db, &first, &replacement(&[("a", "old")])).await;
    assert_eq!(kind(stale), (Step::Write, Kind::Conflict));
    assert_eq!(kind(pawl.replace(id, &name("gone"), &second, &next).await), (Step::Write, Kind::Conflict));
    // Somebody took all annotations away, and the version with them.
    server.merge(&secret("replace", "db"), json!({ "metadata": { "annotations": null } })).await;
    assert_eq!(kind(pawl.replace(id, &db, &second, &next).await), (Step::Write, Kind::Conflict));
    assert_eq!(pawl.read(id, &db).await.unwrap().unwrap().data, next.data);
}

pub(crate) async fn keep_what_others_wrote_under_merge(server: &Server) {
    server.namespace("merge").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("merge", "", MERGE));
    let (id, db) = (&declaration.id, name("db"));
    let theirs =
        json!({ "metadata": { "name": "db", "labels": { "theirs": "1" } }, "data": { "theirs": "MQ==" } });
    server.create("/api/v1/namespaces/merge/secrets", theirs).await;
    for (pairs, want) in [
        (&[("a", "1"), ("b", "1")][..], data(&[("a", "1"), ("b", "1"), ("theirs", "1")])),
        (&[("a", "2")][..], data(&[("a", "2"), ("theirs", "1")])),
        (&[("c", "3")][..], data(&[("c", "3"), ("theirs", "1")])),
    ] {
        let existing = pawl.read(id, &db).await.unwrap().unwrap();
        pawl.apply(id, &db, &action(&declaration, pairs, Some(&existing))).await.unwrap();
        let found = pawl.read(id, &db).await.unwrap().unwrap();
        assert_eq!(found.data, want);
        assert_eq!(found.labels["theirs"], "1");
        assert_eq!((found.labels[MANAGED_LABEL].as_str(), found.labels["app"].as_str()), ("true", "shop"));
        assert!(!found.own.data.contains("theirs"));
    }
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
    pawl.apply(id, &db, &action(&declaration, &[("a", "1")], None)).await.unwrap();
    let stored = server.get(&secret("owners", "db")).await;
    let reference = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "es", "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    });
    assert_eq!(stored["metadata"]["ownerReferences"], json!([reference]));
    let existing = pawl.read(id, &db).await.unwrap().unwrap();
    let again = action(&declaration, &[("a", "1")], Some(&existing));
    assert!(matches!(again, Action::Leave), "{again:?}");

    // Orphan gives the ownership up.
    let orphan = crate::pawl::declaration("owners", uid, "{ name: db, creationPolicy: Orphan }");
    pawl.apply(id, &db, &action(&orphan, &[("a", "1")], Some(&existing))).await.unwrap();
    let stored = server.get(&secret("owners", "db")).await;
    assert!(matches!(&stored["metadata"]["ownerReferences"], Value::Null), "{}", stored["metadata"]);
    assert_eq!(stored["metadata"]["labels"].get(CREATED_BY_LABEL), None);
}

pub(crate) async fn that_are_immutable_say_so(server: &Server) {
    server.namespace("immutable").await;
    let pawl = pawl(server, &server.pawl);
    let declaration = declaration("immutable", "", "{ name: db, immutable: true }");
    let (id, db) = (&declaration.id, name("db"));
    let version = pawl.apply(id, &db, &action(&declaration, &[("a", "1")], None)).await.unwrap().unwrap();
    let existing = pawl.read(id, &db).await.unwrap().unwrap();
    assert!(existing.immutable);
    let changing = crate::pawl::declaration("immutable", "", OWNER);
    let refused = decide(&changing, &Rendered::plain(data(&[("a", CANARY)])), Some(&existing));
    assert!(matches!(refused.outcome, Err(Refused::Immutable { .. })));
    // The flow that has not read it meets the server's refusal.
    let error = pawl.replace(id, &db, &version, &replacement(&[("a", CANARY)])).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Write, Kind::Invalid));
    let want =
        "unable to update secret db: secret is immutable; delete the Secret so that it can be made again";
    assert_eq!(error.message(), want);
    assert_eq!(error.to_failure(1).complaint, Complaint::Immutable);
}

pub(crate) async fn are_deleted_on_condition(server: &Server) {
    server.namespace("delete").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("delete", "", OWNER));
    let (id, db) = (&declaration.id, name("db"));
    pawl.apply(id, &db, &action(&declaration, &[("a", "1")], None)).await.unwrap();
    let old = pawl.read(id, &db).await.unwrap().unwrap();
    server.merge(&secret("delete", "db"), json!({ "metadata": { "labels": { "theirs": "1" } } })).await;
    let new = pawl.read(id, &db).await.unwrap().unwrap();
    let delete =
        |uid: &str, version: &str| Action::Delete { uid: uid.into(), resource_version: version.into() };
    for (uid, version) in [(&old.uid, &old.resource_version), (&"other".to_owned(), &new.resource_version)] {
        assert_eq!(kind(pawl.apply(id, &db, &delete(uid, version)).await), (Step::Write, Kind::Conflict));
    }
    let present = delete(&new.uid, &new.resource_version);
    assert_eq!(pawl.apply(id, &db, &present).await.unwrap(), None);
    assert!(pawl.read(id, &db).await.unwrap().is_none());
    assert_eq!(kind(pawl.apply(id, &db, &present).await), (Step::Write, Kind::Conflict));
    assert!(!pawl.delete_owned(id, &db).await.unwrap());

    // A target goes with its declaration if that made it.
    pawl.apply(id, &db, &action(&declaration, &[("a", "1")], None)).await.unwrap();
    assert!(!pawl.delete_owned(&crate::pawl::id("delete", "other"), &db).await.unwrap());
    assert!(pawl.delete_owned(id, &db).await.unwrap());
    assert!(pawl.read(id, &db).await.unwrap().is_none());
    let orphan = crate::pawl::declaration("delete", "", "{ name: db, creationPolicy: Orphan }");
    pawl.apply(id, &db, &action(&orphan, &[("a", "1")], None)).await.unwrap();
    assert!(!pawl.delete_owned(id, &db).await.unwrap());
}

pub(crate) async fn are_listed_without_their_data(server: &Server) {
    server.namespace("managed").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declaration("managed", "", OWNER));
    server.create("/api/v1/namespaces/managed/secrets", json!({ "metadata": { "name": "theirs" } })).await;
    let version =
        pawl.apply(&declaration.id, &name("db"), &action(&declaration, &[("a", "1")], None)).await.unwrap();
    let managed = pawl.managed(&crate::pawl::blue()).await.unwrap();
    let here: Vec<_> =
        managed.into_iter().filter(|((namespace, _), _)| namespace.as_str() == "managed").collect();
    assert_eq!(here, [(("managed".parse().unwrap(), name("db")), version.unwrap())]);
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
        let error = pawl.apply(&id, &name("db"), &action).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Write, Kind::Invalid), "{error}");
        assert!(error.message().contains(says), "{error}");
        assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    }
}
