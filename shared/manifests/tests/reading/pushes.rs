//! What PushSecrets become for one store, held to ESO.
//!
//! Each line of `tests/pushes/eso.jsonl` has the data of a source, `data` and `dataTo` of a PushSecret, and what the
//! functions of ESO's controller (2.9) made of them.

use jiff::Timestamp;
use pawl_domain::push::{Entries, PushProblem, PushRecipe, StoreOf};
use pawl_domain::{Budget, Functions, Home, PushSecret, SecretValue, SourceSecret, StoreId, TemplateSources};
use pawl_manifests::{ParseOptions, from_object};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn push(spec: Value) -> (Option<PushSecret>, Vec<String>) {
    let object = json!({
        "apiVersion": "external-secrets.io/v1alpha1",
        "kind": "PushSecret",
        "metadata": { "name": "push", "namespace": "shop", "generation": 1, "uid": "u" },
        "spec": spec,
    });
    let home = Home::Cluster("blue".parse().unwrap());
    let mut found = from_object(object, "cluster blue", &ParseOptions::new(home));
    let problems = found.problems.iter().map(ToString::to_string).collect();
    (found.pushes.pop(), problems)
}

fn spec(case: &Value) -> Value {
    let mut spec = json!({
        "secretStoreRefs": [
            { "name": "aws", "kind": "ClusterSecretStore" }, { "name": "other", "kind": "ClusterSecretStore" },
            { "name": "aws" },
        ],
        "selector": { "secret": { "name": "src" } },
    });
    for field in ["data", "dataTo", "template"] {
        if let Some(given) = case.get(field) {
            spec[field] = given.clone();
        }
    }
    spec
}

fn texts(given: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(given.clone()).unwrap_or_default()
}

fn expanded(push: &PushSecret, source: &Value, labels: &Value) -> Result<Entries, PushProblem> {
    let store = StoreId {
        home: Home::Cluster("blue".parse().unwrap()),
        namespace: None,
        name: "aws".parse().unwrap(),
        generator: None,
    };
    let source = SourceSecret {
        name: "src".parse().unwrap(),
        kind: "Opaque".to_owned(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        data: texts(source).into_iter().map(|(key, value)| (key, SecretValue::new(value))).collect(),
    };
    let recipe = PushRecipe::of(push, &Functions::new(|| Timestamp::UNIX_EPOCH))?;
    let mut budget = Budget::default();
    let source = recipe.templated(source, &TemplateSources::default(), &mut budget)?;
    let labels = texts(labels);
    recipe.entries(push, StoreOf { id: &store, labels: &labels }, &source, &mut budget)
}

fn shown(entries: Result<Entries, PushProblem>) -> Value {
    let entry = |(data, pushed): (pawl_domain::push::PushData, Result<pawl_domain::Pushed, PushProblem>)| {
        let key = data.secret_key.clone().unwrap_or_default();
        match pushed {
            Ok(pushed) => {
                let kept = pushed.data.into_iter().filter(|(name, _)| key.is_empty() || *name == key);
                let kept: BTreeMap<String, String> =
                    kept.map(|(name, value)| (name, value.expose_str().unwrap().to_owned())).collect();
                json!({ "at": data.to.to_string(), "key": key, "data": kept })
            }
            Err(problem) => json!({ "at": data.to.to_string(), "key": key, "error": problem.to_string() }),
        }
    };
    match entries {
        Ok(entries) => entries.into_iter().map(entry).collect(),
        Err(problem) => json!({ "error": problem.to_string() }),
    }
}

#[test]
fn entries_are_those_of_eso() {
    let mut cases = 0;
    for line in include_str!("../pushes/eso.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (push, problems) = push(spec(&case));
        let push = push.unwrap_or_else(|| panic!("{}: {problems:?}", case["name"]));
        let entries = expanded(&push, &case["source"], &case["store"]["labels"]);
        assert_eq!(shown(entries), case["want"], "{}", case["name"]);
        cases += 1;
    }
    assert!(cases > 30);
}

#[test]
fn a_template_adds_to_the_source_and_clears_nothing() {
    let whole = json!([{ "match": { "remoteRef": { "remoteKey": "x" } } }]);
    let template =
        json!({ "type": "Opaque", "data": { "url": "{{ .user }}:{{ .pw }}", "pw": "{{ .pw | upper }}" } });
    let (push, problems) = push(spec(&json!({ "data": whole, "template": template })));
    assert_eq!(problems, Vec::<String>::new());
    let entries = expanded(&push.unwrap(), &json!({ "user": "u", "pw": "p" }), &Value::Null);
    let want = json!({ "user": "u", "pw": "P", "url": "u:p" });
    assert_eq!(shown(entries)[0]["data"], want, "each text is rendered with the source as it stands");
}

#[test]
fn what_cannot_be_pushed_is_told() {
    let with = |field: &str, value: Value| {
        let mut spec =
            spec(&json!({ "data": [{ "match": { "secretKey": "a", "remoteRef": { "remoteKey": "a" } } }] }));
        spec[field] = value;
        spec
    };
    let aws = json!({ "name": "aws", "kind": "ClusterSecretStore" });
    for (spec, want, is_used) in [
        (
            with("selector", json!({ "generatorRef": { "kind": "Password", "name": "p" } })),
            "spec.selector.generatorRef: is not supported yet",
            false,
        ),
        (
            with("selector", json!({})),
            "spec.selector: must have exactly one of secret, generatorRef, found none",
            false,
        ),
        (with("selector", Value::Null), "spec.selector: is missing", false),
        (with("secretStoreRefs", Value::Null), "spec.secretStoreRefs: is missing", false),
        (with("secretStoreRefs", json!([{}])), "spec.secretStoreRefs[0].name: is missing", true),
        (with("updatePolicy", json!("Never")), "spec.updatePolicy: \"Never\" is not known", false),
        (with("deletionPolicy", json!("Retain")), "spec.deletionPolicy: \"Retain\" is not known", false),
        (with("refreshInterval", json!("soon")), "spec.refreshInterval: ", false),
        (
            with("data", json!([{ "match": { "secretKey": "a" } }])),
            "spec.data[0].match.remoteRef: is missing",
            false,
        ),
        (
            with("data", json!([{ "match": { "remoteRef": { "property": "p" } } }])),
            "spec.data[0].match.remoteRef.remoteKey: is missing",
            false,
        ),
        (with("dataTo", json!([{ "remoteKey": "x" }])), "spec.dataTo[0].storeRef: is missing", false),
        (
            with(
                "dataTo",
                json!([{ "storeRef": aws, "remoteKey": "x", "rewrite": [{ "regexp": { "source": "a", "target": "b" } }] }]),
            ),
            "spec.dataTo[0].rewrite: does not go with remoteKey",
            false,
        ),
        (
            with("dataTo", json!([{ "storeRef": aws, "rewrite": [{ "merge": {} }] }])),
            "spec.dataTo[0].rewrite[0]: must have exactly one of regexp, transform",
            false,
        ),
        (
            with("dataTo", json!([{ "storeRef": { "name": "gcp" } }])),
            "spec.dataTo[0].storeRef: \"gcp\" is not found in secretStoreRefs",
            true,
        ),
        (
            with("dataTo", json!([{ "storeRef": aws, "match": { "regexp": "(" } }])),
            "spec.dataTo[0].match.regexp: ",
            true,
        ),
        (
            with("template", json!({ "data": { "a": "{{" } })),
            "spec.template.data[a]: is not a template",
            true,
        ),
        (with("dtaa", json!([])), "spec.dtaa: unknown field", true),
    ] {
        let (push, problems) = push(spec);
        assert!(problems.iter().any(|problem| problem.contains(want)), "{want}: {problems:?}");
        assert_eq!(push.is_some(), is_used, "{want}: {problems:?}");
    }
}

#[test]
fn defaults_are_those_of_eso() {
    let (push, problems) =
        push(spec(&json!({ "data": [{ "match": { "remoteRef": { "remoteKey": "a" } } }] })));
    assert_eq!(problems, Vec::<String>::new());
    let push = push.unwrap();
    assert_eq!(push.interval.as_secs(), 3600);
    assert_eq!(push.update, pawl_domain::push::PushUpdate::Replace);
    assert_eq!(push.deletion, pawl_domain::push::PushDeletion::None);
    assert_eq!(push.uid.as_deref(), Some("u"));
    assert!(push.synced.is_some_and(|synced| synced.starts_with("1-")));
    assert!(push.stores[0].cluster_wide && !push.stores[2].cluster_wide, "SecretStore is the default");
}
