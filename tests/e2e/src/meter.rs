//! Counts what Pawl asks of AWS, from AWS's side: a proxy in front of moto.

use crate::{Asked, Error, Result, shows};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How often each operation was called, by its name in AWS's API: `GetSecretValue`.
pub type Calls = BTreeMap<String, usize>;

/// The operations that ask stores, or prove an identity to them.
const STORES: [&str; 11] = [
    "GetSecretValue",
    "BatchGetSecretValue",
    "ListSecrets",
    "DescribeSecret",
    "GetParameter",
    "GetParameters",
    "DescribeParameters",
    "AssumeRole",
    "AssumeRoleWithWebIdentity",
    "GetParametersByPath",
    "ListSecretVersionIds",
];

/// A proxy in front of AWS that counts the operations called through it. Dropping it ends it.
#[derive(Debug)]
pub struct Meter {
    endpoint: String,
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

struct Passage {
    upstream: String,
    http: reqwest::Client,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    calls: Calls,
    bodies: Vec<(String, Bytes)>,
    asked: BTreeSet<Asked>,
    throttled: &'static [&'static str],
}

impl Meter {
    /// Starts a proxy in front of the endpoint `upstream`, on the tokio runtime of the caller.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(upstream: &str) -> Result<Self> {
        let heard = Arc::<Mutex<Heard>>::default();
        let passage = Passage {
            upstream: upstream.trim_end_matches('/').to_owned(),
            http: reqwest::Client::builder().no_proxy().build()?,
            heard: Arc::clone(&heard),
        };
        let failed = || Error::io("cannot bind a loopback port");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let routes = Router::new().fallback(pass).with_state(Arc::new(passage));
        let task = tokio::spawn(async move {
            // Ends with the task; a port that fails leaves every caller refused, which a test notices.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { endpoint: format!("http://{address}"), heard, task })
    }

    /// What to set `AWS_ENDPOINT_URL` to.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The calls since the start or the last [`Meter::reset`], those that were refused among them.
    pub fn calls(&self) -> Calls {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// The calls that ask stores, or prove an identity to them: all but those for Pawl's own state and queues.
    pub fn store_calls(&self) -> Calls {
        let mut calls = self.calls();
        calls.retain(|operation, _| STORES.contains(&operation.as_str()));
        calls
    }

    /// The rights that all calls since the start need, those that were refused among them.
    pub fn asked(&self) -> BTreeSet<Asked> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    /// Whether anything that was sent to AWS since the start shows this value. Pawl only ever reads values from AWS.
    pub fn heard(&self, value: &str) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.bodies.iter().any(|(_, body)| shows(&String::from_utf8_lossy(body), value))
    }

    /// Whether a store was asked for what is named so, or an identity proven for it. Pawl's own table names it, too, where it
    /// is of AWS.
    pub fn asked_store(&self, name: &str) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let of_stores = heard.bodies.iter().filter(|(operation, _)| STORES.contains(&operation.as_str()));
        of_stores.map(|(_, body)| String::from_utf8_lossy(body)).any(|body| body.contains(name))
    }

    /// From here on these operations are answered as AWS does when there is too much of them, and no others.
    pub fn throttle(&self, operations: &'static [&'static str]) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).throttled = operations;
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).calls.clear();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    State(passage): State<Arc<Passage>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = operation(&headers, &body);
    {
        let mut heard = passage.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard.calls.entry(operation.clone()).or_default() += 1;
        heard.asked.extend(Asked::of(&headers, &operation, &body));
        if heard.throttled.contains(&operation.as_str()) {
            return (StatusCode::BAD_REQUEST, THROTTLED).into_response();
        }
        heard.bodies.push((operation, body.clone()));
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = passage.http.request(method, format!("{}{path}", passage.upstream)).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| !BETWEEN_NEIGHBOURS.contains(&name.as_str())) {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => forwarded(answer).await,
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// In the JSON protocols of AWS.
const THROTTLED: &str = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;

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
