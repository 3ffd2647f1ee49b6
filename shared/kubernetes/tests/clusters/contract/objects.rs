//! Targets that are no Secrets.

use crate::pawl::{CANARY, data, declaration, id, name, pawl};
use crate::server::Server;
use pawl_domain::declaration::Manifest;
use pawl_domain::reconcile::{Action, CREATED_BY_LABEL, Existing, MANAGED_LABEL, Placement, Token, decide};
use pawl_domain::{Complaint, Declaration, Kind, Rendered, Step};
use pawl_ports::{Clusters, TargetRef};
use serde_json::{Value, json};

fn kind(api_version: &str, kind: &str) -> Manifest {
    Manifest { api_version: api_version.to_owned(), kind: kind.to_owned() }
}

fn declared(namespace: &str, creation: &str) -> Declaration {
    declaration(
        namespace,
        "11111111-1111-4111-8111-111111111111",
        &format!(
            "{{ name: db, creationPolicy: {creation}, manifest: {{ apiVersion: v1, kind: ConfigMap }} }}"
        ),
    )
}

fn action(declaration: &Declaration, pairs: &[(&str, &str)], existing: Option<&Existing>) -> Action {
    let place = |(key, text): &(&str, &str)| {
        let path = ["data", *key].map(|key| Token::Key(key.to_owned()));
        Placement::replacing(path, (*text).into())
    };
    let rendered = Rendered { placed: pairs.iter().map(place).collect(), ..Rendered::plain(data(&[])) };
    let decision = decide(declaration, &Rendered { assembled_is_empty: false, ..rendered }, existing);
    decision.outcome.unwrap();
    decision.action
}

fn fields(existing: &Existing) -> Value {
    Value::Object(existing.content.as_ref().unwrap().expose().clone())
}

pub(crate) async fn of_other_kinds_are_written_on_condition(server: &Server) {
    server.namespace("objects").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declared("objects", "Owner"));
    let (id, db, of) = (&declaration.id, name("db"), kind("v1", "ConfigMap"));
    let target = TargetRef { of: id, kind: Some(&of), name: &db };
    assert!(pawl.read(target).await.unwrap().is_none());
    let create = action(&declaration, &[("a", CANARY), ("b", "1")], None);
    let first = pawl.apply(target, &create).await.unwrap().unwrap();
    let found = pawl.read(target).await.unwrap().unwrap();
    assert_eq!(found.resource_version, first);
    assert_eq!(fields(&found), json!({ "data": { "a": CANARY, "b": "1" } }));
    assert_eq!((found.labels[MANAGED_LABEL].as_str(), found.owners[0].controller), ("true", true));
    assert!(found.is_as_written());
    let again = pawl.apply(target, &create).await.unwrap_err();
    assert_eq!((again.step, again.kind), (Step::Write, Kind::Conflict));

    let update = action(&declaration, &[("a", "2")], Some(&found));
    let second = pawl.apply(target, &update).await.unwrap().unwrap();
    assert_ne!(first, second);
    let found = pawl.read(target).await.unwrap().unwrap();
    assert_eq!(fields(&found), json!({ "data": { "a": "2" } }));
    // Decided on what is not there any more.
    let stale = pawl.apply(target, &update).await.unwrap_err();
    assert_eq!((stale.step, stale.kind), (Step::Write, Kind::Conflict));

    let merging = declared("objects", "Merge");
    let add = action(&merging, &[("c", "3")], Some(&found));
    pawl.apply(target, &add).await.unwrap();
    let found = pawl.read(target).await.unwrap().unwrap();
    assert_eq!(fields(&found), json!({ "data": { "a": "2", "c": "3" } }));
    assert!(!found.labels.contains_key(CREATED_BY_LABEL) && found.owners.is_empty());
    assert!(!pawl.delete_owned(target).await.unwrap(), "it is not owned any more");
    assert!(pawl.read(TargetRef::secret(id, &db)).await.unwrap().is_none(), "no Secret was made");
}

pub(crate) async fn of_other_kinds_are_deleted_by_their_owner(server: &Server) {
    server.namespace("objects-gone").await;
    let (pawl, declaration) = (pawl(server, &server.pawl), declared("objects-gone", "Owner"));
    let (id, db, of) = (&declaration.id, name("db"), kind("v1", "ConfigMap"));
    let target = TargetRef { of: id, kind: Some(&of), name: &db };
    pawl.apply(target, &action(&declaration, &[("a", "1")], None)).await.unwrap();
    let other = crate::pawl::id("objects-gone", "other");
    assert!(!pawl.delete_owned(TargetRef { of: &other, ..target }).await.unwrap());
    assert!(pawl.delete_owned(target).await.unwrap());
    assert!(pawl.read(target).await.unwrap().is_none());

    pawl.apply(target, &action(&declaration, &[("a", "1")], None)).await.unwrap();
    let Existing { uid, resource_version, .. } = pawl.read(target).await.unwrap().unwrap();
    let delete = Action::Delete { uid, resource_version };
    assert_eq!(pawl.apply(target, &delete).await.unwrap(), None);
    let gone = pawl.apply(target, &delete).await.unwrap_err();
    assert_eq!((gone.step, gone.kind), (Step::Write, Kind::Conflict));
}

pub(crate) async fn of_kinds_that_cannot_be_are_refused(server: &Server) {
    server.namespace("objects-refused").await;
    let (pawl, id, db) = (pawl(server, &server.pawl), id("objects-refused", "es"), name("db"));
    for (of, want, complaint) in [
        (kind("v1", "Namespace"), Kind::Invalid, Complaint::GenericTarget),
        (kind("v1", "Nothing"), Kind::NotFound, Complaint::Update),
        (kind("nowhere.example.com/v1", "Nothing"), Kind::NotFound, Complaint::Update),
    ] {
        let target = TargetRef { of: &id, kind: Some(&of), name: &db };
        let error = pawl.read(target).await.unwrap_err();
        assert_eq!(
            (error.step, error.kind, error.complaint()),
            (Step::Read, want, complaint),
            "{of}: {error}"
        );
        assert!(error.message().contains(&of.to_string()), "{error}");
    }
}
