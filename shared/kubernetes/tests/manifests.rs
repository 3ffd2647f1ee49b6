//! Every folder in `tests/manifests`: an input, and the whole of what is read from it.
//!
//! `PAWL_REGENERATE=1` writes what is read in place of what is expected; look at the difference before keeping it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_domain::Home;
use pawl_domain::cluster::{Cluster, Connection};
use pawl_kubernetes::manifests::{ParseOptions, parse};
use pawl_pipeline::Manifests;
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
    let Manifests { declarations, stores, clusters, problems, unserved: _, standing: _ } =
        parse(&text, "input.yaml", &options);
    let problems: Vec<String> =
        problems.iter().map(|problem| format!("{:?} {problem}", problem.severity)).collect();
    json!({ "declarations": declarations, "stores": stores, "clusters": clusters, "problems": problems })
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
    let text = include_str!("../../../infra/kubernetes/cluster.example.yaml");
    let found = parse(text, "cluster.example.yaml", &ParseOptions::new(Home::Applied));
    assert_eq!(found.problems, []);
    let names: Vec<&str> = found.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(names, ["shop-eu", "laptop", "data-centre"]);
}
