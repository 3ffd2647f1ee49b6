//! Tells receipts: to an event bus of AWS, or by a signed request.

use crate::signature;
use jiff::Timestamp;
use pawl_aws::EventBus;
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::{Error, Told};
use reqwest::{Client, StatusCode, Url};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Where receipts are told.
#[derive(Debug)]
pub enum Receipts {
    /// Nowhere.
    Off,
    /// On an event bus of AWS, with the source `pawl.dev`.
    Bus(EventBus),
    /// To a URL, as [Standard Webhooks](https://www.standardwebhooks.com) are sent.
    Webhook(Webhook),
}

/// A URL that takes receipts.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    url: Url,
    key: SecretValue,
}

/// So many of those that are missing are named.
const NAMED: usize = 100;
/// How long the receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Webhook {
    /// Sends to this URL, signed with this key.
    ///
    /// # Errors
    /// Why no client can be made.
    pub fn new(url: Url, key: SecretValue) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT / 2)
            // Whoever is redirected to did not agree on the key.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, url, key })
    }

    async fn send(&self, id: &str, body: String, now: Timestamp) -> Result<(), Error> {
        let (seconds, signature) = signature::webhook(&self.key, id, body.as_bytes(), now);
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body);
        let host = self.url.host_str().unwrap_or_default();
        let failed =
            |kind, what: &str| Err(Error::new(Step::Enqueue, kind, format!("receipt to {host}: {what}")));
        match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(StatusCode::TOO_MANY_REQUESTS) => failed(Kind::Throttled, "throttled"),
            Ok(status) if status.is_server_error() => {
                failed(Kind::Transient, &format!("it answers {status}"))
            }
            Ok(status) => {
                failed(Kind::Denied, &format!("it answers {status}; check PAWL_RECEIPT_URL and its key"))
            }
            Err(error) if error.is_timeout() => failed(Kind::Unreachable, "no answer in time"),
            Err(_) => failed(Kind::Unreachable, "no connection"),
        }
    }
}

impl pawl_ports::Receipts for Receipts {
    fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    async fn tell(&self, told: &Told) -> Result<(), Error> {
        let title = if told.is_delivered() { "Change Delivered" } else { "Change Partly Delivered" };
        match self {
            Self::Off => Ok(()),
            Self::Bus(bus) => bus.put(title, &[body(told, None)]).await,
            Self::Webhook(webhook) => webhook.send(&id(told), body(told, Some(title)), told.at).await,
        }
    }
}

/// An id for headers, and for whoever drops what comes twice.
fn id(told: &Told) -> String {
    let digest = hex::encode(Sha256::digest(told.id()));
    format!("rcp_{}", digest.get(..32).unwrap_or_default())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    id: String,
    delivered: bool,
    provider: &'a str,
    region: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    changed_at: Timestamp,
    told_at: Timestamp,
    seconds: f64,
    targets: usize,
    read_once: usize,
    missing: usize,
    /// The first of them.
    missing_targets: Vec<Missing<'a>>,
}

#[derive(Serialize)]
struct Missing<'a> {
    declaration: String,
    why: &'a str,
}

fn body(told: &Told, title: Option<&str>) -> String {
    let change = &told.change;
    let missing = told.missing.iter().take(NAMED);
    let body = Body {
        title,
        id: id(told),
        delivered: told.is_delivered(),
        provider: change.location.provider.as_str(),
        region: &change.location.region,
        account: change.location.account.as_deref(),
        key: change.key(),
        version: change.version.as_deref(),
        changed_at: change.at,
        told_at: told.at,
        seconds: told.at.duration_since(change.at).as_secs_f64(),
        targets: told.targets,
        read_once: told.read_once,
        missing: told.missing.len(),
        missing_targets: missing.map(|(id, why)| Missing { declaration: id.to_string(), why }).collect(),
    };
    // Writing plain data with text keys cannot fail.
    serde_json::to_string(&body).unwrap_or_default()
}
