//! The calls of Secret Manager's REST API, and what its answers mean. Source: Google's API reference, version 1.

use super::desk::{denied, server};
use super::payload::read as payload;
use super::post::{bearer, failed, may_pass};
use crate::kit::{Ask, Call, Link, Pages, Reply, sealed};
use jiff::Timestamp;
use pawl_domain::store::GcpStore;
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::Error;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One store, asked with a proven identity.
pub(super) struct Api {
    pub(super) store: GcpStore,
    /// The server's address.
    pub(super) address: String,
    pub(super) link: Arc<Link>,
    pub(super) token: SecretValue,
    /// The step of the flow that it is asked for.
    pub(super) step: Step,
}

/// What is told of a version.
pub(super) enum Told<T> {
    /// It is enabled.
    Given(T),
    /// It cannot be read, for it is disabled or destroyed.
    Off,
    /// It has no value.
    Empty,
    /// It does not exist.
    Absent,
}

/// A version's value.
pub(super) struct Given {
    pub(super) number: String,
    pub(super) value: SecretValue,
}

/// What is known of a secret.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Access<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload<'a> {
    #[serde(borrow, default)]
    pub(super) data: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) data_crc32c: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    create_time: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Secrets {
    secrets: Vec<Secret>,
    next_page_token: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Versions {
    versions: Vec<Version>,
    next_page_token: String,
}

#[derive(Deserialize)]
struct Failure {
    error: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    status: String,
    details: Vec<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    reason: String,
}

/// Half a megabyte of names and labels, mostly.
const PER_PAGE: &str = "1000";
const MOST_PAGES: usize = 1000;
const ENABLED: &str = "ENABLED";

impl Api {
    /// The value of a version: a number, an alias, or `latest`.
    pub(super) async fn access(&self, key: &str, version: &str) -> Result<Told<Given>, Error> {
        let call = self.call("access", key);
        let named = format!("{version}:access");
        let reply = self.get(&call, &["secrets", key, "versions", &named], Vec::new()).await;
        call.counted(reply.and_then(|reply| {
            if !reply.status.is_success() {
                return told(&call, &reply, key);
            }
            let access: Access<'_> = reply.object().ok_or_else(|| call.unreadable())?;
            let number = number(&access.name).ok_or_else(|| call.unreadable())?.to_owned();
            match access.payload.filter(|payload| !payload.data.is_empty()) {
                None => Ok(Told::Empty),
                Some(given) => Ok(Told::Given(Given { number, value: payload(&given, &call)? })),
            }
        }))
    }

    /// The number of a version that is enabled. The value is not read.
    pub(super) async fn number(&self, key: &str, version: &str) -> Result<Told<String>, Error> {
        let call = self.call("version", key);
        let reply = self.get(&call, &["secrets", key, "versions", version], Vec::new()).await;
        call.counted(reply.and_then(|reply| {
            if !reply.status.is_success() {
                return told(&call, &reply, key);
            }
            let version: Version = reply.object().ok_or_else(|| call.unreadable())?;
            let number = number(&version.name).ok_or_else(|| call.unreadable())?;
            Ok(if version.state == ENABLED { Told::Given(number.to_owned()) } else { Told::Off })
        }))
    }

    /// The number of the newest version that is enabled: of the one that was made last, as in ESO.
    pub(super) async fn newest_enabled(&self, key: &str) -> Result<Told<String>, Error> {
        let call = self.call("versions", key);
        let (mut pages, mut newest) = (Pages::from(call, "", MOST_PAGES), None);
        while let Some(page) = pages.take() {
            let query = paged(vec![("filter", "state:ENABLED")], &page);
            let reply = self.get(&call, &["secrets", key, "versions"], query).await;
            let page: Told<Versions> = call.counted(reply.and_then(|reply| {
                if !reply.status.is_success() {
                    return told(&call, &reply, key);
                }
                reply.object().map(Told::Given).ok_or_else(|| call.unreadable())
            }))?;
            let page = match page {
                Told::Given(page) => page,
                Told::Absent => return Ok(Told::Absent),
                Told::Off | Told::Empty => return Ok(Told::Off),
            };
            for version in page.versions.into_iter().filter(|version| version.state == ENABLED) {
                let number = number(&version.name).ok_or_else(|| call.unreadable())?.to_owned();
                newest = newest.max(Some((version.create_time, number.parse::<u64>().ok(), number)));
            }
            pages.then(Some(page.next_page_token))?;
        }
        Ok(newest.map_or(Told::Off, |(_, _, number)| Told::Given(number)))
    }

    /// What is known of a secret; nothing where it does not exist.
    pub(super) async fn secret(&self, key: &str) -> Result<Option<Secret>, Error> {
        let call = self.call("secret", key);
        let reply = self.get(&call, &["secrets", key], Vec::new()).await;
        call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => reply.object().map(Some).ok_or_else(|| call.unreadable()),
            false => match told::<()>(&call, &reply, key)? {
                Told::Absent => Ok(None),
                Told::Given(()) | Told::Off | Told::Empty => Err(call.unreadable()),
            },
        }))
    }

    /// All secrets that a filter leaves, by id.
    pub(super) async fn secrets(&self, filter: Option<&str>) -> Result<BTreeMap<String, Secret>, Error> {
        let call = self.call("secrets", "find");
        let (mut pages, mut found) = (Pages::from(call, "", MOST_PAGES), BTreeMap::new());
        while let Some(page) = pages.take() {
            let mut query = vec![("pageSize", PER_PAGE), ("fields", "secrets(name,labels),nextPageToken")];
            query.extend(filter.map(|filter| ("filter", filter)));
            let reply = self.get(&call, &["secrets"], paged(query, &page)).await;
            let told: Secrets = call.counted(reply.and_then(|reply| match reply.status.is_success() {
                true => reply.object().ok_or_else(|| call.unreadable()),
                false => Err(reply.failure(refused(&call, &reply))),
            }))?;
            for secret in told.secrets {
                let id = secret.name.rsplit_once("/secrets/").map(|(_, id)| id.to_owned());
                found.insert(id.ok_or_else(|| call.unreadable())?, secret);
            }
            pages.then(Some(told.next_page_token))?;
        }
        Ok(found)
    }

    async fn get(&self, call: &Call<'_>, below: &[&str], query: Vec<(&str, &str)>) -> Result<Reply, Error> {
        let GcpStore { project, location, .. } = &self.store;
        let place: &[&str] = match location {
            Some(location) => &["v1", "projects", project, "locations", location],
            None => &["v1", "projects", project],
        };
        let proof = bearer(&self.token);
        let ask = || {
            Ok(Ask {
                method: Method::GET,
                path: [place, below].concat(),
                query: query.clone(),
                headers: HeaderMap::from_iter([(AUTHORIZATION, sealed(&proof, call)?)]),
                body: None,
                largest: self.link.bounds().largest_list,
            })
        };
        self.link.send(call, &ask, &may_pass).await
    }

    pub(super) fn call<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        let server = crate::kit::Server { field: "location", ..server(&self.address) };
        Call { step: self.step, server, action, subject }
    }
}

fn paged<'a>(mut query: Vec<(&'a str, &'a str)>, page: &'a str) -> Vec<(&'a str, &'a str)> {
    if !page.is_empty() {
        query.push(("pageToken", page));
    }
    query
}

/// The number in a version's name.
fn number(name: &str) -> Option<&str> {
    let (_, number) = name.rsplit_once("/versions/")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// What a refusal says of a secret's version.
///
/// # Errors
/// When it says something else.
fn told<T>(call: &Call<'_>, reply: &Reply, key: &str) -> Result<Told<T>, Error> {
    let said = status(reply);
    match reply.status.as_u16() {
        404 if is_absent(&said, key) => Ok(Told::Absent),
        400 if is_off(&said) => Ok(Told::Off),
        _ => Err(reply.failure(refused(call, reply))),
    }
}

/// Whether it is said that the secret, or the version of it, does not exist. A project that is not there or may not be seen
/// answers with 403, an address that is none with a page.
fn is_absent(said: &Status, key: &str) -> bool {
    let named = [format!("/secrets/{key}]"), format!("/secrets/{key}/versions/")];
    let message = said.message.as_str();
    said.status == "NOT_FOUND"
        && message.starts_with("Secret ")
        && message.contains("not found")
        && named.iter().any(|name| message.contains(name))
}

/// Source: ESO's rule for `LatestOrFetch`.
fn is_off(said: &Status) -> bool {
    let states = ["DISABLED state", "DESTROYED state"];
    said.status == "FAILED_PRECONDITION" && states.iter().any(|state| said.message.contains(state))
}

fn status(reply: &Reply) -> Status {
    reply.object().map(|failure: Failure| failure.error).unwrap_or_default()
}

fn refused(call: &Call<'_>, reply: &Reply) -> Error {
    let said = status(reply);
    let because = |reason: &str| said.details.iter().any(|detail| detail.reason == reason);
    match reply.status.as_u16() {
        401 => denied(call, "the identity's token was refused; check auth"),
        403 if because("SERVICE_DISABLED") => {
            call.error(Kind::Denied, "the project does not have the Secret Manager API; enable it there")
        }
        403 => call.error(Kind::Denied, format_args!("access denied; {}", remedy(call.action))),
        404 => call.error(
            Kind::Invalid,
            "there is no such project or location, or the identity does not see it; check projectID and location",
        ),
        400 if said.status == "FAILED_PRECONDITION" => call.error(
            Kind::Invalid,
            "the secret is not in a state in which it can be read; check its versions and the key that encrypts it",
        ),
        _ => failed(call, reply),
    }
}

/// The right that a call needs, by a role that has it.
fn remedy(action: &str) -> &'static str {
    match action {
        "access" => {
            "give the identity the role roles/secretmanager.secretAccessor, at the secret or the project"
        }
        _ => "give the identity the role roles/secretmanager.viewer, at the secret or the project",
    }
}
