//! `thousand [COUNT]`: ExternalSecrets that read one key are applied to a cluster, and then the key is rotated. Prints how long
//! the last Secret took, what was asked of the store, and what was asked of the API server, as its audit log tells.
#![expect(clippy::print_stdout, reason = "it is a command")]

use futures::{StreamExt, TryStreamExt, stream};
use pawl_e2e::{Server, Stage, events};
use pawl_sequences::{Error, Plane, furnish};
use pawl_servers::ApiRequest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const REGION: &str = "eu-west-1";
const KEY: &str = "thousand/db";
const NAMESPACE: &str = "thousand";
/// Writes of the player under way at the same time, as `kubectl apply` of several files would have.
const APPLIED: usize = 32;
const LOOK: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_secs(300);
/// Nothing may happen for so long before calls are counted.
const CALM: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let mut stage = Stage::start(&[]).await?;
    stage.trust_stores().await?;
    let plane = Plane::start(&stage).await?;
    furnish(&plane).await?;
    plane
        .apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } }))
        .await?;
    stage.aws().create_secret(REGION, KEY, "first").await?;
    let declared = stage.write("cluster.yaml", &plane.declared(&stage, "thousand")?)?;
    stage.pawl(&["apply", "--clusters", "-f", &declared.display().to_string()]).await?.well()?;
    let server = Server::start(&stage, &["--sweep", "1m", "--index", "24h"]).await?;
    calm(&plane).await;
    println!("{count} ExternalSecrets that read one key, on {}", plane.name());

    let (before, began) = (plane.requests().len(), Instant::now());
    stage.reset_calls();
    stream::iter(0..count)
        .map(Ok)
        .try_for_each_concurrent(APPLIED, async |number| {
            plane.apply(&external_secret(number)).await.map(drop)
        })
        .await?;
    println!("applied in {:.1} s", began.elapsed().as_secs_f32());
    told(&plane, "first", count, began).await?;
    calm(&plane).await;
    counted(&plane.requests()[before..], &stage);

    let (before, began) = (plane.requests().len(), Instant::now());
    stage.reset_calls();
    let version = stage.aws().put_secret_value(REGION, KEY, "second").await?;
    server.send(&events::label_updated(REGION, KEY, &version)).await?;
    println!("rotated; the event was answered after {:.1} s", began.elapsed().as_secs_f32());
    told(&plane, "second", count, began).await?;
    calm(&plane).await;
    counted(&plane.requests()[before..], &stage);
    Ok(())
}

fn external_secret(number: usize) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": { "name": format!("app-{number:04}"), "namespace": NAMESPACE },
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": { "name": "aws-sm", "kind": "ClusterSecretStore" },
            "data": [{ "secretKey": "password", "remoteRef": { "key": KEY } }],
        },
    })
}

/// Waits until every Secret holds the value.
async fn told(plane: &Plane, value: &str, count: usize, began: Instant) -> Result<(), Error> {
    let encoded = match value {
        "first" => "Zmlyc3Q=",
        _ => "c2Vjb25k",
    };
    let mut first = None;
    loop {
        let secrets = plane.list("Secret").await?;
        let have = secrets.iter().filter(|it| it["data"]["password"] == encoded).count();
        if have > 0 {
            first.get_or_insert_with(|| began.elapsed());
        }
        if have == count {
            let first = first.unwrap_or_default().as_secs_f32();
            println!("first Secret after {first:.1} s, last after {:.1} s", began.elapsed().as_secs_f32());
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            return Err(Error::Form(format!("{have} of {count} Secrets after {LIMIT:?}")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until Pawl asks nothing more of the API server, but for its watches.
async fn calm(plane: &Plane) {
    let (mut seen, mut since) = (plane.requests().len(), Instant::now());
    while since.elapsed() < CALM {
        tokio::time::sleep(LOOK * 10).await;
        let now = plane.requests().len();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
}

fn counted(requests: &[ApiRequest], stage: &Stage) {
    let mut calls: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for request in requests {
        *calls.entry((&request.verb, &request.resource)).or_default() += 1;
    }
    println!(
        "{} API calls: {}",
        requests.len(),
        list(calls.iter().map(|((verb, what), n)| (format!("{verb} {what}"), *n)))
    );
    let fetches = stage.meter().store_calls();
    println!("store: {}\n", list(fetches.iter().map(|(call, n)| (call.clone(), *n))));
}

fn list(counts: impl Iterator<Item = (String, usize)>) -> String {
    counts.map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}
