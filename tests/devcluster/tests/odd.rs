//! Requests that no sound client sends are answered too, and break nothing.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use crate::common;
use pawl_devcluster::{DevCluster, Options};
use serde_json::json;

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const STORES: &str = "/apis/external-secrets.io/v1/namespaces/default/secretstores";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const BODIES: &[&str] = &[
    "",
    "null",
    "5",
    "\"text\"",
    "[]",
    "[5]",
    "{}",
    "{",
    r#"{"metadata":null}"#,
    r#"{"metadata":5}"#,
    r#"{"metadata":{"name":"odd","labels":5}}"#,
    r#"{"metadata":{"name":"odd","labels":[1],"finalizers":[1,null,{}]}}"#,
    r#"{"metadata":{"name":"odd","finalizers":{}}}"#,
    r#"{"metadata":{"name":"odd","ownerReferences":[1,{},{"uid":5}]}}"#,
    r#"{"metadata":{"name":"odd","managedFields":[5,{"fieldsV1":5},{"fieldsV1":{"f:a":5,"":{}}}]}}"#,
    r#"{"metadata":{"name":"odd","generation":"x","deletionTimestamp":7,"creationTimestamp":[]}}"#,
    r#"{"metadata":{"generateName":"ööööööööööööööööööööööööööööööööööööööööö"}}"#,
    r#"{"metadata":{"name":"odd"},"data":[],"type":{}}"#,
    r#"{"metadata":{"name":"odd"},"status":"x","spec":[]}"#,
    r#"{"apiVersion":"external-secrets.io/v1","kind":"SecretStore","metadata":{"name":"odd"},"spec":5,"status":[]}"#,
    r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"odd"},"data":5}"#,
    r#"[{"op":"replace","path":"","value":5}]"#,
    r#"[{"op":"replace","path":"/metadata","value":5}]"#,
    "\u{1}k8s",
    "k8s\u{0}\u{a}\u{ff}",
];

const TYPES: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "",
];

#[tokio::test]
async fn every_odd_request_gets_an_answer() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let client = common::client(&cluster).await;
    let seed = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "odd"}});
    for body in BODIES {
        for content_type in TYPES {
            cluster.put(seed("v1", "Secret")).unwrap();
            cluster.put(seed("external-secrets.io/v1", "SecretStore")).unwrap();
            for (method, path) in [
                ("POST", SECRETS.to_owned()),
                ("POST", STORES.to_owned()),
                ("POST", "/api/v1/namespaces".to_owned()),
                ("POST", "/api/v1/namespaces/default/events".to_owned()),
                ("POST", REVIEWS.to_owned()),
                ("PUT", format!("{SECRETS}/odd")),
                ("PUT", format!("{STORES}/odd/status")),
                ("PATCH", format!("{SECRETS}/odd?fieldManager=odd")),
                ("PATCH", format!("{STORES}/odd?fieldManager=odd&force=true")),
                ("PATCH", format!("{STORES}/odd/status?fieldManager=odd")),
                ("PATCH", "/api/v1/namespaces/default?fieldManager=odd".to_owned()),
                ("DELETE", format!("{SECRETS}/odd")),
            ] {
                let request = http::Request::builder()
                    .method(method)
                    .uri(&path)
                    .header("content-type", *content_type)
                    .body(body.as_bytes().to_vec().into())
                    .unwrap();
                let answer = client.send(request).await;
                assert!(answer.is_ok(), "{method} {path} {content_type} {body}: {answer:?}");
            }
        }
    }
    assert!(cluster.get("namespaces", "", "default").is_some());
}
