//! Every folder in `tests/manifests`: an input, and the whole of what is read from it.
//!
//! `PAWL_REGENERATE=1` writes what is read in place of what is expected; look at the difference before keeping it.

use pawl_domain::cluster::{Cluster, Connection};
use pawl_domain::spread::Pattern;
use pawl_domain::{Home, Manifests, Query, Remote, Rule, Rules};
use pawl_manifests::{ParseOptions, parse};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

#[test]
fn every_input_gives_what_is_expected() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    for case in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        cases += 1;
        let found = read(&case);
        let expected = case.join("expected.json");
        if std::env::var_os("PAWL_REGENERATE").is_some() {
            fs::write(&expected, format!("{found:#}\n")).unwrap();
        }
        let text = fs::read_to_string(&expected).unwrap_or_default();
        if serde_json::from_str::<Value>(&text).ok().as_ref() != Some(&found) {
            wrong.push(format!("{}:\n{found:#}", case.display()));
        }
    }
    assert!(cases > 0);
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

fn read(case: &Path) -> Value {
    let text = fs::read_to_string(case.join("input.yaml")).unwrap();
    let mut options = ParseOptions::new(Home::Applied);
    if let Ok(text) = fs::read_to_string(case.join("options.json")) {
        let given: Value = serde_json::from_str(&text).unwrap();
        let given = given.as_object().unwrap();
        for (name, value) in given {
            match name.as_str() {
                "home" => options.home = serde_json::from_value(value.clone()).unwrap(),
                "defaultClusters" => {
                    options.default_clusters = serde_json::from_value(value.clone()).unwrap()
                }
                "defaultNamespace" => {
                    options.default_namespace = serde_json::from_value(value.clone()).unwrap()
                }
                "clusters" => options.clusters = clusters(value),
                "anyCluster" => options.any_cluster = value.as_bool().unwrap(),
                "class" => options.class = value.as_str().unwrap().to_owned(),
                other => panic!("unknown option {other}"),
            }
        }
    }
    let Manifests { declarations, pushes, patterns, stores, clusters, policies, problems, standing: _ } =
        parse(&text, "input.yaml", &options);
    let problems: Vec<String> =
        problems.iter().map(|problem| format!("{:?} {problem}", problem.severity)).collect();
    // A policy has no form but its manifest and its document.
    let policies: Vec<String> = policies.iter().map(|policy| format!("{policy:?}")).collect();
    let mut found = json!({ "policies": policies, "declarations": declarations, "stores": stores, "clusters": clusters, "problems": problems });
    if !pushes.is_empty() {
        found["pushes"] = pushes
            .iter()
            .map(|push| serde_json::from_str::<Value>(&pawl_documents::body(push)).unwrap())
            .collect();
    }
    if !patterns.is_empty() {
        let pattern = |each: &Pattern| json!({ "name": each.name, "selection": each.selection, "declaration": each.declaration });
        found["patterns"] = patterns.iter().map(pattern).collect();
    }
    found
}

/// Known clusters, given as `{"<name>": {<labels>}}`.
fn clusters(given: &Value) -> Vec<Cluster> {
    let cluster = |(name, labels): (&String, &Value)| Cluster {
        name: name.parse().unwrap(),
        labels: serde_json::from_value(labels.clone()).unwrap(),
        connection: Connection::Kubeconfig { path: "kubeconfig".to_owned(), context: None },
        index: false,
        namespaces: [].into(),
    };
    given.as_object().unwrap().iter().map(cluster).collect()
}

#[test]
fn the_example_of_clusters_is_one() {
    let text = include_str!("../../../../infra/kubernetes/cluster.example.yaml");
    let found = parse(text, "cluster.example.yaml", &ParseOptions::new(Home::Applied));
    assert_eq!(found.problems, []);
    let names: Vec<&str> = found.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(names, ["shop-eu", "laptop", "data-centre"]);
}

/// The manifests of an example of the documentation, by its first line.
fn example(name: &str) -> Manifests {
    let text = include_str!("../../../../docs/store-policy.md");
    let blocks = text.split("\n```yaml\n").skip(1).filter_map(|block| block.split("\n```").next());
    let mut found = blocks.filter(|block| block.starts_with(name));
    let block = found.next().unwrap_or_else(|| panic!("no example {name}"));
    let manifests = parse(block, "store-policy.md", &ParseOptions::new(Home::Applied));
    assert_eq!(manifests.problems, [], "{name}");
    manifests
}

/// The rule that refuses each read: of a store, a key, in a namespace of cluster `prod-1`.
fn judged(policies: &str, stores: &str, cases: &[(&str, &str, &str, Option<Rule>)]) {
    let rules = Rules { policies: example(policies).policies, ..Rules::default() };
    assert!(!rules.policies.is_empty());
    for (name, key, namespace, want) in cases {
        let home = if *name == "platform" { Home::Applied } else { Home::Cluster("prod-1".parse().unwrap()) };
        let stores = parse(stores, "stores", &ParseOptions::new(home)).stores;
        let store = stores.iter().find(|store| store.id.name.as_str() == *name).unwrap();
        let query = Query::Key(Remote { key: (*key).to_owned(), ..Remote::default() });
        let decided = rules.permit(store, &query, &"prod-1".parse().unwrap(), &namespace.parse().unwrap());
        assert_eq!(decided.err().map(|refusal| refusal.rule), *want, "{name} {key} {namespace}");
    }
}

const STORES: &str = r#"
{ apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: { name: own },
  spec: { provider: { aws: { service: SecretsManager, region: eu-central-1 } } } }
---
{ apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: { name: platform },
  spec: { provider: { aws: { service: SecretsManager, region: eu-central-1 } } } }
---
{ apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: { name: role },
  spec: { provider: { aws: { service: SecretsManager, region: eu-central-1, role: "arn:aws:iam::123456789012:role/team-payments" } } } }
---
{ apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: { name: vault },
  spec: { provider: { vault: { server: "https://vault.example.com:8200", path: secret } } } }
---
{ apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: { name: ci },
  spec: { provider: { vault: { server: "https://vault.ci.example.com", path: secret } } } }
---
{ apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: { name: local },
  spec: { provider: { vault: { server: "http://127.0.0.1:8200", path: secret } } } }
"#;

#[test]
fn the_example_of_every_field_is_a_policy() {
    let policies =
        example("apiVersion: pawl.dev/v1alpha1\nkind: StorePolicy\nmetadata: { name: payments }").policies;
    assert!(policies[0].allow.own_identity && policies[0].allow.addresses.len() == 1);
}

#[test]
fn the_example_of_teams_gives_each_its_own() {
    judged(
        "# example: teams",
        STORES,
        &[
            ("own", "payments/db", "payments", None),
            ("own", "payments/db", "payments-eu", None),
            ("role", "payments/db", "payments", None),
            ("own", "orders/db", "payments", Some(Rule::Key)),
            ("own", "payments/db", "orders", Some(Rule::OwnIdentity)),
            ("role", "payments/db", "orders", Some(Rule::Role)),
            ("vault", "orders/db", "orders", None),
            ("ci", "orders/db", "orders", Some(Rule::Host)),
            ("ci", "any", "payments", None),
            ("own", "payments/db", "paymentsx", Some(Rule::OwnIdentity)),
        ],
    );
}

#[test]
fn the_example_of_a_platform_store_divides_it_by_namespace() {
    judged(
        "# example: platform",
        STORES,
        &[
            ("platform", "payments/db", "payments", None),
            ("platform", "public/ca", "payments", None),
            ("platform", "public/ca", "orders", None),
            ("platform", "payments/db", "orders", Some(Rule::Key)),
            ("own", "public/ca", "payments", Some(Rule::OwnIdentity)),
        ],
    );
}

#[test]
fn the_example_of_a_hostile_namespace_leaves_it_one_server() {
    judged(
        "# example: hostile",
        STORES,
        &[
            ("own", "public/ca", "ci-untrusted", Some(Rule::OwnIdentity)),
            ("role", "public/ca", "ci-untrusted", Some(Rule::Role)),
            ("ci", "any", "ci-untrusted", None),
            ("vault", "any", "ci-untrusted", Some(Rule::Host)),
            ("local", "any", "ci-untrusted", Some(Rule::Host)),
            ("local", "any", "elsewhere", Some(Rule::Address)),
        ],
    );
}
