//! A double of an API that somebody wrote for themselves: keys with values as JSON behind a token, or whatever it is told to
//! answer. It keeps what it was asked, to the last header.

use crate::error::{Error, Result};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The token that it takes, in `Authorization: Bearer <token>`.
pub const TOKEN: &str = "api-double";

/// An API on a port of its own. `GET /keys/<key>` answers `{"value": …}`. Dropping it closes the port.
#[derive(Debug)]
pub struct Api {
    address: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// A request, as it came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// The headers by their names in small letters; of several of a name, all with `|` between.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    token: String,
    values: BTreeMap<String, String>,
    asked: Vec<Asked>,
    /// Answers in place of the next ones.
    scripted: VecDeque<Scripted>,
}

#[derive(Debug)]
struct Scripted {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Api {
    /// Starts with nothing in it.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start() -> Result<Self> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(Error::io("listening"))?;
        let address = listener.local_addr().map_err(Error::io("listening"))?;
        let state = Arc::new(Mutex::new(State { token: TOKEN.to_owned(), ..State::default() }));
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address: format!("http://{address}"), state, task })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Makes a key, or gives it another value.
    pub fn set(&self, key: &str, value: &str) {
        self.state().values.insert(key.to_owned(), value.to_owned());
    }

    /// Deletes a key.
    pub fn unset(&self, key: &str) {
        self.state().values.remove(key);
    }

    /// Takes another token from now on, and none but that.
    pub fn rotate(&self, token: &str) {
        token.clone_into(&mut self.state().token);
    }

    /// Answers the next request so, whatever it is.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.state().scripted.push_back(Scripted { status, headers, body: body.to_owned() });
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Api {
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
                    async move { Ok::<_, Infallible>(answered(request, &state).await) }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

type Answer = Response<Full<Bytes>>;

async fn answered(request: Request<Incoming>, state: &Mutex<State>) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut headers = BTreeMap::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all: &mut String| *all = format!("{all}|{value}"))
            .or_insert(value);
    }
    let asked = Asked {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    state.lock().unwrap_or_else(PoisonError::into_inner).answer(asked)
}

impl State {
    fn answer(&mut self, asked: Asked) -> Answer {
        self.asked.push(asked.clone());
        if let Some(Scripted { status, headers, body }) = self.scripted.pop_front() {
            let mut answer = said(status, body);
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
                    answer.headers_mut().insert(name, value);
                }
            }
            return answer;
        }
        if asked.headers.get("authorization") != Some(&format!("Bearer {}", self.token)) {
            return said(401, json!({ "error": "unauthorized: hunter2" }).to_string());
        }
        let value = asked.uri.strip_prefix("/keys/").and_then(|key| self.values.get(key));
        match (asked.method.as_str(), value) {
            ("GET", Some(value)) => said(200, json!({ "value": value }).to_string()),
            ("GET", None) => said(404, json!({ "error": "no such key: hunter2" }).to_string()),
            _ => said(405, json!({ "error": "not allowed: hunter2" }).to_string()),
        }
    }
}

fn said(status: u16, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}
