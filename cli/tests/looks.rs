//! The commands that look, where the cluster is not there: each says what it knows and what it cannot.

use crate::pawl::Pawl;
use std::process::Command;

const DECLARATIONS: &str = "
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop, labels: {team: shop}}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  data: [{secretKey: p, remoteRef: {key: app, version: v1}}]
";
const ID: &str = "blue/shop/db";

#[test]
fn each_says_what_it_knows_and_what_it_cannot() {
    let pawl = Pawl::with(DECLARATIONS);
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
    let pawl = Pawl::with(DECLARATIONS);
    let planned = pawl.json("plan -f manifests.yaml --clusters --cluster blue");
    assert_eq!(planned["targets"][0]["declaration"], ID);
    assert_eq!(planned["targets"][0]["change"], "failed");
    let status = pawl.json("status -l team=other");
    assert_eq!(status[0]["is"], "0 in 0 clusters");
    assert_eq!(status[3]["metric"], "pawl_declarations_failing");
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let pawl = Pawl::with(DECLARATIONS);
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" get --watch | head -1", env!("CARGO_BIN_EXE_pawl")]);
    let output = shell.current_dir(pawl.path()).env("HOME", pawl.path()).output().unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("DECLARATION") && complained.is_empty(), "{said}{complained}");
}
