//! The cluster on bad days.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use pawl_devcluster::{DevCluster, Fault, Options, Rule};
use serde_json::json;

use crate::common::{client, secret, status_of};

async fn cluster_with_secret() -> (DevCluster, Api<Secret>) {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    cluster.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}})).unwrap();
    let api = Api::namespaced(client(&cluster).await, "default");
    (cluster, api)
}

fn set_a() -> Patch<serde_json::Value> {
    Patch::Merge(json!({"data": {"a": "MQ=="}}))
}

#[tokio::test]
async fn answers_can_be_replaced_and_are_counted() {
    let (cluster, api) = cluster_with_secret().await;
    let rule = Rule::new(Fault::too_many_requests(7)).method("PATCH").path("*/secrets/db").times(1);
    let id = cluster.faults().add(rule);
    let refused = status_of(api.patch("db", &PatchParams::default(), &set_a()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (429, "TooManyRequests"));
    assert_eq!(refused.details.unwrap().retry_after_seconds, 7);
    assert_eq!(cluster.secret_value("default", "db", "a"), None, "nothing was applied");
    api.patch("db", &PatchParams::default(), &set_a()).await.unwrap();
    assert_eq!(cluster.faults().hits(id), 1);
    let codes: Vec<Option<u16>> = cluster.calls().iter().map(|call| call.code).collect();
    assert_eq!(codes, [Some(429), Some(200)]);
}

#[tokio::test]
async fn a_cut_before_applies_nothing_and_a_cut_after_everything() {
    let (cluster, api) = cluster_with_secret().await;
    cluster.faults().add(Rule::new(Fault::CutBefore).method("PATCH").nth(1));
    cluster.faults().add(Rule::new(Fault::CutAfter).method("PATCH").nth(1));
    let lost = api.patch("db", &PatchParams::default(), &set_a()).await;
    assert!(!matches!(lost, Ok(_) | Err(kube::Error::Api(_))), "{lost:?}");
    assert_eq!(cluster.secret_value("default", "db", "a"), None);

    let lost = api.patch("db", &PatchParams::default(), &set_a()).await;
    assert!(!matches!(lost, Ok(_) | Err(kube::Error::Api(_))), "{lost:?}");
    assert_eq!(cluster.secret_value("default", "db", "a").unwrap(), b"1");
    assert!(cluster.calls().iter().all(|call| call.code.is_none()));
}

#[tokio::test]
async fn a_hanging_request_goes_on_when_its_rule_ends() {
    let (cluster, api) = cluster_with_secret().await;
    let id = cluster.faults().add(Rule::new(Fault::Hang).method("PATCH"));
    let waiting = tokio::spawn(async move { api.patch("db", &PatchParams::default(), &set_a()).await });
    while cluster.faults().hits(id) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert_eq!(cluster.secret_value("default", "db", "a"), None);
    cluster.faults().remove(id);
    waiting.await.unwrap().unwrap();
    assert_eq!(cluster.secret_value("default", "db", "a").unwrap(), b"1");
}

#[tokio::test]
async fn latency_delays_the_answer() {
    let (cluster, api) = cluster_with_secret().await;
    api.get("db").await.unwrap();
    cluster.faults().add(Rule::new(Fault::Latency(Duration::from_millis(80))));
    let started = std::time::Instant::now();
    api.get("db").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_cluster_that_is_cut_off_refuses_connections_until_it_is_back() {
    let (cluster, api) = cluster_with_secret().await;
    api.get("db").await.unwrap();
    for _ in 0..3 {
        cluster.cut_off().await.unwrap();
        let refused = api.get("db").await.unwrap_err();
        let text = format!("{refused:?}");
        assert!(text.contains("ConnectionRefused"), "{text}");
        cluster.restore().await.unwrap();
        api.get("db").await.unwrap();
    }
    api.create(&PostParams::default(), &secret("more", &[])).await.unwrap();
    assert_eq!(cluster.list("secrets", "default").len(), 2, "what it held it still holds");
}

#[tokio::test]
async fn a_dropped_cluster_is_gone() {
    let (cluster, api) = cluster_with_secret().await;
    api.get("db").await.unwrap();
    let address = cluster.url().trim_start_matches("https://").to_owned();
    drop(cluster);
    // The accepting task ends as soon as the runtime comes to it.
    let gone = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
    assert!(api.get("db").await.is_err());
}
