//! The commands that look, where the cluster is not there: each says what it knows and what it cannot.

use crate::pawl::Pawl;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

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
        ("diff blue/shop/db -l team=other", 1, &["blue/shop/db: no declaration is registered there"]),
        ("who app", 0, &["blue/shop/db", "data[0]", "  -  "]),
        (
            "who app --workloads",
            1,
            &["unknown", "what runs in namespace shop of cluster blue is not known: "],
        ),
        ("who nobody", 1, &["nobody reads this key"]),
        ("wait app --timeout 18446744073709551615", 2, &["--timeout"]),
        ("clusters import --eks --region eu-west-1,", 2, &["--region"]),
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

/// Names of keys are other people's, and may hold what wipes a screen or moves its cursor.
#[test]
fn what_is_shown_does_not_steer_a_terminal() {
    let pawl = Pawl::with(&DECLARATIONS.replace("key: app,", r#"key: "app\e[2J\n\x9b1A","#));
    for command in ["get", "get -o wide", "get -o json", &format!("explain {ID} --offline")] {
        let said = pawl.well(command);
        let wild = said.chars().find(|sign| sign.is_control() && *sign != '\n');
        assert_eq!(wild, None, "{command}: {said:?}");
        assert!(said.contains("app"), "{command}: {said}");
    }
    assert_eq!(pawl.json("get")[0]["keys"][0], "app\u{1b}[2J\n\u{9b}1A");
    assert_eq!(pawl.well("get").lines().count(), 2);
}

#[test]
fn what_cannot_be_written_is_no_success_and_who_does_not_listen_is_no_failure() {
    let pawl = Pawl::with(DECLARATIONS);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = pawl.command("get").stdout(full).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("pawl: the output could not be written"), "{said}");
    // Its end of the pipe is closed before the program says anything.
    let (listener, speaker) = std::io::pipe().unwrap();
    drop(listener);
    let status = pawl.command("who nobody").stderr(speaker).stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1), "as where somebody listens");
}

#[test]
fn arguments_that_are_no_text_are_refused_and_files_may_be_called_so() {
    let pawl = Pawl::with(DECLARATIONS);
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9");
    for (verb, code) in [("who", 2), ("history", 2), ("diff", 2), ("migrate", 2), ("explain", 1)] {
        let output = pawl.command(verb).arg(odd).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{verb}");
    }
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
