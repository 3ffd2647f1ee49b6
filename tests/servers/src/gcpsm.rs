//! A double of Google's cloud as far as Secret Manager is read: the services that trade proofs for tokens, and the part of the
//! REST API that reads secrets, with Google's words for what is not there.
//!
//! Sources: Google's references of OAuth 2.0 for service accounts, of the Security Token Service, of the IAM Credentials API and
//! of Secret Manager, version 1; answers that its users reported. ESO's provider, version 2.9, over Google's own clients for Go
//! (OAuth 2.0 and Secret Manager by REST) read from it what this adapter reads.
//!
//! All services are at one address. It has no clock: a token is good until all are taken back ([`Google::forget_tokens`]), and
//! times in statements only have to fit each other.

mod secrets;
mod tokens;

use crate::error::{Error, Result};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use secrets::Secrets;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokens::Tokens;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The id and the number of its one project.
pub const PROJECT: &str = "shop";
/// See [`PROJECT`].
pub const NUMBER: &str = "123456789012";
/// The service account whose key it knows.
pub const ACCOUNT: &str = "reader@shop.iam.gserviceaccount.com";

/// Google on a port of its own. Dropping it closes the port.
#[derive(Debug)]
pub struct Google {
    address: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    tokens: Tokens,
    secrets: Secrets,
    asked: Vec<String>,
    /// Answers in place of the next ones whose path ends so: the ending, a status, a body, and headers.
    scripted: Vec<Script>,
}

#[derive(Debug)]
struct Script {
    ending: String,
    status: u16,
    body: String,
    headers: Vec<(&'static str, String)>,
}

impl Google {
    /// Starts with nothing in the project.
    ///
    /// # Errors
    /// When no port can be listened on, or no key be made.
    pub async fn start() -> Result<Self> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(Error::io("listening"))?;
        let address = listener.local_addr().map_err(Error::io("listening"))?;
        let address = format!("http://{address}");
        let (tokens, secrets) = (Tokens::new(&address), Secrets::default());
        let state = State { tokens, secrets, asked: Vec::new(), scripted: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// The address of all its services.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The file of the service account's key.
    pub fn key_file(&self) -> Value {
        self.state().tokens.key_file()
    }

    /// Takes another key from now on, and none but that.
    pub fn rotate(&self) {
        let address = self.address.clone();
        self.state().tokens.rotate(&address);
    }

    /// Lets an identity that is proven by this token to this audience become one that reads.
    pub fn trust(&self, audience: &str, token: &str) {
        self.state().tokens.trust(audience, token);
    }

    /// Lets whoever is trusted stand for this service account.
    pub fn may_be(&self, email: &str) {
        self.state().tokens.may_be(email);
    }

    /// Takes back every token that was given out.
    pub fn forget_tokens(&self) {
        self.state().tokens.forget();
    }

    /// Whether identities may see secrets and versions without their values (`roles/secretmanager.viewer`).
    pub fn set_viewer(&self, may: bool) {
        self.state().secrets.viewer = may;
    }

    /// Makes a secret, in a location where one is given.
    pub fn create(&self, location: Option<&str>, id: &str) {
        self.state().secrets.create(location, id);
    }

    /// Adds a version to a secret, which comes into being if it is not there; returns its number.
    pub fn add(&self, location: Option<&str>, id: &str, value: &[u8]) -> u64 {
        self.state().secrets.add(location, id, value)
    }

    /// Gives a version another state: `ENABLED`, `DISABLED` or `DESTROYED`.
    pub fn set_state(&self, location: Option<&str>, id: &str, number: u64, state: &'static str) {
        self.state().secrets.set_state(location, id, number, state);
    }

    /// Gives a secret labels and annotations.
    pub fn describe(
        &self,
        location: Option<&str>,
        id: &str,
        labels: &[(&str, &str)],
        notes: &[(&str, &str)],
    ) {
        self.state().secrets.describe(location, id, labels, notes);
    }

    /// Gives a version an alias, which it takes from any other.
    pub fn alias(&self, location: Option<&str>, id: &str, alias: &str, number: u64) {
        self.state().secrets.alias(location, id, alias, number);
    }

    /// Deletes a secret for good.
    pub fn delete(&self, location: Option<&str>, id: &str) {
        self.state().secrets.delete(location, id);
    }

    /// Refuses what is asked of this secret, as where it is no longer shared.
    pub fn hide(&self, id: &str) {
        self.state().secrets.hidden.insert(id.to_owned());
    }

    /// How many secrets or versions a page of a list has at most.
    pub fn set_page(&self, most: usize) {
        self.state().secrets.page = most;
    }

    /// Answers the next request whose path ends so with this.
    pub fn answer(&self, ending: &str, status: u16, body: &str, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        let (ending, body) = (ending.to_owned(), body.to_owned());
        self.state().scripted.push(Script { ending, status, body, headers });
    }

    /// What was asked since the last time, as method, path and query.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }

    /// What the last statement, exchange and impersonation held, by service.
    pub fn shown(&self) -> BTreeMap<String, Value> {
        self.state().tokens.shown.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    // Ends with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let state = Arc::clone(&state);
                let service = service_fn(move |request: Request<Incoming>| {
                    let state = Arc::clone(&state);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                        let asked = Asked::of(&head, &body);
                        let answer = state.lock().unwrap_or_else(PoisonError::into_inner).answer(&asked);
                        Ok::<_, Infallible>(answer)
                    }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

type Answer = Response<Full<Bytes>>;

/// A request, taken apart.
struct Asked {
    method: String,
    /// The path with its signs as they were sent.
    path: String,
    query: BTreeMap<String, String>,
    target: String,
    authorization: Option<String>,
    content_type: Option<String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Asked {
    fn of(head: &http::request::Parts, body: &Bytes) -> Self {
        let text =
            |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let headers = head.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: form(head.uri.query().unwrap_or_default()),
            target: head.uri.to_string(),
            authorization: text("authorization"),
            content_type: text("content-type"),
            headers: headers.collect(),
            body: body.to_vec(),
        }
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Answer {
        self.asked.push(format!("{} {}", asked.method, asked.target));
        if let Some(place) = self.scripted.iter().position(|script| asked.path.ends_with(&script.ending)) {
            let script = self.scripted.remove(place);
            let mut answer = Response::new(Full::new(Bytes::from(script.body)));
            *answer.status_mut() =
                StatusCode::from_u16(script.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            for (name, value) in script.headers {
                if let Ok(value) = value.parse() {
                    answer.headers_mut().insert(name, value);
                }
            }
            return answer;
        }
        let post = asked.method == "POST";
        match asked.path.as_str() {
            "/token" if post => self.tokens.of_statement(asked),
            "/v1/token" if post => self.tokens.exchange(asked),
            "/v1/identitybindingtoken" if post => self.tokens.bind(asked),
            // What a configuration has its tokens from, which is no service of Google's.
            "/subject" if !post => self.tokens.subject(asked),
            path if post && path.ends_with(":generateAccessToken") => self.tokens.generate(asked),
            path if !post && path.starts_with("/v1/projects/") => match self.tokens.knows(asked) {
                true => self.secrets.answer(asked),
                false => failure(
                    401,
                    "UNAUTHENTICATED",
                    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
                     valid authentication credential.",
                ),
            },
            _ => page(),
        }
    }
}

/// What Google answers at an address that is none of its API's.
fn page() -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(
        b"<!DOCTYPE html>\n<html lang=en>\n  <title>Error 404 (Not Found)!!1</title>\n",
    )));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

/// A failure as Google's APIs write it.
fn failure(status: u16, name: &str, message: &str) -> Answer {
    json_answer(status, &json!({ "error": { "code": status, "message": message, "status": name } }))
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

fn form(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect()
}

/// A part of a path or query without its percent signs.
fn decoded(part: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), part.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        let escaped = (first == b'%').then(|| std::str::from_utf8(behind.get(..2)?).ok()).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
