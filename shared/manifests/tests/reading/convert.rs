//! Manifests of other tools, and the whole of what is made of them. Every folder in `tests/convert` is a case.
//!
//! `PAWL_REGENERATE=1` writes what is made in place of what is expected; look at the difference before keeping it.

use pawl_domain::{Home, Severity};
use pawl_manifests::convert::{Converted, Settings, convert};
use pawl_manifests::{ParseOptions, from_object};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

#[test]
fn manifests_of_other_tools_become_what_is_expected() {
    let (mut wrong, mut cases) = (Vec::new(), 0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convert");
    for case in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        cases += 1;
        let found = made(&case);
        let problems: Vec<String> =
            found.problems.iter().map(|problem| format!("{:?} {problem}", problem.severity)).collect();
        let found = json!({ "manifests": found.manifests, "problems": problems });
        let expected = case.join("expected.json");
        if std::env::var_os("PAWL_REGENERATE").is_some() {
            fs::write(&expected, format!("{found:#}\n")).unwrap();
        }
        let text = fs::read_to_string(&expected).unwrap_or_default();
        if serde_json::from_str::<Value>(&text).ok().as_ref() != Some(&found) {
            wrong.push(format!("{}:\n{found:#}", case.display()));
        }
    }
    assert!(cases > 2);
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// What is made can be applied as it is.
#[test]
fn what_is_made_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convert");
    for case in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let options = ParseOptions { any_cluster: true, ..ParseOptions::new(Home::Applied) };
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": made(&case).manifests });
        let read = from_object(list, "made", &options);
        let errors: Vec<String> = read
            .problems
            .iter()
            .filter(|it| it.severity == Severity::Error)
            .map(ToString::to_string)
            .collect();
        assert_eq!(errors, [""; 0], "{}", case.display());
        assert!(!read.declarations.is_empty() && !read.stores.is_empty(), "{}", case.display());
    }
}

/// What the other tools took from their own environment must be said.
#[test]
fn what_manifests_leave_to_the_operator_is_asked_for() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convert/kes/input.yaml"));
    let text = text.unwrap();
    let Converted { manifests, problems } = convert(&[("input.yaml", &text)], &Settings::default());
    let told = |object: &str, what: &str| {
        problems.iter().any(|problem| problem.object.ends_with(object) && problem.message.contains(what))
    };
    assert!(told("shop/old", "--region"), "{problems:?}");
    assert!(told("shop/vault", "--vault"), "{problems:?}");
    assert!(told("shop/azure", "--service-account"), "{problems:?}");
    let names: Vec<&str> = manifests.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["kes-secretsmanager-us-east-1-test-role", "hello-service"], "nothing is made in part");
}

fn made(case: &Path) -> Converted {
    let text = fs::read_to_string(case.join("input.yaml")).unwrap();
    let given: Value =
        serde_json::from_str(&fs::read_to_string(case.join("settings.json")).unwrap()).unwrap();
    let text_of = |name: &str| given[name].as_str().map(str::to_owned);
    let settings = Settings {
        region: text_of("region"),
        vault: text_of("vault"),
        service_account: text_of("serviceAccount").map(|name| name.parse().unwrap()),
    };
    convert(&[("input.yaml", &text)], &settings)
}
