//! The commands that look, where the cluster is not there: each says what it knows and what it cannot.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

const MANIFESTS: &str = "
apiVersion: pawl.dev/v1alpha1
kind: Cluster
metadata: {name: blue}
spec: {url: {url: 'https://127.0.0.1:9', tokenFile: TOKEN}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: fake}
spec: {provider: {fake: {data: [{key: app, value: canary-7f3c, version: v1}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop, labels: {team: shop}}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  data: [{secretKey: p, remoteRef: {key: app, version: v1}}]
";
const ID: &str = "blue/shop/db";

/// A folder with a registry in which that is applied; nobody has delivered it.
struct Pawl(tempfile::TempDir);

impl Pawl {
    fn new() -> Self {
        let pawl = Self(tempfile::tempdir().unwrap());
        let token = pawl.0.path().join("token");
        std::fs::write(&token, "t").unwrap();
        let manifests = MANIFESTS.replace("TOKEN", &token.display().to_string());
        std::fs::write(pawl.0.path().join("manifests.yaml"), manifests).unwrap();
        let (code, said) = pawl.run("apply --clusters -f manifests.yaml --cluster blue");
        assert_eq!(code, 0, "{said}");
        pawl
    }

    /// Its exit code, and all that it says.
    fn run(&self, command: &str) -> (i32, String) {
        let output = run(self.0.path(), command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("canary-7f3c"), "{command} shows a value: {said}");
        (output.status.code().unwrap(), said)
    }

    fn json(&self, command: &str) -> Value {
        let output = run(self.0.path(), &format!("{command} -o json"));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn run(folder: &Path, command: &str) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_pawl"))
        .args(command.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PAWL_UNSAFE_FAKE_STORES", "1")
        .env("PAWL_CLUSTER_FILES", folder)
        .output()
        .unwrap()
}

#[test]
fn each_says_what_it_knows_and_what_it_cannot() {
    let pawl = Pawl::new();
    for (command, code, parts) in [
        (
            &format!("explain {ID}")[..],
            0,
            &["its delivery waits in the job queue or for a sweep", "target as it stands  unknown: "][..],
        ),
        (&format!("explain {ID} --offline"), 0, &["its delivery waits in the job queue or for a sweep"]),
        (&format!("history {ID}"), 0, &["no write of it is remembered; pawl explain says how it fares"]),
        (
            &format!("diff {ID}"),
            1,
            &["blue/shop/db (Secret db)  failed", "targets: 0 create, 0 change, 0 delete, 1 failed"],
        ),
        ("diff blue/other", 1, &["blue/other: no declaration is registered there"]),
        (
            "diff blue/shop/db/more",
            2,
            &["name a cluster, <cluster>/<namespace> or <cluster>/<namespace>/<name>"],
        ),
        (
            "plan -f manifests.yaml --clusters --cluster blue",
            1,
            &["registry: 0 create, 0 change, 0 delete", "1 failed"],
        ),
        ("status", 0, &["declarations       1 in 1 clusters", "waiting            1"]),
        ("report", 1, &["wide access    ClusterSecretStore fake", "not looked at  cluster blue"]),
        ("get -o name -l team=shop", 0, &[ID]),
        ("get -l a,,b", 2, &["\"\" is no requirement"]),
    ] {
        let (ended, said) = pawl.run(command);
        assert_eq!(ended, code, "{command}: {said}");
        for part in parts {
            assert!(said.contains(part), "{command}: {part:?} is missing in: {said}");
        }
    }
}

#[test]
fn plans_and_differences_are_documents_for_programs() {
    let pawl = Pawl::new();
    let planned = pawl.json("plan -f manifests.yaml --clusters --cluster blue");
    assert_eq!(planned["targets"][0]["declaration"], ID);
    assert_eq!(planned["targets"][0]["change"], "failed");
    let status = pawl.json("status -l team=other");
    assert_eq!(status[0]["is"], "0 in 0 clusters");
    assert_eq!(status[3]["metric"], "pawl_declarations_failing");
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let pawl = Pawl::new();
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" get --watch | head -1", env!("CARGO_BIN_EXE_pawl")]);
    let output = shell.current_dir(pawl.0.path()).env("HOME", pawl.0.path()).output().unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("DECLARATION") && complained.is_empty(), "{said}{complained}");
}
