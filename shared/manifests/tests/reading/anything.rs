//! Whatever stands in a manifest, reading it ends, with objects or with problems.

use pawl_domain::{Declaration, Home, Severity, Store};
use pawl_manifests::{ParseOptions, from_object, held, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The seeds of the fuzz target, as far as they are one for each subject.
const SEEDS: [&str; 8] = [
    include_str!("../manifests/every-field/input.yaml"),
    include_str!("../manifests/template/input.yaml"),
    include_str!("../manifests/find-and-rewrite/input.yaml"),
    include_str!("../manifests/windows/input.yaml"),
    include_str!("../manifests/vault/input.yaml"),
    include_str!("../manifests/fake/input.yaml"),
    include_str!("../manifests/kubernetes/input.yaml"),
    include_str!("../manifests/crd/input.yaml"),
];

const EXAMPLE: &str = include_str!("../manifests/first-examples/input.yaml");

/// JSON whose fields are often those that mean something.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("ExternalSecret".to_owned()),
        Just("Retain".to_owned()),
        Just("1h".to_owned()),
        Just("{{ .value }}".to_owned()),
        Just("https://vault".to_owned()),
        Just("0 22 * * *".to_owned()),
        Just("name".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let field = prop::sample::select(vec![
        "name",
        "namespace",
        "labels",
        "annotations",
        "secretStoreRef",
        "kind",
        "target",
        "data",
        "dataFrom",
        "secretKey",
        "remoteRef",
        "key",
        "extract",
        "find",
        "regexp",
        "tags",
        "path",
        "rewrite",
        "transform",
        "merge",
        "sourceRef",
        "storeRef",
        "template",
        "metadata",
        "templateFrom",
        "literal",
        "configMap",
        "items",
        "type",
        "syncWindows",
        "windows",
        "schedule",
        "duration",
        "provider",
        "aws",
        "vault",
        "openBao",
        "fake",
        "service",
        "region",
        "auth",
        "jwt",
        "appRole",
        "kubernetes",
        "iam",
        "tokenSecretRef",
        "secretRef",
        "serviceAccountRef",
        "server",
        "caBundle",
        "conditions",
        "eks",
        "url",
        "refreshInterval",
        "deletionPolicy",
        "value",
        "other",
    ]);
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field.clone(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_object_of_a_known_kind_is_read_or_refused(
        kind in prop::sample::select(vec!["ExternalSecret", "SecretStore", "ClusterSecretStore", "Cluster"]),
        metadata in anything(),
        spec in anything(),
    ) {
        let group = if kind == "Cluster" { "pawl.dev/v1alpha1" } else { "external-secrets.io/v1" };
        let object = json!({ "apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec });
        let found = from_object(object, "here", &ParseOptions::new(Home::Cluster("blue".parse().unwrap())));
        let used = found.declarations.len() + found.stores.len() + found.clusters.len();
        let refused = found.problems.iter().any(|problem| problem.severity == Severity::Error);
        prop_assert!(used == 0 || !refused, "{:?}", found.problems);
        prop_assert!(used <= 1);
    }

    #[test]
    fn any_text_is_read_to_its_end(text in "\\PC{0,200}") {
        parse(&text, "here", &ParseOptions::new(Home::Applied));
    }

    #[test]
    fn what_is_taken_can_be_stored_and_read_back(which in 0..SEEDS.len(), at in any::<prop::sample::Index>(), cut in 0..40_usize, put in "[ -~\n]{0,8}") {
        let seed = SEEDS[which];
        let at = at.index(seed.len());
        let keeps = |end: &usize| seed.is_char_boundary(*end);
        let (Some(head), Some(tail)) = ((0..=at).rev().find(keeps), (at + cut..=seed.len()).find(keeps)) else {
            return Ok(());
        };
        let text = format!("{}{put}{}", &seed[..head], &seed[tail..]);
        let namespace = "shop".parse().unwrap();
        let mut options = ParseOptions::new(Home::Applied);
        options.any_cluster = true;
        let found = parse(&text, "here", &options);
        for declaration in &found.declarations {
            let stored = pawl_documents::write(declaration);
            prop_assert_eq!(&pawl_documents::read::<Declaration>("it", &stored).unwrap(), declaration);
        }
        for store in &found.stores {
            let stored = pawl_documents::write(store);
            prop_assert_eq!(&pawl_documents::read::<Store>("it", &stored).unwrap(), store);
        }
        held(&text, "here", &namespace);
    }

    #[test]
    fn a_damaged_manifest_hides_no_other(at in 0..EXAMPLE.len(), cut in 0..40_usize, put in "[ -~\n]{0,8}") {
        let cut = (at..(at + cut).min(EXAMPLE.len())).take_while(|at| EXAMPLE.is_char_boundary(*at)).count();
        let (head, tail) = (&EXAMPLE[..at], &EXAMPLE[at + cut..]);
        let whole = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: { name: whole, namespace: shop }\n\
                     spec: { secretStoreRef: { name: s }, data: [{ secretKey: a, remoteRef: { key: k } }] }\n";
        let text = format!("{whole}\n---\n{head}{put}{tail}\n---\n{}", whole.replace("whole", "last"));
        let found = parse(&text, "here", &ParseOptions::new(Home::Cluster("blue".parse().unwrap())));
        let names: Vec<&str> = found.declarations.iter().map(|one| one.id.name.as_str()).collect();
        prop_assert!(names.first() == Some(&"whole") && names.last() == Some(&"last"), "{names:?}");
    }
}
