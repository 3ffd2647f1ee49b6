//! A double of Google's cloud as far as Secret Manager is read: the services that trade proofs for tokens, the part of the
//! REST API that reads secrets, with Google's words for what is not there, and a pull subscription of Pub/Sub.
//!
//! Sources: Google's references of OAuth 2.0 for service accounts, of the Security Token Service, of the IAM Credentials API and
//! of Secret Manager, version 1, and of Pub/Sub, version 1; answers that its users reported. Google's own clients for Go read
//! from it what they read from Google: OAuth 2.0, Secret Manager by REST (`secretmanager/apiv1`, also over gRPC, with ESO's
//! provider, version 2.9, on top), and Pub/Sub by `google.golang.org/api/pubsub/v1`. The other services that trade tokens are
//! held to their references alone.
//!
//! All services are at one address. It has no clock: a token is good until all are taken back ([`Google::forget_tokens`]), and
//! times in statements only have to fit each other.

mod pushes;
mod secrets;
mod subscription;
mod tokens;

use crate::error::Result;
use crate::rest::{Answer, Answers, Served, answer, form, json_answer, with_headers};
use http::Request;
use hyper::body::Bytes;
use pushes::Pushes;
use secrets::Secrets;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::MutexGuard;
use subscription::Subscription;
use tokens::Tokens;

/// The id and the number of its one project.
pub const PROJECT: &str = "shop";
/// See [`PROJECT`].
pub const NUMBER: &str = "123456789012";
/// The name of its one pull subscription.
pub const SUBSCRIPTION: &str = "projects/shop/subscriptions/pawl";
/// The service account whose key it knows.
pub const ACCOUNT: &str = "reader@shop.iam.gserviceaccount.com";

/// Google on a port of its own. Dropping it closes the port.
#[derive(Debug)]
pub struct Google {
    served: Served<State>,
}

#[derive(Debug)]
struct State {
    tokens: Tokens,
    pushes: Pushes,
    secrets: Secrets,
    subscription: Subscription,
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
        Self::known_as(None).await
    }

    /// The same, where those who ask know its token service by another address, such as Google's own.
    ///
    /// # Errors
    /// As for [`Google::start`].
    pub async fn known_as(tokens_at: Option<&str>) -> Result<Self> {
        let state = |address: &str| State {
            tokens: Tokens::new(tokens_at.unwrap_or(address)),
            pushes: Pushes::default(),
            secrets: Secrets::default(),
            subscription: Subscription::default(),
            asked: Vec::new(),
            scripted: Vec::new(),
        };
        Ok(Self { served: Served::start(state).await? })
    }

    /// The address of all its services.
    pub fn address(&self) -> &str {
        self.served.address()
    }

    /// The file of the service account's key.
    pub fn key_file(&self) -> Value {
        self.state().tokens.key_file()
    }

    /// Takes another key from now on, and none but that.
    pub fn rotate(&self) {
        self.state().tokens.rotate();
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

    /// The token with which Pub/Sub pushes as this account to this audience, good from this second on; nothing where no key
    /// can be made.
    pub fn push_token(&self, audience: &str, account: &str, now: i64) -> Option<String> {
        self.state().pushes.token(audience, account, now)
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

    /// Publishes a message to the subscription's topic.
    pub fn publish(&self, attributes: &[(&str, &str)], data: &[u8]) {
        self.state().subscription.publish(attributes, data);
    }

    /// Counts deliveries from now on, as a subscription with a dead-letter policy does.
    pub fn count_deliveries(&self) {
        self.state().subscription.counts = true;
    }

    /// Lets the time of every message pass that was delivered and not acknowledged: it comes again.
    pub fn end_deadlines(&self) {
        self.state().subscription.end_deadlines();
    }

    /// How many messages were not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.state().subscription.left()
    }

    /// The times for which messages were held or postponed since the last time, in seconds.
    pub fn deadlines(&self) -> Vec<u64> {
        std::mem::take(&mut self.state().subscription.deadlines)
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
        self.served.state()
    }
}

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
    fn of(request: &Request<Bytes>) -> Self {
        let headers = request.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let all = headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Self {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: form(request.uri().query().unwrap_or_default()),
            target: request.uri().to_string(),
            authorization: text("authorization"),
            content_type: text("content-type"),
            headers: all.collect(),
            body: request.body().to_vec(),
        }
    }
}

impl Answers for State {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        let asked = &Asked::of(request);
        self.asked.push(format!("{} {}", asked.method, asked.target));
        if let Some(place) = self.scripted.iter().position(|script| asked.path.ends_with(&script.ending)) {
            let script = self.scripted.remove(place);
            return with_headers(answer(script.status, script.body), &script.headers);
        }
        let post = asked.method == "POST";
        match asked.path.as_str() {
            "/oauth2/v3/certs" if !post => self.pushes.keys(),
            "/token" if post => self.tokens.of_statement(asked),
            "/v1/token" if post => self.tokens.exchange(asked),
            "/v1/identitybindingtoken" if post => self.tokens.bind(asked),
            // What a configuration has its tokens from, which is no service of Google's.
            "/subject" if !post => self.tokens.subject(asked),
            path if post && path.ends_with(":generateAccessToken") => self.tokens.generate(asked),
            path if path.starts_with("/v1/projects/") => match (self.tokens.knows(asked), post) {
                (true, false) => self.secrets.answer(asked),
                (true, true) => self.subscription.answer(asked),
                (false, _) => failure(
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
    answer(404, "<!DOCTYPE html>\n<html lang=en>\n  <title>Error 404 (Not Found)!!1</title>\n")
}

/// A failure as Google's APIs write it.
fn failure(status: u16, name: &str, message: &str) -> Answer {
    json_answer(status, &json!({ "error": { "code": status, "message": message, "status": name } }))
}
