//! Vault at work with Pawl: a write of a key reaches two clusters through its audit record. Run it with
//! `make demo-vault`.
//!
//! The server is a double with recorded semantics, or the real one that `PAWL_TEST_VAULT_BIN` names (OpenBao or Vault).
//! The double writes its audit log to Pawl's socket, as Vault's `socket` device does; the log of a real one is a file
//! that Pawl follows. Everything else is real but the two Kubernetes API servers, which are embedded.

mod vault;

use pawl_e2e::show::{self, act, fact};
use pawl_e2e::{Error, Result, Server, Stage, until};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use vault::Source;

const CLUSTERS: [&str; 2] = ["blue", "green"];
const NAMESPACE: &str = "shop";

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => show::failure(&error, ""),
    }
}

async fn play() -> Result<()> {
    act("The stage");
    let stage = Stage::start(&CLUSTERS).await?;
    let mut source = Source::start(&stage).await?;
    fact(&source.told());
    for cluster in stage.clusters() {
        fact(&format!("cluster {}: an embedded Kubernetes API server, on {}", cluster.name(), cluster.url()));
        cluster.put(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "vault-token", "namespace": NAMESPACE },
            "stringData": { "token": source.token() },
        }))?;
    }
    let mut arguments = vec!["--sweep", "24h", "--index", "24h"];
    let audit = source.audit_arguments();
    arguments.extend(audit.iter().map(String::as_str));
    let server = Server::start(&stage, &arguments).await?;
    source.connect().await;
    fact(&format!("pawl serve {}, on {}", audit.join(" "), server.url()));
    let told = acts(&stage, &source, &server).await;
    if told.is_err() {
        show::line(&server.log());
    }
    told
}

async fn acts(stage: &Stage, source: &Source, server: &Server) -> Result<()> {
    act("Apply: a ClusterSecretStore of Vault and an ExternalSecret with a template, to both clusters");
    let mut passwords = vec![pawl_e2e::examples::password()];
    source.write("app/db", &json!({ "user": "ada", "password": passwords[0] })).await?;
    let clusters = stage.path("clusters.yaml").display().to_string();
    stage.pawl(&["apply", "-f", &clusters]).await?.well()?;
    let manifests = stage.write("vault.yaml", &manifests(source.address()))?.display().to_string();
    let arguments = ["apply", "-f", &manifests, "--cluster", CLUSTERS[0], "--cluster", CLUSTERS[1]];
    for line in stage.pawl(&arguments).await?.well()?.lines() {
        fact(&line.replace(&manifests, "vault.yaml"));
    }
    let took = arrival(stage, &passwords[0]).await?;
    fact(&format!("Secret {NAMESPACE}/db stands in both clusters, {} later", show::time(took)));
    stage.settled().await?;

    act("Write: secret/app/db gets a new password in Vault, and nobody tells Pawl but the audit log");
    passwords.push(pawl_e2e::examples::password());
    stage.reset_calls();
    source.forget_calls();
    let body = json!({ "user": "ada", "password": passwords[1] });
    let (written, took) = tokio::join!(source.write("app/db", &body), arrival(stage, &passwords[1]));
    written?;
    fact("the connection string changed in blue and green");
    fact(&format!("{} from before the write to the last cluster's Secret", show::time(took?)));
    if let Some(calls) = source.reads() {
        fact(&format!("reads of Vault by Pawl: {calls} (each cluster has a token of its own)"));
    }
    fact(&format!("calls to the clusters: {}", show::calls(&cluster_calls(stage))));

    act("Read: a key is read, and nothing happens");
    stage.settled().await?;
    stage.reset_calls();
    source.read("app/db").await?;
    source.write("app/other", &json!({ "a": "b" })).await?;
    let metric = "pawl_audit_records_total";
    fact(&format!("audit records taken in so far: {}", server.metrics().await?.count(metric, &[])));
    let calls = cluster_calls(stage);
    if !calls.is_empty() {
        return Err(Error::Otherwise(format!("nothing had to be asked, there were {}", show::calls(&calls))));
    }
    fact("calls to the clusters: none");

    act("Search: do the passwords show up in Pawl's log?");
    let log = server.log();
    if let Some(password) = passwords.iter().find(|password| pawl_e2e::shows(&log, password)) {
        return Err(Error::Otherwise(format!("a password of {} characters is in the log", password.len())));
    }
    fact(&format!("not in its {} lines", log.lines().count()));
    Ok(())
}

fn manifests(address: &str) -> String {
    format!(
        r#"apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {{ name: vault }}
spec:
  provider:
    vault:
      server: {address}
      path: secret
      version: v2
      auth:
        tokenSecretRef: {{ name: vault-token, key: token, namespace: {NAMESPACE} }}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{ name: db, namespace: {NAMESPACE} }}
spec:
  secretStoreRef: {{ name: vault, kind: ClusterSecretStore }}
  target:
    template:
      data:
        url: "postgres://{{{{ .user }}}}:{{{{ .password }}}}@db:5432/shop"
  dataFrom:
    - extract: {{ key: app/db }}
"#
    )
}

/// Waits until the password is in the Secret of each cluster, and says how long that took.
async fn arrival(stage: &Stage, password: &str) -> Result<Duration> {
    let url = format!("postgres://ada:{password}@db:5432/shop").into_bytes();
    let stands = async || {
        let value = |cluster: &pawl_devcluster::DevCluster| cluster.secret_value(NAMESPACE, "db", "url");
        stage.clusters().iter().all(|cluster| value(cluster).as_ref() == Some(&url)).then_some(())
    };
    let ((), took) = until("the password in both clusters", stands).await?;
    Ok(took)
}

fn cluster_calls(stage: &Stage) -> BTreeMap<String, usize> {
    let calls: Vec<_> = stage.clusters().iter().flat_map(pawl_devcluster::DevCluster::calls).collect();
    pawl_devcluster::tally(&calls)
}
