//! The calls of a vault's REST API, and what its answers mean. Source: Key Vault's REST API, version 7.4.

use super::cloud::{Cloud, resource_in};
use crate::kit::{Ask, Call, Link, Pages, Reply, Server, sealed};
use jiff::Timestamp;
use pawl_domain::store::{AzureKvStore, AzureObject};
use pawl_domain::{Kind, Provider, SecretValue, Step};
use pawl_ports::Error;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap};
use reqwest::{Method, Url};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A vault, asked with a proven identity.
pub(super) struct Api {
    pub(super) store: AzureKvStore,
    pub(super) link: Arc<Link>,
    pub(super) token: SecretValue,
    pub(super) now: Timestamp,
    /// The step of the flow that it is asked for.
    pub(super) step: Step,
}

/// One version of an object.
#[derive(Deserialize)]
pub(super) struct Bundle {
    /// Of secrets and certificates.
    id: Option<String>,
    /// Of secrets.
    pub(super) value: Option<String>,
    /// Of certificates, in Base64.
    pub(super) cer: Option<String>,
    /// Of keys.
    pub(super) key: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub(super) facts: Facts,
}

/// One object of a list: its version in force without its value.
#[derive(Deserialize)]
pub(super) struct Item {
    /// Of secrets and certificates.
    id: Option<String>,
    /// Of keys.
    kid: Option<String>,
    #[serde(flatten)]
    pub(super) facts: Facts,
}

/// What is known of a version beside its value.
#[derive(Deserialize)]
pub(super) struct Facts {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) attributes: Attributes,
    #[serde(default)]
    pub(super) tags: Option<BTreeMap<String, Option<String>>>,
}

/// Times in seconds.
#[derive(Default, Deserialize)]
pub(super) struct Attributes {
    pub(super) enabled: Option<bool>,
    pub(super) nbf: Option<i64>,
    pub(super) exp: Option<i64>,
    pub(super) created: Option<i64>,
    pub(super) updated: Option<i64>,
}

/// What a vault answers, and its own time then.
pub(super) struct Answered {
    pub(super) bundle: Bundle,
    pub(super) at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    value: Option<Vec<Item>>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
    #[serde(alias = "innerError")]
    innererror: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    code: Option<String>,
}

pub(super) const VERSION: (&str, &str) = ("api-version", "7.4");
/// The most that a vault gives.
const PER_PAGE: &str = "25";
const MOST_PAGES: usize = 8_000;
/// In links to the next page.
const SKIP: &str = "$skiptoken";
/// What a disabled secret is refused with.
const DISABLED: &str = "the secret is disabled; enable it";

impl Api {
    /// A version of an object, or the last one.
    ///
    /// # Errors
    /// `NotFound` only where the vault says it of this object.
    pub(super) async fn object(
        &self,
        kind: AzureObject,
        name: &str,
        version: Option<&str>,
    ) -> Result<Answered, Error> {
        let subject = kind.key(name);
        let call = self.call(kind, "get", &subject);
        let path: Vec<&str> = [segment(kind), name].into_iter().chain(version).collect();
        let reply = self.get(&call, &path, &[]).await;
        call.counted(reply.and_then(|reply| {
            let bundle = self.read(&call, &reply, Some(kind))?;
            let date = reply.headers.get(DATE).and_then(|date| date.to_str().ok());
            let at = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
            Ok(Answered { bundle, at })
        }))
    }

    /// Every object of a kind, each once, with its version in force.
    pub(super) async fn list(&self, kind: AzureObject) -> Result<Vec<Item>, Error> {
        let subject = segment(kind);
        let call = self.call(kind, "list", subject);
        // The first page is asked for without a mark.
        let (mut pages, mut found) = (Pages::from(call, "first", MOST_PAGES), Vec::new());
        let mut mark: Option<String> = None;
        while pages.take().is_some() {
            let skip = mark.as_deref().map(|mark| (SKIP, mark));
            let query: Vec<_> = [("maxresults", PER_PAGE)].into_iter().chain(skip).collect();
            let reply = self.get(&call, &[subject], &query).await;
            let told = reply.and_then(|reply| {
                let page: Page = self.read(&call, &reply, None)?;
                let next = match page.next_link.filter(|link| !link.is_empty()) {
                    Some(link) => Some(self.mark(&link).ok_or_else(|| call.unreadable())?),
                    None => None,
                };
                Ok((next, page.value.unwrap_or_default()))
            });
            let (next, some) = call.counted(told)?;
            found.extend(some);
            mark.clone_from(&next);
            pages.then(next)?;
        }
        Ok(found)
    }

    /// The mark in a link to the next page. Nobody follows the link itself, and one to another server is not taken.
    fn mark(&self, link: &str) -> Option<String> {
        let url = Url::parse(link).ok()?;
        if AzureKvStore::vault(link) != AzureKvStore::vault(&self.store.vault_url) {
            return None;
        }
        url.query_pairs().find(|(name, _)| name == SKIP).map(|(_, mark)| mark.into_owned())
    }

    async fn get(&self, call: &Call<'_>, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, Error> {
        let bounds = self.link.bounds();
        let bearer = SecretValue::new([b"Bearer ", self.token.expose()].concat());
        let ask = || {
            Ok(Ask {
                method: Method::GET,
                path: path.to_vec(),
                query: [&[VERSION], query].concat(),
                headers: HeaderMap::from_iter([(AUTHORIZATION, sealed(&bearer, call)?)]),
                body: None,
                largest: bounds.largest_answer,
            })
        };
        let again = |reply: &Reply| matches!(reply.status.as_u16(), 429 | 500..600);
        self.link.send(call, &ask, &again).await
    }

    fn read<'r, T: Deserialize<'r>>(
        &self,
        call: &Call<'_>,
        reply: &'r Reply,
        kind: Option<AzureObject>,
    ) -> Result<T, Error> {
        match reply.status.is_success() {
            true => reply.object().ok_or_else(|| call.unreadable()),
            false => Err(reply.failure(self.refused(call, reply, kind))),
        }
    }

    fn refused(&self, call: &Call<'_>, reply: &Reply, kind: Option<AzureObject>) -> Error {
        let reason = reply.object::<Refusal>().unwrap_or_default().error;
        let code = reason.as_ref().and_then(|reason| reason.code.as_deref()).unwrap_or_default();
        let inner = reason.as_ref().and_then(|reason| reason.innererror.as_ref()?.code.as_deref());
        match reply.status.as_u16() {
            401 => self.token_refused(call, reply),
            403 => match inner {
                Some("SecretDisabled") => call.error(Kind::Invalid, DISABLED),
                Some("ForbiddenByFirewall" | "ForbiddenByConnection") => call.error(
                    Kind::Denied,
                    "the vault's firewall refuses the address that Pawl comes from; allow it in the vault's networking",
                ),
                _ => call.error(
                    Kind::Denied,
                    "access denied; give the identity get, and list for searches and sweeps, by a role or an access policy",
                ),
            },
            404 if kind.is_some_and(|kind| code == absent(kind)) => call.missing(),
            404 => call.error(Kind::Invalid, "there is no such path; check the store's vaultUrl"),
            429 => call.error(Kind::Throttled, "throttled"),
            300..=399 => call.redirected(),
            status @ 500.. => call.error(Kind::Transient, format_args!("the vault failed with {status}")),
            400 => call.error(
                Kind::Invalid,
                "not accepted; names have letters, digits and hyphens, and versions 32 hexadecimal digits",
            ),
            status => call.error(Kind::Invalid, format_args!("not accepted with {status}")),
        }
    }

    /// A vault says which tokens it takes. That decides about the message alone: no token is asked for because of it.
    fn token_refused(&self, call: &Call<'_>, reply: &Reply) -> Error {
        let wanted = resource_in(&reply.headers);
        let ours = Cloud::of(&self.store).resource;
        let other =
            matches!((&wanted, ours), (Some(wanted), Some(ours)) if !wanted.eq_ignore_ascii_case(ours));
        let what = match other {
            true => "the token is for vaults of another cloud; check the store's environmentType",
            false => "the token was refused; check that the vault and tenantId belong to the same tenant",
        };
        Error::new(Step::Authenticate, Kind::Denied, format!("{call}: {what}"))
    }

    pub(super) fn call<'c>(&'c self, kind: AzureObject, verb: &str, subject: &'c str) -> Call<'c> {
        let action = match (kind, verb) {
            (AzureObject::Secret, "list") => "secrets",
            (AzureObject::Key, "list") => "keys",
            (AzureObject::Certificate, "list") => "certificates",
            (AzureObject::Secret, _) => "secret",
            (AzureObject::Key, _) => "key",
            (AzureObject::Certificate, _) => "certificate",
        };
        Call { step: self.step, server: server(&self.store), action, subject }
    }
}

impl Bundle {
    /// The id of the version, which ends what the vault calls the object.
    pub(super) fn version(&self) -> Option<&str> {
        let of_key = || self.key.as_ref()?.get("kid")?.as_str();
        last_part(self.id.as_deref().or_else(of_key)?)
    }
}

impl Item {
    /// The object's name, in the case in which it was made.
    pub(super) fn name(&self) -> Option<&str> {
        last_part(self.id.as_deref().or(self.kid.as_deref())?)
    }
}

impl Facts {
    /// As ESO's `metadataPolicy: Fetch` gives them: the tags, and beside them the times where the older client is used.
    pub(super) fn metadata(&self, use_azure_sdk: bool) -> BTreeMap<String, String> {
        let tags = self.tags.iter().flatten().filter_map(|(tag, value)| Some((tag.clone(), value.clone()?)));
        let Attributes { nbf, exp, created, updated, .. } = self.attributes;
        let times = [
            ("attribute.expires", exp),
            ("attribute.created", created),
            ("attribute.updated", updated),
            ("attribute.notBefore", nbf),
        ];
        let time = |(name, second): (&str, Option<i64>)| {
            let at = Timestamp::from_second(second?).ok()?;
            Some((name.to_owned(), at.to_string()))
        };
        tags.chain(times.into_iter().filter(|_| !use_azure_sdk).filter_map(time)).collect()
    }
}

fn or_default<'d, D: Deserializer<'d>, T: Default + Deserialize<'d>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

fn last_part(id: &str) -> Option<&str> {
    id.rsplit('/').next().filter(|part| !part.is_empty())
}

fn segment(kind: AzureObject) -> &'static str {
    match kind {
        AzureObject::Secret => "secrets",
        AzureObject::Key => "keys",
        AzureObject::Certificate => "certificates",
    }
}

/// The one code that says of an object, or of a version of it, that it does not exist. What answers 404 otherwise is no vault,
/// or another one.
fn absent(kind: AzureObject) -> &'static str {
    match kind {
        AzureObject::Secret => "SecretNotFound",
        AzureObject::Key => "KeyNotFound",
        AzureObject::Certificate => "CertificateNotFound",
    }
}

/// What messages call the vault of a store.
pub(super) fn server(store: &AzureKvStore) -> Server<'_> {
    Server { provider: Provider::AzureKv, address: &store.vault_url, field: "vaultUrl" }
}

/// Whether the vault does not take the token.
pub(super) fn is_of_token(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

/// Whether a secret was refused because it is disabled.
pub(super) fn is_of_disabled(error: &Error) -> bool {
    error.kind == Kind::Invalid && error.message().ends_with(DISABLED)
}
