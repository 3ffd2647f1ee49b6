//! The cluster as kubectl sees it, with the kubectl of `KUBEBUILDER_ASSETS`.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use pawl_devcluster::{DevCluster, Options};
use serde_json::json;
use tokio::process::Command;

const MANIFESTS: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: app, labels: {team: a}}
stringData: {user: joe}
---
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata: {name: app}
spec: {refreshInterval: 1h, secretStoreRef: {name: aws, kind: SecretStore}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: aws}
spec: {provider: {aws: {service: SecretsManager, region: eu-west-1}}}
"#;

/// kubectl with a kubeconfig and a home of its own.
struct Kubectl {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Kubectl {
    fn of(cluster: &DevCluster) -> Self {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").unwrap();
        let program = Path::new(&assets).join("kubectl");
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("kubeconfig"), cluster.kubeconfig()).unwrap();
        Self { program, home }
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
        path.display().to_string()
    }

    /// What kubectl prints, errors included.
    async fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.program)
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("kubeconfig"))
            .args(arguments)
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(std::time::Duration::from_secs(60), output).await.unwrap().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).unwrap()
    }
}

#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn kubectl_applies_reads_changes_and_deletes() {
    let cluster = DevCluster::start(Options::named("kubectl")).await.unwrap();
    let kubectl = Kubectl::of(&cluster);
    let file = kubectl.file("first.yaml", MANIFESTS);
    let created = "secret/app created\nexternalsecret.external-secrets.io/app created\n\
                   clustersecretstore.external-secrets.io/aws created\n";
    assert_eq!(kubectl.run(&["apply", "-f", &file]).await, created);
    assert_eq!(cluster.secret_value("default", "app", "user").unwrap(), b"joe");

    let second = kubectl.file("second.yaml", &MANIFESTS.replace("1h", "2h").replace("team: a", "team: b"));
    let applied = kubectl.run(&["apply", "-f", &second]).await;
    assert!(applied.contains("externalsecret.external-secrets.io/app configured"), "{applied}");
    assert!(applied.contains("clustersecretstore.external-secrets.io/aws unchanged"), "{applied}");
    let stored = cluster.get("externalsecrets", "default", "app").unwrap();
    assert_eq!(stored["spec"]["refreshInterval"], "2h");
    assert_eq!(cluster.secret("default", "app").unwrap()["metadata"]["labels"], json!({"team": "b"}));

    let table = kubectl.run(&["get", "externalsecrets"]).await;
    let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words, ["app", "SecretStore", "aws", "2h"]);
    let table = kubectl.run(&["get", "secrets", "--all-namespaces"]).await;
    assert!(table.lines().nth(1).unwrap().starts_with("default     app    Opaque   1"), "{table}");

    kubectl.run(&["annotate", "secret", "app", "a=b"]).await;
    kubectl.run(&["patch", "secret", "app", "-p", r#"{"stringData":{"user":"jim"}}"#]).await;
    assert_eq!(cluster.secret_value("default", "app", "user").unwrap(), b"jim");
    assert_eq!(cluster.secret("default", "app").unwrap()["metadata"]["annotations"]["a"], "b");

    let made = kubectl.run(&["create", "secret", "generic", "made", "--from-literal=k=v"]).await;
    assert_eq!(made, "secret/made created\n");
    assert_eq!(cluster.secret_value("default", "made", "k").unwrap(), b"v");
    assert_eq!(kubectl.run(&["create", "namespace", "team"]).await, "namespace/team created\n");
    assert_eq!(kubectl.run(&["auth", "can-i", "get", "secrets"]).await, "yes\n");

    kubectl.run(&["apply", "--server-side", "--force-conflicts", "-f", &file]).await;
    assert_eq!(cluster.get("externalsecrets", "default", "app").unwrap()["spec"]["refreshInterval"], "1h");

    let deleted = kubectl.run(&["delete", "-f", &file]).await;
    assert!(deleted.contains("secret \"app\" deleted"), "{deleted}");
    assert_eq!(kubectl.run(&["delete", "namespace", "team"]).await, "namespace \"team\" deleted\n");
    let missing = kubectl.run(&["get", "secret", "app"]).await;
    assert_eq!(missing, "Error from server (NotFound): secrets \"app\" not found\n");
}
