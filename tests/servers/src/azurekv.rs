//! A double of Azure Key Vault with the Entra ID that gives out its tokens: what reads secrets, keys and certificates, with the
//! real ones' words for what is refused.
//!
//! Sources: Key Vault's REST API, version 7.4, and the recordings of it that Azure's command line is tested with; "OAuth 2.0 client
//! credentials flow on the Microsoft identity platform". A vault answers by TLS alone, this one without: its address is this
//! machine's.
//!
//! Held to Microsoft's own clients for Go, which took its answers for a vault's and those of Entra ID, through TLS and by the
//! public names of both: `azsecrets`, `azkeys` and `azcertificates` 1.4.0 with `azidentity` 1.13.0 (client secrets and
//! assertions, the challenge, reads and lists of each kind, versions, three pages, refusals), and the older `keyvault/v7.0`,
//! whose token end point is not played. Certificates as proof, writes and backups were not held to them: there are none here.

mod entra;
mod vault;

use crate::error::Result;
use crate::rest::{Answer, Answers, Served, json_answer, with_headers};
use entra::Entra;
use http::{Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;
use vault::{Object, Version};

pub use entra::{CLIENT, Proof, SECRET, TENANT};

/// A vault and its Entra ID on one port. Dropping it closes the port.
#[derive(Debug)]
pub struct AzureKv {
    served: Served<State>,
}

#[derive(Debug)]
struct State {
    address: String,
    /// The address of Entra ID.
    authority: String,
    entra: Entra,
    /// What its tokens are for.
    resource: String,
    /// By kind (`secrets`, `keys`, `certificates`) and name in lower case.
    objects: BTreeMap<(&'static str, String), Object>,
    /// Seconds since 1970.
    now: i64,
    /// Whether time goes on between two changes, and between a change and an answer.
    stands: bool,
    /// What no identity may do, such as `keys/list`.
    denied: BTreeSet<String>,
    asked: Vec<String>,
    /// Answers in place of the next ones.
    scripted: Vec<Scripted>,
    /// Where the next pages are said to be, in place of the truth.
    next_link: Option<String>,
}

/// A status, with headers and a body.
type Scripted = (u16, Vec<(&'static str, String)>, Value);

/// A moment after which everything here happens.
const BEGINNING: i64 = 1_700_000_000;

impl AzureKv {
    /// Starts with an empty vault.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start() -> Result<Self> {
        Self::known_as(None).await
    }

    /// The same, where those who ask know the vault and Entra ID by other addresses, such as their own.
    ///
    /// # Errors
    /// As for [`AzureKv::start`].
    pub async fn known_as(addresses: Option<(&str, &str)>) -> Result<Self> {
        let state = |address: &str| State {
            address: addresses.map_or(address, |(vault, _)| vault).to_owned(),
            authority: addresses.map_or(address, |(_, authority)| authority).to_owned(),
            entra: Entra::default(),
            resource: "https://vault.azure.net".to_owned(),
            objects: BTreeMap::new(),
            now: BEGINNING,
            stands: false,
            denied: BTreeSet::new(),
            asked: Vec::new(),
            scripted: Vec::new(),
            next_link: None,
        };
        Ok(Self { served: Served::start(state).await? })
    }

    /// The address of the vault, and of Entra ID.
    pub fn address(&self) -> &str {
        self.served.address()
    }

    /// A new version of a secret, which comes into being if it is not there; gives the version's id.
    pub fn set(&self, name: &str, value: &str) -> String {
        self.put("secrets", name, json!({ "value": value }))
    }

    /// The same of a key: its members but for `kid`.
    pub fn set_key(&self, name: &str, key: Value) -> String {
        self.put("keys", name, json!({ "key": key }))
    }

    /// The same of a certificate: its DER.
    pub fn set_certificate(&self, name: &str, der: &[u8]) -> String {
        self.put("certificates", name, json!({ "cer": vault::base64(der) }))
    }

    /// The same of a secret with what a vault keeps beside its value: `{"value": …, "contentType": …, "kid": …, "managed": true}`.
    pub fn set_whole(&self, name: &str, secret: Value) -> String {
        self.put("secrets", name, secret)
    }

    fn put(&self, kind: &'static str, name: &str, content: Value) -> String {
        let mut state = self.state();
        if !state.stands {
            state.now += 10;
        }
        let version = Version::new(content, state.now);
        let id = version.id.clone();
        let object = state.objects.entry((kind, name.to_ascii_lowercase()));
        object.or_insert_with(|| Object::named(name)).versions.push(version);
        id
    }

    /// Changes the last version of a secret, `secrets/name`, or of another object.
    pub fn edit(&self, object: &str, edit: impl FnOnce(&mut Edit<'_>)) {
        let mut state = self.state();
        if !state.stands {
            state.now += 10;
        }
        let now = state.now;
        let Some(version) = state.find(object).and_then(|object| object.versions.last_mut()) else { return };
        version.updated = now;
        edit(&mut Edit(version));
    }

    /// Deletes a secret, `secrets/name`, or another object. It could be taken back; to whoever reads it does not exist.
    pub fn delete(&self, object: &str) {
        if let Some((kind, name)) = object.split_once('/') {
            self.state()
                .objects
                .retain(|(each, lower), _| !(*each == kind && *lower == name.to_ascii_lowercase()));
        }
    }

    /// When a version came to be, in seconds since 1970.
    pub fn created(&self, version: &str) -> Option<i64> {
        let state = self.state();
        let mut versions = state.objects.values().flat_map(|object| &object.versions);
        versions.find(|each| each.id == version).map(|each| each.created)
    }

    /// Lets time stand still from now on, or go on.
    pub fn stand_still(&self, stands: bool) {
        let mut state = self.state();
        if !stands {
            state.now += 10;
        }
        state.stands = stands;
    }

    /// Takes another proof of the client from now on, and none but that.
    pub fn rely_on(&self, proof: Proof) {
        self.state().entra.proof = proof;
    }

    /// Takes no token that was given out before.
    pub fn revoke(&self) {
        self.state().entra.tokens.clear();
    }

    /// Gives out tokens for so many seconds from now on.
    pub fn live(&self, seconds: u32) {
        self.state().entra.life = seconds;
    }

    /// Wants tokens for this from now on.
    pub fn want(&self, resource: &str) {
        resource.clone_into(&mut self.state().resource);
    }

    /// Denies everybody this, such as `keys/list`.
    pub fn deny(&self, what: &str) {
        self.state().denied.insert(what.to_owned());
    }

    /// Answers the next request so.
    pub fn answer(&self, status: u16, headers: &[(&'static str, &str)], body: Value) {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        self.state().scripted.push((status, headers, body));
    }

    /// Says that the next pages of lists are there.
    pub fn mislead(&self, next_link: &str) {
        self.state().next_link = Some(next_link.to_owned());
    }

    /// What was asked since the last time, as method, path and query.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.served.state()
    }
}

/// A version that is being changed.
#[derive(Debug)]
pub struct Edit<'a>(&'a mut Version);

impl Edit<'_> {
    /// Whether it may be read.
    pub fn enable(&mut self, enabled: bool) {
        self.0.enabled = enabled;
    }

    /// Gives it a tag.
    pub fn tag(&mut self, tag: &str, value: &str) {
        self.0.tags.insert(tag.to_owned(), value.to_owned());
    }

    /// Says when it begins and ends to be good.
    pub fn limit(&mut self, nbf: i64, exp: i64) {
        (self.0.nbf, self.0.exp) = (Some(nbf), Some(exp));
    }
}

impl Answers for State {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        self.asked.push(format!("{} {}", request.method(), request.uri()));
        let mut answer = match self.scripted.is_empty() {
            true if request.uri().path().contains("/oauth2/") => {
                self.entra.answer(request, &self.authority, &self.resource)
            }
            true => self.vault(request),
            false => {
                let (status, headers, body) = self.scripted.remove(0);
                with_headers(json_answer(status, &body), &headers)
            }
        };
        let now = if self.stands { self.now } else { self.now + 5 };
        let date = jiff::Timestamp::from_second(now).ok();
        let date = date.and_then(|now| {
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok()
        });
        if let Some(Ok(date)) = date.map(|date| date.parse()) {
            answer.headers_mut().insert(header::DATE, date);
        }
        answer
    }
}

impl State {
    fn find(&mut self, object: &str) -> Option<&mut Object> {
        let (kind, name) = object.split_once('/')?;
        let lower = name.to_ascii_lowercase();
        self.objects
            .iter_mut()
            .find(|((each, name), _)| *each == kind && *name == lower)
            .map(|(_, found)| found)
    }
}
