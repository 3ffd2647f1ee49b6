//! Cases played: everything in place, one server, and what it left behind.

use crate::moved::{Moved, moved};
use crate::{Case, Error, Ready, Result, store};
use pawl_devcluster::DevCluster;
use pawl_e2e::{Server, Stage};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const CLUSTER: &str = "golden";
/// How long nothing may happen before what has no condition is taken as left alone.
const QUIET: Duration = Duration::from_secs(20);
/// How long the last status and its event may be apart.
const SETTLING: Duration = Duration::from_millis(700);
const LOOK: Duration = Duration::from_millis(100);

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The target as it stands, or none.
    pub secret: Option<Value>,
    /// The Ready condition, or none.
    pub ready: Option<Ready>,
    /// The text of the last warning, or none.
    pub event: Option<String>,
}

/// What came of all of them.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Of each case, in their order.
    pub outcomes: Vec<Outcome>,
    /// What came of the cluster's move to another Pawl afterwards.
    pub moved: Moved,
}

/// Plays these cases together, each in its own objects of one namespace; then moves the cluster to another Pawl.
///
/// # Errors
/// When the stage does not come up or a case cannot be put in place.
pub async fn play(cases: &[Case]) -> Result<Played> {
    let mut stage = Stage::start(&[CLUSTER]).await?;
    stage.trust_stores().await?;
    let cluster = &stage.clusters()[0];
    let by_hand = ByHand::new(cluster)?;
    for manifest in store::shared() {
        put(cluster, "store", manifest)?;
    }
    for case in cases {
        store::fill(case, stage.aws()).await?;
        if let Some(store) = store::fake(case) {
            put(cluster, &case.name, store)?;
        }
        for object in &case.existing {
            by_hand.create(cluster, case, object).await?;
        }
        put(cluster, &case.name, case.external_secret.clone())?;
    }
    let declared = stage.declare(CLUSTER, &cluster.url(), cluster.ca_pem(), cluster.token())?;
    let unindexed = stage.write("unindexed.yaml", &declared)?;
    let clusters =
        stage.write("clusters.yaml", &declared.replace("\"spec\":{", "\"spec\":{\"index\":true,"))?;
    stage.pawl(&["apply", "--clusters", "-f", &clusters.display().to_string()]).await?.well()?;
    let server = Server::start(&stage, &["--sweep", "1h", "--index", "1h"]).await?;
    settled(cluster, cases.len()).await;
    drop(server);
    let warnings = warnings(cluster);
    let outcomes = cases.iter().map(|case| outcome(cluster, case, &warnings)).collect();
    let moved = moved(&stage, cluster, CLUSTER, &unindexed, &clusters).await?;
    Ok(Played { outcomes, moved })
}

fn put(cluster: &DevCluster, case: &str, object: Value) -> Result<()> {
    let refused =
        |error: pawl_devcluster::Refused| Error::Setup { case: case.to_owned(), reason: error.to_string() };
    cluster.put(object).map(drop).map_err(refused)
}

/// Waits until every ExternalSecret has a Ready condition, or nothing has happened for long.
async fn settled(cluster: &DevCluster, cases: usize) {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let version = cluster.resource_version();
        if version != last {
            (last, since) = (version, Instant::now());
            continue;
        }
        let ready = cluster.list("externalsecrets", "").iter().filter(|each| ready(each).is_some()).count();
        let patience = if ready >= cases { SETTLING } else { QUIET };
        if since.elapsed() >= patience {
            return;
        }
    }
}

fn outcome(cluster: &DevCluster, case: &Case, warnings: &BTreeMap<String, String>) -> Outcome {
    let namespace = case.external_secret["metadata"]["namespace"].as_str().unwrap_or_default();
    let declared = cluster.get("externalsecrets", namespace, &case.name);
    Outcome {
        secret: cluster.secret(namespace, case.target()),
        ready: declared.as_ref().and_then(ready),
        event: warnings.get(&case.name).cloned(),
    }
}

fn ready(external_secret: &Value) -> Option<Ready> {
    let conditions = external_secret.pointer("/status/conditions")?.as_array()?;
    let condition = conditions.iter().find(|it| it["type"] == "Ready")?;
    serde_json::from_value(condition.clone()).ok()
}

/// The last warning about each ExternalSecret.
fn warnings(cluster: &DevCluster) -> BTreeMap<String, String> {
    let mut last: BTreeMap<String, (String, String)> = BTreeMap::new();
    for event in cluster.list("events", "") {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let about = text("/involvedObject/name").or_else(|| text("/regarding/name"));
        let kind = text("/involvedObject/kind").or_else(|| text("/regarding/kind"));
        let about = about.filter(|_| kind.as_deref() == Some("ExternalSecret"));
        let said = text("/message").or_else(|| text("/note"));
        let at = text("/lastTimestamp").or_else(|| text("/eventTime")).unwrap_or_default();
        if let (Some("Warning"), Some(about), Some(said)) = (text("/type").as_deref(), about, said) {
            let newest = last.entry(about).or_default();
            if *newest.0 <= *at {
                *newest = (at, said);
            }
        }
    }
    last.into_iter().map(|(about, (_, said))| (about, said)).collect()
}

/// Objects made through the API, so that their fields belong to whom the case says.
struct ByHand {
    http: reqwest::Client,
}

impl ByHand {
    fn new(cluster: &DevCluster) -> Result<Self> {
        let build = || {
            let ca = reqwest::Certificate::from_pem(cluster.ca_pem().as_bytes())?;
            let ours = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
            ours.tls_certs_only([ca]).build()
        };
        Ok(Self { http: build().map_err(pawl_e2e::Error::from)? })
    }

    async fn create(&self, cluster: &DevCluster, case: &Case, object: &Value) -> Result<()> {
        let mut object = object.clone();
        let manager = object.pointer("/metadata/managedFields/0/manager").and_then(Value::as_str);
        let manager = manager.unwrap_or("somebody").to_owned();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
            for owner in
                metadata.get_mut("ownerReferences").and_then(Value::as_array_mut).into_iter().flatten()
            {
                owner["uid"] = json!("00000000-0000-4000-8000-000000000000");
            }
        }
        let plural = format!("{}s", object["kind"].as_str().unwrap_or_default().to_lowercase());
        let namespace_object =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        put(cluster, &case.name, namespace_object)?;
        let path = format!("api/v1/namespaces/{namespace}/{plural}?fieldManager={manager}");
        let request = self.http.post(format!("{}/{path}", cluster.url())).bearer_auth(cluster.token());
        let request = request.header("content-type", "application/json").body(object.to_string());
        let answer = request.send().await.map_err(pawl_e2e::Error::from)?;
        if answer.status().is_success() {
            return Ok(());
        }
        let reason = answer.text().await.unwrap_or_default();
        Err(Error::Setup { case: case.name.clone(), reason })
    }
}
