//! Connections to one server: TLS, headers, retries, bounds.

use crate::call::{Action, Call};
use crate::guard::{Guard, is_refused};
use crate::options::Options;
use crate::path;
use pawl_domain::grant::{Origin, Reach};
use pawl_domain::store::{Headers, VaultStore};
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Identity, Method, StatusCode, Url, redirect};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// Certificates and keys of a connection, as PEM.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Material {
    /// The CA certificates that the server's must come from; the machine's own where there are none.
    pub(crate) ca: Option<String>,
    /// The client certificate.
    pub(crate) certificate: Option<SecretValue>,
    /// Its key.
    pub(crate) key: Option<SecretValue>,
}

/// One server, with how it wants to be asked.
#[derive(Debug)]
pub(crate) struct Link {
    client: Client,
    base: Url,
    headers: HeaderMap,
    retries: u32,
    options: Options,
    /// What the client was made of.
    pub(crate) material: Material,
    /// `readYourWrites`: the state that the server was in when it answered last.
    state: Option<Mutex<Option<HeaderValue>>>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// The path of the API, without `/v1/`.
    pub(crate) path: &'a str,
    pub(crate) query: Option<(&'static str, &'a str)>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) token: Option<&'a SecretValue>,
    pub(crate) body: Option<&'a SecretValue>,
}

impl<'a> Ask<'a> {
    /// A plain read.
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, query: None, namespace: None, token: None, body: None }
    }

    /// A write, with a body of JSON.
    pub(crate) fn post(path: &'a str, body: &'a SecretValue) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }
}

/// An answer of success, or of 404 that says no more than that there is nothing.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Wiped when it is dropped: it holds tokens and values.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const INDEX: HeaderName = HeaderName::from_static("x-vault-index");
const INCONSISTENT: HeaderName = HeaderName::from_static("x-vault-inconsistent");
/// Agents and proxies of Vault may demand it, against requests that a browser is talked into.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// The most retries that a store may ask for.
const MOST_RETRIES: u32 = 10;
/// The longest that a server is left alone because it asked for it.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// A server may point to another path of its own.
const MOST_REDIRECTS: usize = 3;

impl Link {
    /// A client for this store. Certificates are read here and now, which takes a moment.
    pub(crate) async fn open(
        store: &VaultStore,
        material: Material,
        options: &Options,
        reach: &Reach,
        call: &Call<'_>,
    ) -> Result<Self, Error> {
        let base = base(store, options, reach, call)?;
        let headers = headers(store, call)?;
        let (made_of, times, guard) = (material.clone(), options.clone(), Guard::new(reach));
        // The machine's own certificates are read from files.
        let client = tokio::task::spawn_blocking(move || client(&made_of, &times, guard))
            .await
            .map_err(|error| call.error(Kind::Transient, "the client could not be made").caused_by(error))?
            .map_err(|unusable| call.error(Kind::Invalid, unusable))?;
        Ok(Self {
            client,
            base,
            headers,
            retries: store.max_retries.unwrap_or(options.retries).min(MOST_RETRIES),
            options: options.clone(),
            material,
            state: store.read_your_writes.then(Mutex::default),
        })
    }

    /// How many calls one question may have on the way.
    pub(crate) fn concurrency(&self) -> usize {
        self.options.concurrency.max(1)
    }

    /// Asks, again where that may help, and gives back what answers the question.
    ///
    /// # Errors
    /// Any refusal, and a 404 that says more than that there is nothing.
    pub(crate) async fn send(&self, call: &Call<'_>, ask: &Ask<'_>) -> Result<Reply, Error> {
        tokio::time::timeout(self.options.deadline, self.attempts(call, ask))
            .await
            .unwrap_or_else(|_| Err(call.out_of_time()))
    }

    async fn attempts(&self, call: &Call<'_>, ask: &Ask<'_>) -> Result<Reply, Error> {
        let mut pause = self.options.first_pause;
        for retry in 0.. {
            let answer = self.attempt(call, ask).await?;
            let last = retry == self.retries;
            let wait = match &answer {
                Attempt::Answered(_, asked) => asked.unwrap_or(pause),
                Attempt::Failed(_) => pause,
            };
            let hopeless = !answer.may_pass() || wait > self.options.last_pause;
            if last || hopeless {
                return answer.into_result(call, ask.path);
            }
            tokio::time::sleep(wait.mul_f64(rand::random_range(1.0..1.5))).await;
            pause = (pause * 2).min(self.options.last_pause);
        }
        Err(call.out_of_time())
    }

    async fn attempt(&self, call: &Call<'_>, ask: &Ask<'_>) -> Result<Attempt, Error> {
        let request = self.request(call, ask)?;
        let mut response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(failure) => return Ok(Attempt::Failed(failure)),
        };
        if let (Some(state), Some(index)) = (&self.state, response.headers().get(INDEX)) {
            *state.lock().unwrap_or_else(PoisonError::into_inner) = Some(index.clone());
        }
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let largest = match call.action {
            Action::List => self.options.largest_list,
            _ => self.options.largest_answer,
        };
        let mut body = Zeroizing::new(Vec::new());
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() <= largest => append(&mut body, &chunk),
                // The rest is not read: the connection ends with the response.
                Ok(Some(_)) => {
                    let what = format!("the answer is longer than {largest} bytes");
                    return Err(call.error(Kind::Invalid, what));
                }
                Err(failure) => return Ok(Attempt::Failed(failure)),
            }
        }
        Ok(Attempt::Answered(Reply { status, body }, asked.map(Duration::from_secs)))
    }

    fn request(&self, call: &Call<'_>, ask: &Ask<'_>) -> Result<reqwest::Request, Error> {
        let mut url = self.base.clone();
        let parts = path::parts(ask.path, call)?;
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty().push("v1").extend(parts);
            }
            Err(()) => return Err(call.error(Kind::Invalid, "the store's server is no address")),
        }
        if let Some((name, value)) = ask.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut headers = self.headers.clone();
        if let Some(namespace) = ask.namespace {
            headers.insert(NAMESPACE, text(namespace, "the namespace", call)?);
        }
        if let Some(token) = ask.token {
            headers.insert(TOKEN, sealed(token, call)?);
        }
        let state = self
            .state
            .as_ref()
            .and_then(|state| state.lock().unwrap_or_else(PoisonError::into_inner).clone());
        if let Some(state) = state {
            headers.insert(INDEX, state);
        }
        let mut request = self.client.request(ask.method.clone(), url);
        if let Some(body) = ask.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.expose().to_vec());
        }
        request.headers(headers).build().map_err(|failure| call.failed(failure))
    }
}

/// What one attempt brought; with an answer, how many seconds the server asks to wait before the next.
enum Attempt {
    Answered(Reply, Option<Duration>),
    Failed(reqwest::Error),
}

impl Attempt {
    /// Whether the same may go well in a moment. Source of the codes: Vault's API, HTTP status codes.
    fn may_pass(&self) -> bool {
        match self {
            Self::Answered(reply, _) => {
                matches!(reply.status.as_u16(), 412 | 429 | 472 | 473 | 500 | 502..600)
            }
            // Who left one attempt unanswered is asked again by the job queue or the next sweep: what waits here holds up
            // others.
            Self::Failed(failure) => {
                !failure.is_timeout()
                    && !failure.is_builder()
                    && !failure.is_redirect()
                    && !is_refused(failure)
            }
        }
    }

    fn into_result(self, call: &Call<'_>, path: &str) -> Result<Reply, Error> {
        match self {
            Self::Answered(reply, _) if reply.status.is_success() => Ok(reply),
            Self::Answered(reply, _) if reply.status == StatusCode::NOT_FOUND && reply.said().is_none() => {
                Ok(reply)
            }
            Self::Answered(reply, asked) => {
                let refusal = call.refused(&reply, path);
                Err(match asked.filter(|_| refusal.is_retryable()) {
                    Some(pause) => refusal.after(pause.min(LONGEST_REST)),
                    None => refusal,
                })
            }
            Self::Failed(failure) => Err(call.failed(failure)),
        }
    }
}

/// Puts bytes behind others. What is too small to hold both is wiped before it is given up.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let needed = body.len() + chunk.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(body.capacity() * 2)));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

fn base(store: &VaultStore, options: &Options, reach: &Reach, call: &Call<'_>) -> Result<Url, Error> {
    let url = Url::parse(store.server.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.filter(Url::has_host).ok_or_else(|| {
        call.error(
            Kind::Invalid,
            "the store's server is no address; write one such as https://vault.example.com:8200",
        )
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            call.error(Kind::Invalid, "the store's server holds a password; prove identities with auth")
        );
    }
    // An address is no name that would be resolved, so nothing that dials looks at it again.
    if Origin::of(url.as_str()).and_then(|at| at.address).is_some_and(|address| !reach.admits(address)) {
        return Err(call.refused_address());
    }
    if url.scheme() == "http" && !is_loopback(&url) && !options.plain_http {
        let what = "the store's server is asked without TLS, so that others on the way can read tokens and secrets; write \
                    https, or let the operator set PAWL_VAULT_PLAIN_HTTP=true";
        return Err(call.error(Kind::Invalid, what));
    }
    Ok(url)
}

/// Whether an address is this machine's own.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The headers of every request. Those of the store give way to Vault's own.
fn headers(store: &VaultStore, call: &Call<'_>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in &store.headers.0 {
        if Headers::is_forbidden(name) {
            let what = format_args!("the store may not set the header {name:?}; remove it");
            return Err(call.error(Kind::Invalid, what));
        }
        let named = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            call.error(Kind::Invalid, format_args!("{name:?} of the store's headers is no name of a header"))
        })?;
        headers.insert(named, text(value, &format!("the store's header {name}"), call)?);
    }
    headers.insert(REQUEST, HeaderValue::from_static("true"));
    if store.read_your_writes && store.forward_inconsistent {
        headers.insert(INCONSISTENT, HeaderValue::from_static("forward-active-node"));
    }
    Ok(headers)
}

fn text(value: &str, what: &str, call: &Call<'_>) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(value)
        .map_err(|_| call.error(Kind::Invalid, format_args!("{what} has characters that no header may hold")))
}

fn sealed(token: &SecretValue, call: &Call<'_>) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_bytes(token.expose()).map_err(|_| {
        let what = "the token has characters that no header may hold; check for a line break at its end";
        call.error(Kind::Invalid, what)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// # Errors
/// What is wrong with the material, in words.
fn client(material: &Material, options: &Options, guard: Option<Guard>) -> Result<Client, &'static str> {
    let mut builder = Client::builder()
        .connect_timeout(options.connect_timeout)
        .timeout(options.attempt_timeout)
        .redirect(redirect::Policy::custom(follow));
    if let Some(guard) = guard {
        builder = builder.dns_resolver(guard);
    }
    if let Some(ca) = &material.ca {
        let certificates = Certificate::from_pem_bundle(ca.as_bytes()).unwrap_or_default();
        if certificates.is_empty() {
            return Err("the CA certificates are not PEM; correct caBundle or caProvider");
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let (Some(certificate), Some(key)) = (&material.certificate, &material.key) {
        let pem = [certificate.expose(), b"\n", key.expose()].concat();
        let identity =
            Identity::from_pem(&pem).map_err(|_| "the client certificate or its key is not PEM")?;
        builder = builder.identity(identity);
    }
    builder
        .build()
        .map_err(|_| "the certificates are not usable; check caBundle, caProvider and the client certificate")
}

/// The token and the store's headers go with the request, so never to another host, port or scheme.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let here = attempt.previous().first().map(Url::origin);
    match here == Some(attempt.url().origin()) {
        false => attempt.stop(),
        true if attempt.previous().len() > MOST_REDIRECTS => attempt.error("too many redirects"),
        true => attempt.follow(),
    }
}
