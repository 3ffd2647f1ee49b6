//! `pawl serve` watches clusters: what is applied, edited and deleted there is acted on at once, though nothing is due by the
//! clock for hours.

use pawl_devcluster::DevCluster;
use pawl_e2e::{Result, Server, Stage, until};
use serde_json::{Value, json};
use std::time::Duration;

const QUIET: [&str; 4] = ["--sweep", "24h", "--index", "24h"];
const CLUSTER: &str = "blue";
/// What one turn may take on a machine that does other things as well. Alone it takes some 200 ms.
const AT_ONCE: Duration = Duration::from_secs(10);
/// What is promised. On a busy machine the fastest of [`TURNS`] still shows whether something waits that need not.
const PROMISED: Duration = Duration::from_secs(1);
const TURNS: usize = 8;

fn store(value: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": "fake", "namespace": "shop" },
        "spec": { "provider": { "fake": { "data": [{ "key": "db", "value": value }] } } },
    })
}

fn external_secret(key: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "app", "namespace": "shop" },
        "spec": {
            "secretStoreRef": { "name": "fake" },
            "refreshInterval": "24h",
            "data": [{ "secretKey": key, "remoteRef": { "key": "db" } }],
        },
    })
}

/// A stage with one indexed cluster.
async fn stage() -> Result<Stage> {
    let mut stage = Stage::start(&[CLUSTER]).await?;
    stage.trust_stores().await?;
    let cluster = &stage.clusters()[0];
    let declared = stage.declare(CLUSTER, &cluster.url(), cluster.ca_pem(), cluster.token())?;
    let indexed = declared.replace("\"spec\":{", "\"spec\":{\"index\":true,");
    let clusters = stage.write("clusters.yaml", &indexed)?.display().to_string();
    stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
    Ok(stage)
}

async fn watched(server: &Server) -> Result<()> {
    let look =
        async || (server.metrics().await.ok()?.count("pawl_watch_sightings_total", &[]) >= 4).then_some(());
    until("the watching of four kinds", look).await.map(drop)
}

/// Waits until the Secret holds this under the key, and says how long that took.
async fn holds(cluster: &DevCluster, key: &str, value: Option<&str>) -> Result<Duration> {
    let value = value.map(str::as_bytes);
    let look = async || (cluster.secret_value("shop", "app", key).as_deref() == value).then_some(());
    let (_, took) = until(&format!("{key} being {value:?}"), look).await?;
    assert!(took < AT_ONCE, "{key}: {took:?}");
    Ok(took)
}

#[tokio::test]
async fn what_happens_in_a_cluster_is_acted_on_at_once() -> Result<()> {
    let stage = stage().await?;
    let cluster = &stage.clusters()[0];
    let server = Server::start(&stage, &QUIET).await?;
    watched(&server).await?;

    cluster.put(store("one"))?;
    cluster.put(external_secret("a"))?;
    holds(cluster, "a", Some("one")).await?;
    cluster.put(external_secret("b"))?;
    holds(cluster, "b", Some("one")).await?;
    holds(cluster, "a", None).await?;
    cluster.put(store("two"))?;
    holds(cluster, "b", Some("two")).await?;

    let mut edited = cluster.secret("shop", "app").unwrap_or_default();
    edited["data"]["b"] = json!("aGFuZA==");
    cluster.put(edited)?;
    holds(cluster, "b", Some("two")).await?;
    cluster.delete("secrets", "shop", "app");
    holds(cluster, "b", Some("two")).await?;

    cluster.delete("externalsecrets", "shop", "app");
    let gone = async || {
        let said = stage.pawl(&["get", "--output", "json"]).await.ok()?.well().ok()?;
        (said.trim() == "[]").then_some(())
    };
    until("the registry's forgetting of it", gone).await?;
    assert_eq!(
        cluster.secret("shop", "app"),
        None,
        "the garbage collector takes it along, and nobody makes it anew"
    );
    Ok(())
}

/// A pause that somebody builds in shows in each turn; other work on the machine shows in some.
#[tokio::test]
async fn what_happens_in_a_cluster_is_acted_on_within_a_second() -> Result<()> {
    let stage = stage().await?;
    let cluster = &stage.clusters()[0];
    let server = Server::start(&stage, &QUIET).await?;
    watched(&server).await?;
    cluster.put(store("one"))?;
    cluster.put(external_secret("a"))?;
    holds(cluster, "a", Some("one")).await?;
    let (mut applied, mut edited, mut repaired) = (Vec::new(), Vec::new(), Vec::new());
    let mut value = "one".to_owned();
    for turn in 0..TURNS {
        let key = format!("key-{turn}");
        cluster.put(external_secret(&key))?;
        applied.push(holds(cluster, &key, Some(&value)).await?);
        value = format!("value-{turn}");
        cluster.put(store(&value))?;
        edited.push(holds(cluster, &key, Some(&value)).await?);
        stage.settled().await?;
        cluster.delete("secrets", "shop", "app");
        repaired.push(holds(cluster, &key, Some(&value)).await?);
    }
    for (what, took) in [("applied", applied), ("edited", edited), ("repaired", repaired)] {
        assert!(took.iter().min().is_some_and(|least| *least < PROMISED), "{what}: {took:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_does_not_answer_itself() -> Result<()> {
    let stage = stage().await?;
    let cluster = &stage.clusters()[0];
    let server = Server::start(&stage, &QUIET).await?;
    watched(&server).await?;
    cluster.put(store("one"))?;
    cluster.put(external_secret("a"))?;
    holds(cluster, "a", Some("one")).await?;
    stage.settled().await?;
    // The next change is acted on after whatever the last one brought about.
    cluster.put(external_secret("b"))?;
    holds(cluster, "b", Some("one")).await?;
    stage.settled().await?;
    let writes =
        cluster.calls().into_iter().filter(|call| call.resource == "secrets" && call.verb != "watch");
    let verbs: Vec<String> =
        writes.filter(|call| call.verb != "list").map(|call| call.verb.to_owned()).collect();
    assert!(verbs.iter().filter(|verb| *verb != "get").count() == 2, "one create and one patch: {verbs:?}");
    assert_eq!(server.metrics().await?.count("pawl_drifted_total", &[]), 0);
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_was_away_is_watched_again() -> Result<()> {
    let stage = stage().await?;
    let cluster = &stage.clusters()[0];
    let server = Server::start(&stage, &QUIET).await?;
    watched(&server).await?;
    let failed = |error| pawl_e2e::Error::Io { action: "the cluster".to_owned(), source: error };
    cluster.cut_off().await.map_err(failed)?;
    cluster.put(store("one"))?;
    cluster.put(external_secret("a"))?;
    cluster.restore().await.map_err(failed)?;
    let look = async || cluster.secret_value("shop", "app", "a").filter(|value| value == b"one");
    until("the Secret", look).await?;
    Ok(())
}
