//! The runbooks of `docs/runbooks.md`, step by step, with the commands that they name.

use pawl_e2e::examples::{self, WITH_SERVICE_ACCOUNT};
use pawl_e2e::{Result, Server, Stage, until};
use serde_json::Value;

/// A server that does nothing on a schedule of its own, so that only what a runbook says brings anything about.
const QUIET: [&str; 4] = ["--sweep", "24h", "--index", "24h"];

/// What the local registry, ledger and job queue consist of.
const STATE: [&str; 3] = ["pawl.db", "pawl.db-wal", "pawl.db-shm"];

/// The key of the digests in the ledger.
const KEY: &str = "pawl.db.key";

#[tokio::test]
async fn a_lost_registry_is_applied_again_and_no_secret_is_written() -> Result<()> {
    let (stage, password) = running().await?;
    let before = written(&stage, "blue");
    for file in STATE.into_iter().chain([KEY]) {
        let _ = std::fs::remove_file(stage.path(file));
    }
    stage.reset_calls();
    apply(&stage, &[]).await?;
    stage.pawl(&["sweep", "--all"]).await?.well()?;
    stage.settled().await?;
    assert_eq!(written(&stage, "blue"), before, "what stands as it should is not touched");
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "blue", &password));
    rotates(&stage, "blue").await
}

#[tokio::test]
async fn a_restored_registry_takes_no_secret_back() -> Result<()> {
    let (stage, _) = running().await?;
    for file in STATE {
        let _ = std::fs::copy(stage.path(file), stage.path(&format!("{file}.backup")));
    }
    rotates(&stage, "blue").await?;
    let before = written(&stage, "blue");
    for file in STATE {
        let _ = std::fs::remove_file(stage.path(file));
        let _ = std::fs::rename(stage.path(&format!("{file}.backup")), stage.path(file));
    }
    apply(&stage, &[]).await?;
    stage.pawl(&["sweep", "--all"]).await?.well()?;
    stage.settled().await?;
    assert_eq!(written(&stage, "blue"), before, "the newer value stays, and is not written once more");
    rotates(&stage, "blue").await
}

#[tokio::test]
async fn a_lost_ledger_key_costs_one_comparison() -> Result<()> {
    let (stage, password) = running().await?;
    let before = written(&stage, "blue");
    std::fs::remove_file(stage.path(KEY)).unwrap();
    stage.pawl(&["sweep", "--all"]).await?.well()?;
    stage.settled().await?;
    assert!(stage.path(KEY).exists(), "another key was made");
    assert_eq!(written(&stage, "blue"), before);
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "blue", &password));
    rotates(&stage, "blue").await
}

#[tokio::test]
async fn a_cluster_that_was_made_anew_is_filled_again() -> Result<()> {
    let (stage, password) = running().await?;
    // The same name, another server, authority and token, and nothing in it but namespaces and accounts.
    let anew = &stage.clusters()[1];
    let manifest = stage.declare("blue", &anew.url(), anew.ca_pem(), anew.token())?;
    stage.write("clusters.yaml", &manifest)?;
    let refused = stage.pawl(&["apply", "--clusters", "--file", &path(&stage, "clusters.yaml")]).await?;
    assert_eq!(refused.code, 1, "a known cluster does not move unnoticed: {refused:?}");
    apply(&stage, &["--allow-cluster-changes"]).await?;
    stage.pawl(&["sweep", "--all"]).await?.well()?;
    stage.settled().await?;
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "green", &password), "{:?}", written(&stage, "green"));
    rotates(&stage, "green").await
}

/// A Pawl that has written the examples to `blue`; `green` is another cluster that it does not know. Nothing runs.
async fn running() -> Result<(Stage, String)> {
    let stage = Stage::start(&["blue", "green"]).await?;
    examples::furnish(&stage)?;
    let password = examples::password();
    for example in examples::ALL {
        example.create(&stage, &password).await?;
    }
    let blue = &stage.clusters()[0];
    let manifest = stage.declare("blue", &blue.url(), blue.ca_pem(), blue.token())?;
    stage.write("clusters.yaml", &manifest)?;
    stage.write("examples.yaml", examples::MANIFESTS)?;
    apply(&stage, &[]).await?;
    stage.settled().await?;
    Ok((stage, password))
}

async fn apply(stage: &Stage, more: &[&str]) -> Result<()> {
    let (clusters, manifests) = (path(stage, "clusters.yaml"), path(stage, "examples.yaml"));
    let files = ["apply", "--clusters", "--now", "--file", &clusters, "--file", &manifests];
    stage.pawl(&[&files, more].concat()).await?.well().map(drop)
}

fn path(stage: &Stage, file: &str) -> String {
    stage.path(file).display().to_string()
}

/// The versions of the targets in a cluster: they change with every write.
fn written(stage: &Stage, cluster: &str) -> Vec<Option<Value>> {
    let version = |example: &examples::Example| {
        let secret = stage.find(cluster)?.secret(example.namespace, example.secret)?;
        Some(secret["metadata"]["resourceVersion"].clone())
    };
    examples::ALL.iter().map(version).collect()
}

/// What comes after each runbook: an event brings a new value as ever.
async fn rotates(stage: &Stage, cluster: &str) -> Result<()> {
    let server = Server::start(stage, &QUIET).await?;
    let password = examples::password();
    let version = WITH_SERVICE_ACCOUNT.rotate(stage, &password).await?;
    assert_eq!(server.send(&WITH_SERVICE_ACCOUNT.event(&version)).await?.status, 200);
    let look = async || WITH_SERVICE_ACCOUNT.holds(stage, cluster, &password).then_some(());
    until("the arrival of the password", look).await?;
    server.tell_to_stop().await?;
    server.finished().await.map(drop)
}
