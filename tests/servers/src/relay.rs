//! A relay before any HTTP server: it keeps what was asked, and answers some requests in the server's place.

use crate::error::{Error, Result};
use crate::rest::Asked;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Answers a request in the server's place: a status with a body. `None` lets it pass.
pub type Instead = dyn Fn(&Asked) -> Option<(u16, String)> + Send + Sync;

/// A relay on a port of its own. Dropping it closes the port and its connections.
pub struct Relay {
    address: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    instead: Option<Arc<Instead>>,
}

impl Relay {
    /// Starts before the server at this base URL.
    ///
    /// # Errors
    /// When no port can be listened on, or no client be made.
    pub async fn start(upstream: &str) -> Result<Self> {
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(Error::unreachable("the HTTP client"))?;
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(Error::io("listening"))?;
        let address = format!("http://{}", listener.local_addr().map_err(Error::io("listening"))?);
        let state = Arc::<Mutex<State>>::default();
        let forward = Forward { client, upstream: upstream.trim_end_matches('/').to_owned() };
        let task = tokio::spawn(accept(listener, Arc::clone(&state), Arc::new(forward)));
        Ok(Self { address, state, task })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many requests of this kind were passed on to the server or answered in its place.
    pub fn count(&self, kind: impl Fn(&Asked) -> bool) -> usize {
        locked(&self.state).asked.iter().filter(|asked| kind(asked)).count()
    }

    /// What was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.state).asked.clone()
    }

    /// From now on requests are answered so; `None` lets all pass again.
    pub fn answer(&self, instead: Option<Arc<Instead>>) {
        locked(&self.state).instead = instead;
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Forward {
    client: reqwest::Client,
    upstream: String,
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>, forward: Arc<Forward>) {
    // Ends with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let (state, forward) = (Arc::clone(&state), Arc::clone(&forward));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (state, forward) = (Arc::clone(&state), Arc::clone(&forward));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                        let request = Request::from_parts(head, body);
                        Ok::<_, Infallible>(relayed(&state, &forward, request).await)
                    }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn relayed(state: &Mutex<State>, forward: &Forward, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let asked = Asked::of(&request);
    let instead = {
        let mut state = locked(state);
        state.asked.push(asked.clone());
        state.instead.clone()
    };
    if let Some((status, body)) = instead.and_then(|instead| instead(&asked)) {
        return answer(StatusCode::from_u16(status).unwrap_or_default(), Bytes::from(body));
    }
    match passed_on(forward, request).await {
        Ok(response) => response,
        Err(_) => answer(StatusCode::BAD_GATEWAY, Bytes::new()),
    }
}

async fn passed_on(forward: &Forward, request: Request<Bytes>) -> reqwest::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    // The client writes these itself.
    headers.remove(http::header::HOST);
    headers.remove(http::header::CONTENT_LENGTH);
    let url = format!("{}{}", forward.upstream, head.uri);
    let sent = forward.client.request(head.method, url).headers(headers).body(body).send().await?;
    let (status, mut headers) = (sent.status(), sent.headers().clone());
    headers.remove(http::header::TRANSFER_ENCODING);
    headers.remove(http::header::CONTENT_LENGTH);
    let mut response = answer(status, sent.bytes().await?);
    *response.headers_mut() = headers;
    Ok(response)
}

fn answer(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
