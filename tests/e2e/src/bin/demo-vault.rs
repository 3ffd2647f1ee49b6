//! Vault at work with Pawl: a write of a key reaches two clusters through its audit record. Run it with
//! `make demo-vault`.
//!
//! The server is a double with recorded semantics, or the real one that `PAWL_TEST_VAULT_BIN` names (OpenBao or Vault).
//! The double writes its audit log to Pawl's socket, as Vault's `socket` device does; the log of a real one is a file
//! that Pawl follows. Everything else is real but the two Kubernetes API servers, which are embedded.

use pawl_e2e::show::{self, act, fact};
use pawl_e2e::vault::{NAMESPACE, Source, arrival, give_token, manifests};
use pawl_e2e::{Error, Result, Server, Stage};
use serde_json::json;
use std::process::ExitCode;

const CLUSTERS: [&str; 2] = ["blue", "green"];

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
        give_token(cluster, source.token())?;
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
    stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
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
    fact(&format!("calls to the clusters: {}", show::calls(&stage.cluster_calls())));

    act("Read: a key is read, and nothing happens");
    stage.settled().await?;
    stage.reset_calls();
    source.read("app/db").await?;
    source.write("app/other", &json!({ "a": "b" })).await?;
    let metric = "pawl_audit_records_total";
    fact(&format!("audit records taken in so far: {}", server.metrics().await?.count(metric, &[])));
    let calls = stage.cluster_calls();
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
