//! Secrets Manager as thin as it can be, so that what is measured is Pawl and not the double of AWS.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use jiff::Timestamp;
use pawl_domain::Change;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How many secrets a page of ListSecrets has at most. Source: API reference, `MaxResults`.
const PAGE: usize = 100;

/// A server that answers GetSecretValue, BatchGetSecretValue and ListSecrets, which it sorts by change date, newest
/// first, whatever it is asked. Anybody may ask. Dropping it ends it.
#[derive(Debug)]
pub struct SecretsManager {
    endpoint: String,
    held: Arc<Mutex<Held>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Held {
    secrets: BTreeMap<String, Stored>,
    /// By change date in milliseconds, newest first.
    listed: BTreeSet<(Reverse<i64>, String)>,
    calls: BTreeMap<String, usize>,
    values: usize,
    delay: Duration,
}

#[derive(Debug)]
struct Stored {
    number: u32,
    value: String,
    changed: i64,
}

impl SecretsManager {
    /// Starts on a free port of 127.0.0.1, on the runtime of the caller.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let held = Arc::<Mutex<Held>>::default();
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&held));
        // Without it the kernel may hold an answer back, as no server of AWS does.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let task = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Self { endpoint, held, task }
    }

    /// What to set `AWS_ENDPOINT_URL` to.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A new version of a secret, which comes into being if it is not there. Returns the change that the native event
    /// would become.
    pub fn rotate(&self, name: &str, value: &str, at: Timestamp) -> Change {
        let held = &mut *lock(&self.held);
        let changed = at.as_millisecond();
        let number = held.secrets.get(name).map_or(1, |old| old.number + 1);
        let stored = Stored { number, value: value.to_owned(), changed };
        if let Some(old) = held.secrets.insert(name.to_owned(), stored) {
            held.listed.remove(&(Reverse(old.changed), name.to_owned()));
        }
        held.listed.insert((Reverse(changed), name.to_owned()));
        Change { at, ..pawl_world::change(name).version(&Self::version(number)).build() }
    }

    /// The id of a secret's version of this number; as long as the ids of AWS are.
    pub fn version(number: u32) -> String {
        format!("00000000-0000-4000-8000-{number:012}")
    }

    /// How often each operation was called since the last [`SecretsManager::reset`].
    pub fn calls(&self) -> BTreeMap<String, usize> {
        lock(&self.held).calls.clone()
    }

    /// How many values were given out since then.
    pub fn values(&self) -> usize {
        lock(&self.held).values
    }

    /// Answers after this time from now on.
    pub fn delay(&self, by: Duration) {
        lock(&self.held).delay = by;
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        let mut held = lock(&self.held);
        held.calls.clear();
        held.values = 0;
    }
}

impl Drop for SecretsManager {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(held): State<Arc<Mutex<Held>>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let delay = lock(&held).delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut held = lock(&held);
    *held.calls.entry(operation.to_owned()).or_default() += 1;
    let (status, answer) = match operation {
        "GetSecretValue" => held.value(asked["SecretId"].as_str().unwrap_or_default(), &asked["VersionId"]),
        "BatchGetSecretValue" => held.batch(&asked["SecretIdList"]),
        "ListSecrets" => held.page(asked["NextToken"].as_str()),
        _ => (StatusCode::BAD_REQUEST, json!({ "__type": "UnknownOperationException" })),
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
}

impl Held {
    fn value(&mut self, name: &str, asked: &Value) -> (StatusCode, Value) {
        let missing = || (StatusCode::BAD_REQUEST, json!({ "__type": "ResourceNotFoundException" }));
        let Some(stored) = self.secrets.get(name) else { return missing() };
        if asked.as_str().is_some_and(|asked| asked != SecretsManager::version(stored.number)) {
            return missing();
        }
        self.values += 1;
        (StatusCode::OK, entry(name, stored))
    }

    fn batch(&mut self, names: &Value) -> (StatusCode, Value) {
        let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
        let found: Vec<Value> =
            names.filter_map(|name| self.secrets.get(name).map(|stored| entry(name, stored))).collect();
        self.values += found.len();
        (StatusCode::OK, json!({ "SecretValues": found, "Errors": [] }))
    }

    /// A token is the date and name of the last secret of the page before.
    fn page(&self, token: Option<&str>) -> (StatusCode, Value) {
        let after = token.and_then(|token| token.split_once(' '));
        let after = after.and_then(|(changed, name)| Some((Reverse(changed.parse().ok()?), name.to_owned())));
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut page = self.listed.range((from, Bound::Unbounded)).take(PAGE + 1).collect::<Vec<_>>();
        let more = page.len() > PAGE;
        page.truncate(PAGE);
        let next = page.last().filter(|_| more).map(|(Reverse(changed), name)| format!("{changed} {name}"));
        let one = |(_, name): &&(Reverse<i64>, String)| {
            let stored = self.secrets.get(name)?;
            Some(json!({
                "ARN": arn(name),
                "Name": name,
                "LastChangedDate": seconds(stored),
                "SecretVersionsToStages": { SecretsManager::version(stored.number): ["AWSCURRENT"] },
            }))
        };
        let list: Vec<Value> = page.iter().filter_map(one).collect();
        (StatusCode::OK, json!({ "SecretList": list, "NextToken": next }))
    }
}

fn entry(name: &str, stored: &Stored) -> Value {
    json!({
        "ARN": arn(name),
        "Name": name,
        "VersionId": SecretsManager::version(stored.number),
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": seconds(stored),
        "SecretString": stored.value,
    })
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-a1B2c3")
}

fn seconds(stored: &Stored) -> f64 {
    stored.changed as f64 / 1000.0
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
