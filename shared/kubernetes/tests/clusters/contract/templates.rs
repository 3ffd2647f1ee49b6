//! What templates make of targets beyond data, and where templates are read from.

use crate::pawl::{CANARY, data, declaration, id, name, pawl, replacement};
use crate::server::Server;
use pawl_domain::declaration::Template;
use pawl_domain::reconcile::{Action, Existing, decide, marked};
use pawl_domain::{Complaint, Declaration, Kind, Outcome, Rendered, Step};
use pawl_ports::{Clusters, TargetRef, TemplateKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TARGET: &str = "{ name: db }";

/// The declaration with a template, of which only what needs no rendering matters here.
fn templated(namespace: &str, kind: &str, finalizers: &[&str]) -> Declaration {
    let mut declaration = declaration(namespace, "", TARGET);
    declaration.target.template = Some(Template {
        kind: Some(kind.to_owned()),
        finalizers: finalizers.iter().map(|finalizer| (*finalizer).to_owned()).collect(),
        ..Template::default()
    });
    declaration
}

fn action(declaration: &Declaration, pairs: &[(&str, &str)], existing: Option<&Existing>) -> Action {
    let text = |key: &str, text: &str| BTreeMap::from([(key.to_owned(), text.to_owned())]);
    let rendered = Rendered {
        templated: true,
        labels: text("app.kubernetes.io/part-of", "shop"),
        annotations: text("example.com/note", "x"),
        ..Rendered::plain(data(pairs))
    };
    let decision = decide(declaration, &rendered, existing);
    decision.outcome.unwrap();
    decision.action
}

pub(crate) async fn make_type_finalizers_labels_and_annotations(server: &Server) {
    server.namespace("templated").await;
    let declaration = templated("templated", "kubernetes.io/basic-auth", &["example.com/b", "example.com/a"]);
    let (pawl, id, db) = (pawl(server, &server.pawl), &declaration.id, name("db"));
    let create = action(&declaration, &[("username", "u")], None);
    let Action::Create(mut desired) = create else { panic!("{create:?}") };
    let version =
        pawl.apply(TargetRef::secret(id, &db), &Action::Create(desired.clone())).await.unwrap().unwrap();
    let found = pawl.read(TargetRef::secret(id, &db)).await.unwrap().unwrap();
    assert_eq!(
        (&found.finalizers, &found.labels, &found.annotations),
        (&desired.finalizers, &desired.labels, &desired.annotations)
    );
    assert_eq!((found.kind.as_str(), found.deleting), ("kubernetes.io/basic-auth", false));

    // Unread, labels and annotations are set next to what stands there.
    let mut next = replacement(&[("username", "v")]);
    next.labels.insert("app.kubernetes.io/part-of".to_owned(), "bank".to_owned());
    next.annotations.insert("example.com/note".to_owned(), "y".to_owned());
    pawl.replace(id, &db, &version, &next).await.unwrap();
    let found = pawl.read(TargetRef::secret(id, &db)).await.unwrap().unwrap();
    desired.labels.extend(next.labels);
    desired.annotations.extend(next.annotations);
    assert_eq!(
        (&found.labels, &found.annotations, &found.data),
        (&desired.labels, &desired.annotations, &next.data)
    );
    assert_eq!(found.kind, "kubernetes.io/basic-auth");

    // Finalizers are added, and a target that waits for them is told apart.
    let more = templated("templated", "kubernetes.io/basic-auth", &["example.com/c", "example.com/a"]);
    let decision = decide(
        &more,
        &Rendered { templated: true, ..Rendered::plain(data(&[("username", "v")])) },
        Some(&found),
    );
    pawl.apply(TargetRef::secret(id, &db), &decision.action).await.unwrap();
    let found = pawl.read(TargetRef::secret(id, &db)).await.unwrap().unwrap();
    assert_eq!(found.finalizers, ["example.com/b", "example.com/a", "example.com/c"]);
    let (uid, resource_version) = (found.uid, found.resource_version);
    pawl.apply(TargetRef::secret(id, &db), &Action::Delete { uid, resource_version }).await.unwrap();
    assert!(pawl.read(TargetRef::secret(id, &db)).await.unwrap().unwrap().deleting);
    let path = "/api/v1/namespaces/templated/secrets/db";
    server.merge(path, json!({ "metadata": { "finalizers": null } })).await;
    assert!(pawl.read(TargetRef::secret(id, &db)).await.unwrap().is_none());
}

pub(crate) async fn cannot_change_a_type(server: &Server) {
    server.namespace("types").await;
    let plain = declaration("types", "", TARGET);
    let (pawl, id, db) = (pawl(server, &server.pawl), &plain.id, name("db"));
    pawl.apply(
        TargetRef::secret(id, &db),
        &decide(&plain, &Rendered::plain(data(&[("old", "1")])), None).action,
    )
    .await
    .unwrap();
    let existing = pawl.read(TargetRef::secret(id, &db)).await.unwrap().unwrap();
    let other = templated("types", "kubernetes.io/tls", &[]);
    let tls = action(&other, &[("tls.crt", CANARY), ("tls.key", "k")], Some(&existing));
    // As ESO tells it, save that no value is quoted.
    for (action, says) in [
        (tls, "type: Invalid value: \"kubernetes.io/tls\": field is immutable;"),
        (
            action(&other, &[("tls.crt", CANARY)], Some(&existing)),
            "[data[tls.key]: Required value, type: Invalid value: \"kubernetes.io/tls\": field is immutable];",
        ),
    ] {
        let Action::Update { resource_version, desired, parts } = action else { panic!("{action:?}") };
        let desired = pawl_domain::reconcile::Desired {
            annotations: existing.annotations.clone(),
            labels: existing.labels.clone(),
            ..desired
        };
        let error = pawl
            .apply(TargetRef::secret(id, &db), &Action::Update { resource_version, desired, parts })
            .await
            .unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Write, Kind::Invalid));
        let says = format!("unable to update secret db: Secret \"db\" is invalid: {says}");
        assert!(error.message().starts_with(&says), "{error}");
        assert!(!format!("{error:?}").contains(CANARY));
        assert_eq!(error.to_failure(1).complaint, Complaint::Update);
    }
    let made = templated("types", "kubernetes.io/service-account-token", &[]);
    let decision = decide(&made, &Rendered { templated: true, ..Rendered::plain(data(&[("a", "b")])) }, None);
    let error = pawl.apply(TargetRef::secret(id, &name("token")), &decision.action).await.unwrap_err();
    let says = "Secret \"token\" is invalid: metadata.annotations[kubernetes.io/service-account.name]: Required value";
    assert!(error.message().starts_with(says), "{error}");
}

pub(crate) async fn are_read_from_config_maps_and_secrets(server: &Server) {
    server.namespace("sources").await;
    let object = |data: Value| json!({ "metadata": { "name": "texts" }, "data": data });
    server.create("/api/v1/namespaces/sources/configmaps", object(json!({ "a": "{{ .x }}", "b": "" }))).await;
    server.create("/api/v1/namespaces/sources/secrets", object(json!({ "a": "e3sgLnkgfX0=" }))).await;
    let (pawl, id) = (pawl(server, &server.pawl), id("sources", "es"));
    let found = pawl.template_source(&id, TemplateKind::ConfigMap, &name("texts")).await.unwrap();
    assert_eq!(found, data(&[("a", "{{ .x }}"), ("b", "")]));
    let found = pawl.template_source(&id, TemplateKind::Secret, &name("texts")).await.unwrap();
    assert_eq!(found, data(&[("a", "{{ .y }}")]));
    for kind in [TemplateKind::ConfigMap, TemplateKind::Secret] {
        let error = pawl.template_source(&id, kind, &name("gone")).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Render, Kind::NotFound), "{error}");
    }
}

pub(crate) async fn mark_what_they_fail_for(server: &Server) {
    server.namespace("marks").await;
    let theirs =
        json!({ "metadata": { "name": "db", "labels": { "theirs": "1" } }, "data": { "theirs": "MQ==" } });
    server.create("/api/v1/namespaces/marks/secrets", theirs).await;
    let (pawl, id, db) = (pawl(server, &server.pawl), id("marks", "es"), name("db"));
    let existing = pawl.read(TargetRef::secret(&id, &db)).await.unwrap().unwrap();
    pawl.apply(TargetRef::secret(&id, &db), &marked(Some(&existing))).await.unwrap();
    let found = pawl.read(TargetRef::secret(&id, &db)).await.unwrap().unwrap();
    assert!(found.is_managed() && !found.is_as_written());
    assert_eq!((found.data, found.annotations, found.labels.len()), (existing.data, existing.annotations, 2));
    assert!(matches!(marked(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().as_ref()), Action::Leave));
    let outcome = decide(
        &declaration("marks", "", "{ name: db, creationPolicy: None }"),
        &Rendered::plain(data(&[("a", "1")])),
        None,
    );
    assert_eq!(outcome.outcome, Ok(Outcome::NotWanted));
}
