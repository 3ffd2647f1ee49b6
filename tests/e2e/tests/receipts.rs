//! Receipts: who waits for a change hears that it has arrived everywhere, by a bus of AWS and by a signed request.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use pawl_e2e::examples::{self, WITH_SERVICE_ACCOUNT};
use pawl_e2e::{Functions, REGION, Result, Server, Stage, shows, until};
use pawl_servers::{Queue, Service};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const CLUSTERS: [&str; 2] = ["blue", "green"];
const KEY: &str = "a key of this test with more than 32 bytes";

#[tokio::test]
async fn functions_tell_a_bus_when_the_last_cluster_has_the_change() -> Result<()> {
    let mut stage = stage().await?;
    let told = bus(&stage).await?;
    stage.set("PAWL_RECEIPT_BUS", "receipts");
    let functions = Functions::deploy(&stage).await?;
    let clusters = std::fs::read_to_string(stage.path("clusters.yaml")).unwrap_or_default();
    functions.declare(&stage, &clusters).await?;
    functions.index(examples::MANIFESTS, &CLUSTERS).await?;
    functions.idle(&stage).await?;

    let password = examples::password();
    let version = WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?;
    stage.aws().put_events(REGION, &[WITH_SERVICE_ACCOUNT.event(&version)]).await?;
    let (receipt, _) = until("the receipt", async || heard(&stage, &told).await).await?;
    for cluster in CLUSTERS {
        assert!(WITH_SERVICE_ACCOUNT.holds(&stage, cluster, &password), "it was told too early");
    }
    assert_eq!(
        (&receipt["source"], &receipt["detail-type"]),
        (&json!("pawl.dev"), &json!("Change Delivered"))
    );
    let detail = &receipt["detail"];
    assert_eq!(
        (&detail["delivered"], &detail["targets"], &detail["missing"]),
        (&json!(true), &json!(2), &json!(0))
    );
    assert_eq!(
        (&detail["key"], &detail["version"]),
        (&json!(WITH_SERVICE_ACCOUNT.key), &json!(version.version))
    );
    assert!(!shows(&receipt.to_string(), &password), "a value is told");
    functions.idle(&stage).await
}

#[tokio::test]
async fn a_server_tells_a_url_by_a_request_that_it_signs() -> Result<()> {
    let mut stage = stage().await?;
    let hook = Hook::start().await;
    stage.set("PAWL_RECEIPT_URL", &hook.url);
    stage.set("PAWL_RECEIPT_KEY", KEY);
    let server = Server::start(&stage, &["--sweep", "24h", "--index", "24h"]).await?;
    let clusters = stage.path("clusters.yaml").display().to_string();
    stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
    let manifests = stage.write("manifests.yaml", examples::MANIFESTS)?.display().to_string();
    stage.pawl(&["apply", "-f", &manifests, "--cluster", "blue", "--cluster", "green"]).await?.well()?;
    stage.settled().await?;

    let password = examples::password();
    let version = WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?;
    let event = WITH_SERVICE_ACCOUNT.event(&version);
    assert_eq!(server.send(&event).await?.status, 200);
    let ((id, body), _) = until("the receipt", async || hook.take()).await?;
    assert_eq!((&body["type"], &body["targets"]), (&json!("Change Delivered"), &json!(2)), "{body}");
    assert_eq!((&body["id"], body["version"].as_str()), (&json!(id), Some(version.version.as_str())));
    assert!(!shows(&body.to_string(), &password), "a value is told");
    // The first request was refused, and the receipt came again.
    assert_eq!(*hook.state.refused.lock().unwrap(), 1);
    assert!(!shows(&server.log(), KEY), "the key is in the log");
    Ok(())
}

async fn stage() -> Result<Stage> {
    let stage = Stage::start(&CLUSTERS).await?;
    examples::furnish(&stage)?;
    for example in examples::ALL {
        example.create(&stage, &examples::password()).await?;
    }
    Ok(stage)
}

/// A bus whose events of Pawl go to a queue.
async fn bus(stage: &Stage) -> Result<Queue> {
    let aws = stage.aws();
    let queue = aws.create_queue(REGION, "receipts", &[]).await?;
    let bus = "receipts";
    aws.call(REGION, Service::EVENTS, "CreateEventBus", &json!({ "Name": bus })).await?;
    let pattern = json!({ "source": ["pawl.dev"] }).to_string();
    let rule = json!({ "Name": "all", "EventBusName": bus, "EventPattern": pattern, "State": "ENABLED" });
    aws.call(REGION, Service::EVENTS, "PutRule", &rule).await?;
    let targets =
        json!({ "Rule": "all", "EventBusName": bus, "Targets": [{ "Id": "queue", "Arn": queue.arn }] });
    aws.call(REGION, Service::EVENTS, "PutTargets", &targets).await?;
    Ok(queue)
}

async fn heard(stage: &Stage, queue: &Queue) -> Option<Value> {
    let messages = stage.aws().receive(queue, 1, Duration::ZERO).await.ok()?;
    serde_json::from_str(&messages.first()?.body).ok()
}

/// A server that takes receipts from whoever knows the key, the second time.
struct Hook {
    url: String,
    state: Arc<Heard>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    refused: Mutex<usize>,
    told: Mutex<Vec<(String, Value)>>,
}

impl Hook {
    async fn start() -> Self {
        let state = Arc::<Heard>::default();
        let routes = Router::new().route("/receipts", post(take)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/receipts", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, state, task }
    }

    fn take(&self) -> Option<(String, Value)> {
        self.state.told.lock().unwrap().pop()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(state): State<Arc<Heard>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header =
        |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    [id.as_bytes(), b".", time.as_bytes(), b".", &body].iter().for_each(|part| mac.update(part));
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    if header("webhook-signature") != signature {
        return StatusCode::UNAUTHORIZED;
    }
    let mut refused = state.refused.lock().unwrap();
    if *refused == 0 {
        *refused = 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    state.told.lock().unwrap().push((id, serde_json::from_slice(&body).unwrap()));
    StatusCode::NO_CONTENT
}
