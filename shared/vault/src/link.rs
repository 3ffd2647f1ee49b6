//! Sends calls of Vault's API: path, headers, and which answers are worth another attempt.

use crate::call::{LIST, refused, said};
use crate::options::Options;
use crate::path;
use pawl_domain::grant::Reach;
use pawl_domain::store::{Headers, VaultStore};
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;
use pawl_stores::kit::{self, Call, Material, PlainHttp, Reply, sealed, text};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use std::sync::{Mutex, PoisonError};

/// One server, with how it wants to be asked.
#[derive(Debug)]
pub(crate) struct Link {
    link: kit::Link,
    headers: HeaderMap,
    /// `readYourWrites`: the state that the server was in when it answered last.
    state: Option<Mutex<Option<HeaderValue>>>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// The path of the API, without `/v1/`.
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(&'a str, &'a str)>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) token: Option<&'a SecretValue>,
    pub(crate) body: Option<&'a SecretValue>,
}

impl<'a> Ask<'a> {
    /// A plain read.
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), namespace: None, token: None, body: None }
    }

    /// A write, with a body of JSON.
    pub(crate) fn post(path: &'a str, body: &'a SecretValue) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }
}

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const INDEX: HeaderName = HeaderName::from_static("x-vault-index");
const INCONSISTENT: HeaderName = HeaderName::from_static("x-vault-inconsistent");
/// Agents and proxies of Vault may demand it, against requests that a browser is talked into.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// The most retries that a store may ask for.
const MOST_RETRIES: u32 = 10;

impl Link {
    /// A client for this store.
    pub(crate) async fn open(
        store: &VaultStore,
        material: Material,
        options: &Options,
        reach: &Reach,
        call: &Call<'_>,
    ) -> Result<Self, Error> {
        let headers = headers(store, call)?;
        let mut bounds = options.bounds.clone();
        bounds.retries = store.max_retries.unwrap_or(bounds.retries).min(MOST_RETRIES);
        let plain = match options.plain_http {
            true => PlainHttp::Allowed,
            false => PlainHttp::Refused(Some("PAWL_VAULT_PLAIN_HTTP")),
        };
        let link = kit::Link::open(call, material, &bounds, reach, plain).await?;
        Ok(Self { link, headers, state: store.read_your_writes.then(Mutex::default) })
    }

    /// What the client was made of.
    pub(crate) fn material(&self) -> &Material {
        self.link.material()
    }

    /// How many calls one question may have on the way.
    pub(crate) fn concurrency(&self) -> usize {
        self.link.bounds().concurrency.max(1)
    }

    /// Asks, again where that may help, and gives back what answers the question: a success, or a 404 that says no more than
    /// that there is nothing.
    ///
    /// # Errors
    /// Any refusal, and a 404 that says more than that there is nothing.
    pub(crate) async fn send(&self, call: &Call<'_>, ask: &Ask<'_>) -> Result<Reply, Error> {
        let parts = path::parts(ask.path, call)?;
        let reply =
            self.link.send(call, &|| self.request(call, ask, &parts), &|reply| self.may_pass(reply)).await?;
        let status = reply.status;
        if status.is_success() || status == StatusCode::NOT_FOUND && said(&reply).is_none() {
            return Ok(reply);
        }
        Err(reply.failure(refused(call, &reply, ask.path)))
    }

    fn request<'a>(&self, call: &Call<'_>, ask: &Ask<'a>, parts: &[&'a str]) -> Result<kit::Ask<'a>, Error> {
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
        let bounds = self.link.bounds();
        Ok(kit::Ask {
            method: ask.method.clone(),
            path: [&["v1"][..], parts].concat(),
            query: ask.query.clone(),
            headers,
            body: ask.body,
            largest: if call.action == LIST { bounds.largest_list } else { bounds.largest_answer },
        })
    }

    /// Whether the same may go well in a moment. Source of the codes: Vault's API, HTTP status codes.
    fn may_pass(&self, reply: &Reply) -> bool {
        if let (Some(state), Some(index)) = (&self.state, reply.headers.get(INDEX)) {
            *state.lock().unwrap_or_else(PoisonError::into_inner) = Some(index.clone());
        }
        matches!(reply.status.as_u16(), 412 | 429 | 472 | 473 | 500 | 502..600)
    }
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
