//! Targets that are no Secrets: what templates make of them, and what is written where something stands.

use crate::given;
use pawl_domain::declaration::{
    CreationPolicy, Decoding, Manifest, Template, TemplateAs, TemplateFrom, TemplateItem, TemplateObject,
    TemplateScope, TemplateSource,
};
use pawl_domain::reconcile::{
    Action, Content, DATA_HASH_ANNOTATION, Desired, Existing, MANAGED_LABEL, Refused, decide,
};
use pawl_domain::{
    Declaration, Outcome, Recipe, RenderError, Rendered, SecretValue, TemplateSources, Values,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn declared(kind: &str, template: Option<Template>) -> Declaration {
    let mut declaration = given::reading([given::read("app/db")]);
    let api_version = if kind == "ConfigMap" { "v1" } else { "example.com/v1" };
    declaration.target.manifest =
        Some(Manifest { api_version: api_version.to_owned(), kind: kind.to_owned() });
    declaration.target.template = template;
    declaration.labels = BTreeMap::from([("own".to_owned(), "x".to_owned())]);
    declaration
}

/// A literal and a text in a ConfigMap, both for this place.
fn from(scope: TemplateScope, literal: Option<&str>, as_what: TemplateAs) -> TemplateFrom {
    let item = TemplateItem { key: "text".to_owned(), as_what };
    let object = TemplateObject { name: "texts".parse().unwrap(), items: vec![item] };
    TemplateFrom {
        config_map: literal.is_none().then_some(object),
        secret: None,
        literal: literal.map(str::to_owned),
        scope,
        decoding: Decoding::None,
    }
}

fn path(text: &str) -> TemplateScope {
    TemplateScope::Path(text.to_owned())
}

fn literal(at: &str, text: &str) -> TemplateFrom {
    from(path(at), Some(text), TemplateAs::KeysAndValues)
}

fn rendered(declaration: &Declaration, text: &str) -> Result<Rendered, RenderError> {
    let source = TemplateSource::ConfigMap("texts".parse().unwrap());
    let texts = BTreeMap::from([("text".to_owned(), SecretValue::new(text))]);
    let sources = TemplateSources(BTreeMap::from([(source, texts)]));
    Recipe::of(declaration, &given::FUNCTIONS)?.render(&Values(vec![given::fetched("v-1")]), &sources)
}

fn standing(content: Value) -> Existing {
    let content = Some(Content::of(content.as_object().unwrap().clone()));
    Existing { uid: "u".to_owned(), resource_version: "7".to_owned(), content, ..Existing::default() }
}

fn desired(declaration: &Declaration, text: &str, existing: Option<&Existing>) -> Desired {
    match decide(declaration, &rendered(declaration, text).unwrap(), existing).action {
        Action::Create(desired) | Action::Update { desired, .. } => desired,
        action => panic!("{action:?}"),
    }
}

fn made(declaration: &Declaration, text: &str, existing: Option<&Existing>) -> Value {
    let content = desired(declaration, text, existing).content.unwrap();
    Value::Object(content.expose().clone())
}

#[test]
fn templates_place_what_they_render() {
    use TemplateAs::{KeysAndValues, Values};
    let of = |from: Vec<TemplateFrom>| Some(Template { from, ..Template::default() });
    let data =
        Template { data: BTreeMap::from([("k".into(), "<{{ .value }}>".into())]), ..Template::default() };
    let cases = [
        ("no template", "ConfigMap", None, json!({ "data": { "value": "v-1" } })),
        ("no template", "Limit", None, json!({ "spec": { "data": { "value": "v-1" } } })),
        ("an empty one", "Limit", of(vec![]), json!({ "spec": { "data": { "value": "v-1" } } })),
        ("template.data", "ConfigMap", Some(data.clone()), json!({ "data": { "k": "<v-1>" } })),
        ("template.data", "Limit", Some(data), json!({ "spec": {}, "data": { "k": "<v-1>" } })),
        (
            "data as texts",
            "ConfigMap",
            of(vec![from(TemplateScope::Data, Some("a: 0123\nb: '{{ .value }}'"), KeysAndValues)]),
            json!({ "data": { "a": "83", "b": "v-1" } }),
        ),
        (
            "a field of the object is replaced",
            "Limit",
            of(vec![literal("spec", "a: 1"), literal("spec", "b: [1.0, 1.5, no, ~, x]")]),
            json!({ "spec": { "b": [1, 1.5, false, null, "x"] } }),
        ),
        (
            "maps are merged, but not what is in them",
            "Limit",
            of(vec![literal("spec.m", "a: { x: 1 }\nb: 1"), literal("spec.m", "a: { z: 2 }\nc: 3")]),
            json!({ "spec": { "m": { "a": { "z": 2 }, "b": 1, "c": 3 } } }),
        ),
        (
            "lists grow, and what is missing is made",
            "Limit",
            of(vec![literal("spec.Rules[2].hosts[0].name", "'{{ .value }}'")]),
            json!({ "spec": { "Rules": [null, null, { "hosts": [{ "name": "v-1" }] }] } }),
        ),
        (
            "a value is YAML",
            "Limit",
            of(vec![from(path("spec.n"), None, Values)]),
            json!({ "spec": { "n": { "replicas": 3 } } }),
        ),
        (
            "below spec itself it is text by its key",
            "Limit",
            of(vec![from(path("spec"), None, Values)]),
            json!({ "spec": { "text": "replicas: 3" } }),
        ),
        (
            "keys and values out of an object",
            "Limit",
            of(vec![from(path("spec"), None, KeysAndValues)]),
            json!({ "spec": { "replicas": 3 } }),
        ),
    ];
    for (name, kind, template, want) in cases {
        assert_eq!(made(&declared(kind, template), "replicas: 3", None), want, "{kind}: {name}");
    }
    let no_yaml = declared("Limit", of(vec![from(path("spec.n"), None, Values)]));
    assert_eq!(
        made(&no_yaml, "a: b: c", None),
        json!({ "spec": { "n": "a: b: c" } }),
        "a value that is no YAML"
    );
}

#[test]
fn labels_and_annotations_of_the_template_are_taken_as_they_stand() {
    let texts = |text: &str| BTreeMap::from([("note".to_owned(), text.to_owned())]);
    let template = Template {
        kind: Some("kubernetes.io/tls".to_owned()),
        labels: texts("{{ .value }}"),
        annotations: texts("{{ nonsense"),
        from: vec![from(TemplateScope::Labels, Some("rendered: '{{ .value }}'"), TemplateAs::KeysAndValues)],
        ..Template::default()
    };
    let mut declaration = declared("ConfigMap", Some(template));
    declaration.target.immutable = true;
    let with = desired(&declaration, "", None);
    assert_eq!((with.labels["note"].as_str(), with.labels["rendered"].as_str()), ("{{ .value }}", "v-1"));
    assert_eq!(with.annotations["note"], "{{ nonsense");
    assert_eq!((with.kind, with.immutable, with.data.len()), (None, false, 0));

    let without = desired(&declared("ConfigMap", None), "", None);
    assert_eq!((without.labels["own"].as_str(), without.labels[MANAGED_LABEL].as_str()), ("x", "true"));
    // Go's `%+v` of the data is `map[value:v-1]`.
    assert_eq!(without.annotations[DATA_HASH_ANNOTATION], pawl_domain::hash::of_text("map[value:v-1]"));
}

#[test]
fn what_stands_there_is_kept_under_merge_only() {
    let existing =
        standing(json!({ "data": { "foreign": "1", "value": "old" }, "binaryData": { "b": "AA==" } }));
    let mut declaration = declared("ConfigMap", None);
    assert_eq!(made(&declaration, "", Some(&existing)), json!({ "data": { "value": "v-1" } }));
    for creation in [CreationPolicy::Merge, CreationPolicy::CreateOrMerge] {
        declaration.target.creation = creation;
        let content = made(&declaration, "", Some(&existing));
        assert_eq!(content["data"], json!({ "foreign": "1", "value": "v-1" }), "{creation:?}");
    }

    let after = desired(&declaration, "", Some(&existing));
    let written = Existing {
        labels: after.labels,
        annotations: after.annotations,
        owners: after.owners,
        content: after.content,
        ..existing
    };
    assert!(written.is_as_written());
    let again = decide(&declaration, &rendered(&declaration, "").unwrap(), Some(&written));
    assert!(matches!((again.action, again.outcome), (Action::Leave, Ok(Outcome::Unchanged))));
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    let declaration =
        |at: &str| declared("Limit", Some(Template { from: vec![literal(at, "x")], ..Template::default() }));
    let mut merging = declaration("spec.a.b");
    merging.target.creation = CreationPolicy::Merge;
    let existing = standing(json!({ "spec": { "a": "a text" } }));
    let decision = decide(&merging, &rendered(&merging, "").unwrap(), Some(&existing));
    let refused = Refused::Misplaced {
        kind: "Limit".to_owned(),
        target: "my-es".parse().unwrap(),
        path: "spec.a.b".to_owned(),
    };
    assert_eq!(decision.outcome, Err(refused));
    for at in ["metadata.ownerReferences", "apiVersion", "kind", "status.x", "spec[10001]", "[0]"] {
        assert!(Recipe::of(&declaration(at), &given::FUNCTIONS).is_err(), "{at}");
    }
}

#[test]
fn content_shows_nothing_and_is_printed_as_go_does() {
    let content = standing(json!({ "spec": { "password": "canary" } })).content.unwrap();
    let placement = &content.placements()[0];
    assert!(!format!("{content:?} {placement:?}").contains("canary"));
    let document = json!({ "b": [1, 1.5, true, null, "x"], "a": { "z": 1e21, "y": {} }, "c": "" });
    let want = "map[a:map[y:map[] z:1e+21] b:[1 1.5 true <nil> x] c:]";
    assert_eq!(pawl_domain::hash::printed(&document), want);
}

#[test]
fn kinds_that_give_power_are_forbidden() {
    let forbidden = |api_version: &str| {
        Manifest { api_version: api_version.to_owned(), kind: "X".to_owned() }.is_forbidden()
    };
    for group in
        ["external-secrets.io", "generators.external-secrets.io", "pawl.dev", "rbac.authorization.k8s.io"]
    {
        assert!(forbidden(&format!("{group}/v1")), "{group}");
    }
    for api_version in ["v1", "argoproj.io/v1alpha1", "not-external-secrets.io/v1"] {
        assert!(!forbidden(api_version), "{api_version}");
    }
}
