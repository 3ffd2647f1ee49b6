//! Commands over a local registry leave AWS alone: they need no region, and do not look for one on the machine.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use crate::pawl::command;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

const MANIFESTS: &str = "
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: fake}
spec: {provider: {fake: {data: [{key: app, value: x}]}}}
";
const EVENT: &str = r#"{"apiVersion":"pawl.dev/v1alpha1","kind":"Change","provider":"secrets-manager","region":"eu-central-1","keys":["a"]}"#;

#[test]
fn aws_is_not_asked_by_who_does_not_need_it() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("manifests.yaml"), MANIFESTS).unwrap();
    std::fs::write(directory.path().join("event.json"), EVENT).unwrap();
    // Where the SDK would look for the region of the machine that it runs on.
    let metadata = TcpListener::bind("127.0.0.1:0").unwrap();
    metadata.set_nonblocking(true).unwrap();
    for (arguments, code) in [
        ("apply -f manifests.yaml", 0),
        ("get", 0),
        ("get stores", 0),
        ("explain event.json", 0),
        ("explain blue/shop/db", 1),
        ("plan -f manifests.yaml", 0),
        ("diff blue/shop/db", 1),
        ("history blue/shop/db", 1),
        ("status", 0),
        ("report", 0),
        ("jobs list", 0),
        ("jobs redrive --all", 0),
        ("delete cluster blue --force", 1),
        ("sync nobody/reads-this", 1),
        ("sweep --all", 0),
    ] {
        let output = run(directory.path(), arguments, &metadata);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert!(stderr.lines().count() <= 1 && !stderr.contains("region"), "{arguments}: {stderr}");
        let asked = metadata.accept().map_err(|error| error.kind());
        assert_eq!(asked.map(drop), Err(ErrorKind::WouldBlock), "{arguments} asked the metadata service");
    }
}

fn run(directory: &Path, arguments: &str, metadata: &TcpListener) -> Output {
    command(directory, arguments)
        .env("PAWL_UNSAFE_FAKE_STORES", "1")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", metadata.local_addr().unwrap()))
        .output()
        .unwrap()
}
