//! A cluster that moves to a Pawl which knows nothing of it, as one does that was ESO's: what `pawl migrate` says of it before,
//! and which Secrets are written when it is taken over.

use crate::{Error, Result};
use pawl_devcluster::DevCluster;
use pawl_e2e::{Server, Stage};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the new Pawl may take to have looked at everything.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(200);

/// What came of a move. Both name ExternalSecrets as `<namespace>/<name>` and Secrets likewise, in order.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// How many ExternalSecrets `pawl migrate` looked at.
    pub looked_at: usize,
    /// The ExternalSecrets whose Secret would be created, changed or deleted, each with the change.
    pub would_change: BTreeMap<String, String>,
    /// The Secrets that were created, written or deleted when the cluster was taken over.
    pub changed: BTreeSet<String>,
}

/// Moves a cluster to a new Pawl. `declared` and `indexed` are files with the Cluster, without and with `index`.
///
/// # Errors
/// When the new Pawl does not come up, or has not looked at everything in time.
pub(crate) async fn moved(
    stage: &Stage,
    cluster: &DevCluster,
    name: &str,
    declared: &Path,
    indexed: &Path,
) -> Result<Moved> {
    let file = declared.with_file_name("moved.db").display().to_string();
    let pawl = async |arguments: &[&str]| stage.pawl_with(arguments, &[("PAWL_DB", &file)]).await;
    pawl(&["apply", "--clusters", "-f", &declared.display().to_string()]).await?.well()?;
    let surveyed = pawl(&["migrate", name, "--all", "-o", "json"]).await?;
    let told: Value = serde_json::from_str(&surveyed.stdout)
        .map_err(|_| setup(format!("pawl migrate says: {}", surveyed.stderr)))?;
    let mut moved = Moved::default();
    for target in told["targets"].as_array().into_iter().flatten() {
        let text = |field: &str| target[field].as_str().unwrap_or_default();
        moved.looked_at += 1;
        if matches!(text("change"), "create" | "change" | "delete") {
            let declaration = text("declaration").trim_start_matches(name).trim_start_matches('/');
            moved.would_change.insert(declaration.to_owned(), text("change").to_owned());
        }
    }
    let before = versions(cluster);
    pawl(&["apply", "--clusters", "-f", &indexed.display().to_string()]).await?.well()?;
    let server = Server::start(stage, &["--db", &file, "--sweep", "1h", "--index", "1h"]).await?;
    let began = Instant::now();
    loop {
        let rows = pawl(&["get", "-o", "json"]).await?.stdout;
        let rows: Vec<Value> = serde_json::from_str(&rows).unwrap_or_default();
        let is_done = |row: &Value| row["state"] != "pending" && row["state"] != "new";
        if server.get("/readyz").await?.status == 200 && !rows.is_empty() && rows.iter().all(is_done) {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(setup("the new Pawl has not looked at everything in time".to_owned()));
        }
        tokio::time::sleep(LOOK).await;
    }
    drop(server);
    let after = versions(cluster);
    let names = before.keys().chain(after.keys());
    moved.changed = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    Ok(moved)
}

fn setup(reason: String) -> Error {
    Error::Setup { case: "the move".to_owned(), reason }
}

/// The resourceVersion of each Secret.
fn versions(cluster: &DevCluster) -> BTreeMap<String, String> {
    let of = |secret: &Value| {
        let text = |at: &str| secret.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"));
        (name, text("/metadata/resourceVersion"))
    };
    cluster.list("secrets", "").iter().map(of).collect()
}
