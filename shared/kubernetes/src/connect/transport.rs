//! Sends requests to an API server and reads the answers, in bounded time and size.
//!
//! HTTP/1.1: a connection that went silent costs the one request on it, where with HTTP/2 it would cost all of them; and
//! the bound on requests at once bounds the connections.

use super::bearer::Bearer;
use super::bytes::append;
use super::lines::{Lines, Opened};
use crate::call::{Body, Call, Reply};
use crate::options::Options;
use crate::refusal::Refusal;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::ConfigExt;
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A page of the longest lists stays well below this.
const LARGEST_ANSWER: usize = 32 << 20;
/// How long a connection may lie idle. Load balancers before API servers drop idle ones without a word, after 60 s or more.
const IDLE: Duration = Duration::from_secs(45);

const AGENT: &str = concat!("pawl/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
/// Every API server since 1.15 has this form; one that has not may send the whole object.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// The connections to one API server. Clones share them.
#[derive(Clone)]
pub(super) struct Transport {
    client: Client<TimeoutConnector<HttpsConnector<HttpConnector>>, Full<Bytes>>,
    base: String,
    request_timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// No connection came about.
    Connect(String),
    /// The answer did not come in time.
    TimedOut,
    /// The connection broke off; whether the request was carried out is not known.
    Broken,
    /// The answer is larger than anything that was asked for.
    TooLarge,
}

impl Fault {
    fn of(error: hyper_util::client::legacy::Error) -> Self {
        if error.is_connect() { Self::Connect(innermost(&error)) } else { Self::Broken }
    }

    /// The fault's name in metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Connect(_) => "unreachable",
            Self::TimedOut => "timeout",
            Self::Broken => "broken",
            Self::TooLarge => "too-large",
        }
    }
}

impl Transport {
    /// # Errors
    /// Why the certificates cannot be used.
    pub(super) fn new(config: &Config, options: &Options) -> Result<Self, String> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let https = config.rustls_https_connector_with_connector(http).map_err(|error| error.to_string())?;
        let mut connector = TimeoutConnector::new(https);
        connector.set_connect_timeout(Some(options.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(options.concurrency)
            .build(connector);
        let base = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        Ok(Self { client, base, request_timeout: options.request_timeout })
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send(&self, call: &Call<'_>, bearer: &Bearer) -> Result<Reply, Fault> {
        let request =
            self.request(call, bearer).map_err(|_| Fault::Connect("the address is not one".to_owned()))?;
        timeout(self.request_timeout, self.exchange(request)).await.unwrap_or(Err(Fault::TimedOut))
    }

    /// Sends one request whose answer has no end, and waits for its beginning.
    pub(super) async fn open(&self, call: &Call<'_>, bearer: &Bearer) -> Result<Opened, Fault> {
        let request =
            self.request(call, bearer).map_err(|_| Fault::Connect("the address is not one".to_owned()))?;
        let opened = async {
            let response = self.client.request(request).await.map_err(Fault::of)?;
            let status = response.status();
            if status.is_success() {
                return Ok(Opened::Lines(Lines::new(response.into_body())));
            }
            Ok(Opened::Refused(Refusal::new(status.as_u16(), &collected(response).await?)))
        };
        timeout(self.request_timeout, opened).await.unwrap_or(Err(Fault::TimedOut))
    }

    fn request(&self, call: &Call<'_>, bearer: &Bearer) -> Result<Request<Full<Bytes>>, http::Error> {
        let uri: Uri = format!("{}{}", self.base, call.path()).parse()?;
        let accept = match (call.metadata_only, call.verb) {
            (false, _) => JSON,
            (true, crate::call::Verb::List) => METADATA_LIST,
            (true, _) => METADATA,
        };
        let mut request = Request::builder()
            .method(call.verb.method())
            .uri(uri)
            .header(ACCEPT, accept)
            .header(USER_AGENT, AGENT);
        if let Some(header) = &bearer.header {
            request = request.header(AUTHORIZATION, header.clone());
        }
        match &call.body {
            Some((content_type, bytes)) => {
                request.header(CONTENT_TYPE, *content_type).body(Full::new(bytes.clone()))
            }
            None => request.body(Full::default()),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, Fault> {
        let response = self.client.request(request).await.map_err(Fault::of)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = collected(response).await?;
        Ok(if status.is_success() {
            Reply::Done(Body(body))
        } else {
            let mut refusal = Refusal::new(status.as_u16(), &body);
            refusal.retry_after = retry_after.or(refusal.retry_after);
            Reply::Refused(refusal)
        })
    }
}

/// `Retry-After` in seconds, which is the only form that API servers use.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The whole body in one buffer that is wiped. What hyper has buffered underneath is out of reach.
async fn collected(response: Response<Incoming>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut body = response.into_body();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > LARGEST_ANSWER {
        return Err(Fault::TooLarge);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(announced));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Fault::Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > LARGEST_ANSWER {
            return Err(Fault::TooLarge);
        }
        append(&mut bytes, &data);
    }
    Ok(bytes)
}

/// The cause at the end of the chain says most: refused, a name that is not known, a certificate.
fn innermost(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        if next.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return "no connection in time".to_owned();
        }
        cause = next;
    }
    cause.to_string()
}
