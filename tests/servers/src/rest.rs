//! What the doubles of APIs have alike: a loopback port with a state behind it, and the forms of requests and answers.

use crate::error::{Error, Result};
use futures::{StreamExt, stream};
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What a double answers.
pub(crate) type Answer = Response<Full<Bytes>>;

/// What becomes of an answer on its way, where that stands among its extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// The connection breaks in the middle of the body.
    Cut,
    /// It never comes.
    Silent,
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

impl Asked {
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        let mut headers = BTreeMap::new();
        for (name, value) in request.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all: &mut String| *all = format!("{all}|{value}"))
                .or_insert(value);
        }
        Self {
            method: request.method().to_string(),
            uri: request.uri().to_string(),
            headers,
            body: String::from_utf8_lossy(request.body()).into_owned(),
        }
    }
}

/// Answers requests, one after the other.
pub(crate) trait Answers: Send + 'static {
    /// What this request is answered, with all that it changes.
    fn answer(&mut self, request: &Request<Bytes>) -> Answer;
}

/// A server on a port of its own. Dropping it closes the port and its connections.
#[derive(Debug)]
pub(crate) struct Served<S> {
    address: String,
    state: Arc<Mutex<S>>,
    task: JoinHandle<()>,
}

impl<S: Answers> Served<S> {
    /// Starts with the state that `make` gives for the server's address.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub(crate) async fn start(make: impl FnOnce(&str) -> S) -> Result<Self> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(Error::io("listening"))?;
        let address = format!("http://{}", listener.local_addr().map_err(Error::io("listening"))?);
        let state = Arc::new(Mutex::new(make(&address)));
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, S> {
        locked(&self.state)
    }
}

impl<S> Drop for Served<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<S: Answers>(listener: TcpListener, state: Arc<Mutex<S>>) {
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
                        let answer = locked(&state).answer(&Request::from_parts(head, body));
                        Ok::<_, Infallible>(sent(answer).await)
                    }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn sent(answer: Answer) -> Response<BoxBody<Bytes, io::Error>> {
    let fate = answer.extensions().get::<Fate>().copied();
    if fate == Some(Fate::Silent) {
        // Ends with the connection, which the client closes.
        std::future::pending::<()>().await;
    }
    let (head, body) = answer.into_parts();
    let body = body.map_err(|never| match never {});
    let body = match fate {
        Some(Fate::Cut) => {
            let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let half = stream::iter([Ok(Frame::data(whole.slice(..whole.len() / 2)))]);
            // What came before it is sent when the body has nothing for a moment.
            let broken = stream::once(async {
                tokio::task::yield_now().await;
                Err(io::ErrorKind::BrokenPipe.into())
            });
            BodyExt::boxed(StreamBody::new(half.chain(broken)))
        }
        _ => body.boxed(),
    };
    Response::from_parts(head, body)
}

/// A test that panicked in between has failed already; what it left is still whole.
fn locked<S>(state: &Mutex<S>) -> MutexGuard<'_, S> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer with this body.
pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

/// An answer in JSON.
pub(crate) fn json_answer(status: u16, body: &Value) -> Answer {
    let mut answer = answer(status, body.to_string());
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

/// The answer with these headers beside or in place of its own.
pub(crate) fn with_headers<N: AsRef<str>>(mut answer: Answer, headers: &[(N, String)]) -> Answer {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.as_ref().parse::<header::HeaderName>(), value.parse()) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// A query or a form.
pub(crate) fn form(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect()
}

/// A part of a path or query without its percent signs.
pub(crate) fn decoded(part: &str) -> String {
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
