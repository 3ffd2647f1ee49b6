//! What stands between Pawl and AWS: passes calls on, or answers in AWS's place that there were too many or that something
//! broke. Also listens for the canary: nothing that Pawl sends to AWS may show a value.

use crate::dice::Dice;
use crate::{io, lock};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use pawl_e2e::{Result, shows};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A proxy in front of AWS. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Gate {
    endpoint: String,
    passage: Arc<Passage>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Passage {
    upstream: String,
    http: reqwest::Client,
    canary: String,
    stores: AtomicUsize,
    state: AtomicUsize,
    dice: Mutex<Dice>,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    calls: BTreeMap<String, usize>,
    troubled: usize,
    leaks: Vec<String>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Passes,
    Throttled,
    Fails,
    /// Carried out; the caller hears of a failure.
    AnswerLost,
}

impl Gate {
    pub(crate) async fn start(upstream: &str, canary: &str, seed: u64) -> Result<Self> {
        let passage = Arc::new(Passage {
            upstream: upstream.trim_end_matches('/').to_owned(),
            http: reqwest::Client::builder().no_proxy().build()?,
            canary: canary.to_owned(),
            stores: AtomicUsize::default(),
            state: AtomicUsize::default(),
            dice: Mutex::new(Dice::new(seed)),
            heard: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(io("cannot bind a loopback port"))?;
        let address = listener.local_addr().map_err(io("cannot bind a loopback port"))?;
        let routes = Router::new().fallback(pass).with_state(Arc::clone(&passage));
        let task = tokio::spawn(async move {
            // Ends with the task; a port that fails leaves every caller refused, which a run notices.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { endpoint: format!("http://{address}"), passage, task })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From now on so many of a hundred calls to Secrets Manager, Parameter Store and STS fail.
    pub(crate) fn trouble_stores(&self, percent: usize) {
        self.passage.stores.store(percent, Ordering::SeqCst);
    }

    /// The same for DynamoDB and SQS.
    pub(crate) fn trouble_state(&self, percent: usize) {
        self.passage.state.store(percent, Ordering::SeqCst);
    }

    /// How many calls there were of each operation, and how many of all failed.
    pub(crate) fn calls(&self) -> (BTreeMap<String, usize>, usize) {
        let heard = lock(&self.passage.heard);
        (heard.calls.clone(), heard.troubled)
    }

    /// The operations whose requests showed a value.
    pub(crate) fn leaks(&self) -> Vec<String> {
        lock(&self.passage.heard).leaks.clone()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Passage {
    fn judge(&self, service: &str, operation: &str, body: &[u8]) -> Fate {
        let is_state = matches!(service, "dynamodb" | "sqs");
        let percent = if is_state { &self.state } else { &self.stores };
        let percent = percent.load(Ordering::SeqCst);
        let leaks = shows(&String::from_utf8_lossy(body), &self.canary);
        let (roll, how) = {
            let mut dice = lock(&self.dice);
            (dice.below(100), dice.below(3))
        };
        let fate = match how {
            _ if roll >= percent => Fate::Passes,
            0 => Fate::Throttled,
            1 => Fate::Fails,
            _ => Fate::AnswerLost,
        };
        let mut heard = lock(&self.heard);
        *heard.calls.entry(operation.to_owned()).or_default() += 1;
        heard.troubled += usize::from(fate != Fate::Passes);
        if leaks {
            heard.leaks.push(operation.to_owned());
        }
        fate
    }
}

async fn pass(
    State(passage): State<Arc<Passage>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (service, operation) = (service(&headers), operation(&headers, &body));
    let fate = passage.judge(&service, &operation, &body);
    match fate {
        Fate::Throttled => return throttled(&service),
        Fate::Fails => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fate::Passes | Fate::AnswerLost => {}
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = passage.http.request(method, format!("{}{path}", passage.upstream)).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| !BETWEEN_NEIGHBOURS.contains(&name.as_str())) {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) if fate == Fate::Passes => forwarded(answer).await,
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Headers that are the affair of one connection, not of the message.
const BETWEEN_NEIGHBOURS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "expect"];

async fn forwarded(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = (status, body).into_response();
    response.headers_mut().remove("content-type");
    for (name, value) in headers.iter().filter(|(name, _)| !BETWEEN_NEIGHBOURS.contains(&name.as_str())) {
        response.headers_mut().append(name, value.clone());
    }
    response
}

/// AWS's words for too many requests, as each service has them.
fn throttled(service: &str) -> Response {
    let word = match service {
        "dynamodb" => "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "sqs" => "com.amazonaws.sqs#RequestThrottled",
        _ => "ThrottlingException",
    };
    let body = format!(r#"{{"__type":"{word}","message":"Rate exceeded"}}"#);
    (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.1")], body).into_response()
}

/// The service's name in the signature's scope.
fn service(headers: &HeaderMap) -> String {
    let signature = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    signature.split('/').nth(3).unwrap_or_default().to_owned()
}

/// The operation's name: in a header for the JSON protocols, in the form for STS.
fn operation(headers: &HeaderMap, body: &[u8]) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return operation.to_owned();
    }
    let form = String::from_utf8_lossy(body);
    let action = form.split('&').find_map(|field| field.strip_prefix("Action="));
    action.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_fail_as_often_as_they_are_told_and_leaks_are_heard() {
        let upstream = Router::new().fallback(|| async { "fine" });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, upstream).await });
        let gate = Gate::start(&address, "canary-of-this-test", 1).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = async |service: &str, body: &str| {
            let scope = format!("AWS4-HMAC-SHA256 Credential=a/20260101/eu-central-1/{service}/aws4_request");
            let request = http.post(gate.endpoint()).header("authorization", scope);
            let request = request.header("x-amz-target", "X.Operation").body(body.to_owned());
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(call("dynamodb", "{}").await, 200);
        gate.trouble_state(100);
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(call("sqs", "{}").await);
        }
        statuses.sort_unstable();
        statuses.dedup();
        assert_eq!(statuses, [400, 500, 503]);
        assert_eq!(call("secretsmanager", "{}").await, 200, "stores are another matter");
        assert_eq!(gate.calls(), (BTreeMap::from([("Operation".to_owned(), 32)]), 30));
        assert!(gate.leaks().is_empty());
        call("dynamodb", "canary-of-this-test").await;
        assert_eq!(gate.leaks(), ["Operation"]);
        server.abort();
    }
}
