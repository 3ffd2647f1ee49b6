//! Requests with the answers of a real kube-apiserver, and what it takes to send and compare them.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use std::sync::LazyLock;

use http_body_util::BodyExt as _;
use kube::Client;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The recording; one exchange a line, in the order in which they were sent.
const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recording/kube-apiserver-1.36.0.jsonl");

/// What stands in texts and differs between any two runs.
static MASKS: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"(?i)\b(gen[-_])[a-z0-9]{5}\b", "${1}<random>"),
        (r"record \([0-9]+\)", "record (<version>)"),
    ]
    .map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask))
});

/// A request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    /// `admin` may do everything, `low` nothing, `nobody` has a token that nobody knows.
    pub(crate) user: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Content type of the body.
    #[serde(rename = "type")]
    pub(crate) content_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) accept: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) body: String,
    pub(crate) code: u16,
    /// The body without what differs between any two runs; text when it was no JSON.
    pub(crate) answer: Value,
}

/// The recorded exchanges.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let text = std::fs::read_to_string(RECORDING).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Writes these in place of the recorded ones.
pub(crate) fn keep(exchanges: &[Exchange]) {
    let lines = exchanges.iter().map(|exchange| serde_json::to_string(exchange).unwrap() + "\n");
    std::fs::write(RECORDING, lines.collect::<String>()).unwrap();
}

/// Sends the request and gives code and answer as they would be recorded.
pub(crate) async fn send(client: &Client, exchange: &Exchange) -> (u16, Value) {
    let mut request = http::Request::builder()
        .method(exchange.method.as_str())
        .uri(&exchange.path)
        .header("user-agent", "tool/1.0 (for tests)")
        .header("content-type", &exchange.content_type);
    if !exchange.accept.is_empty() {
        request = request.header("accept", &exchange.accept);
    }
    let request = request.body(exchange.body.clone().into_bytes().into()).unwrap();
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A watch answers with one document a line.
    let lines =
        || text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().map(Value::Array);
    let answer = match serde_json::from_slice(&bytes) {
        Ok(answer) => answer,
        Err(_) if text.is_empty() => Value::String(text),
        Err(_) => lines().unwrap_or_else(|_| Value::String(text.clone())),
    };
    (code, settled(answer))
}

/// The answer without uids, versions, times and random names.
fn settled(answer: Value) -> Value {
    match answer {
        Value::Object(map) => map
            .into_iter()
            .filter(|(name, _)| {
                !matches!(
                    name.as_str(),
                    "uid"
                        | "resourceVersion"
                        | "creationTimestamp"
                        | "deletionTimestamp"
                        | "time"
                        | "continue"
                )
            })
            .map(|(name, value)| (name, settled(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(settled).collect(),
        Value::String(text) => {
            let masked = MASKS
                .iter()
                .fold(text, |text, (pattern, mask)| pattern.replace_all(&text, *mask).into_owned());
            Value::String(masked)
        }
        other => other,
    }
}
