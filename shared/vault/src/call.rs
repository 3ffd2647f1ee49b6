//! Names the calls of Vault's API in metrics, and says what a refusal means.
//!
//! Of an answer that refuses, a message has only words that Vault and OpenBao are known to use: whatever else a server says
//! may be half of a secret, or what an internal server says to nobody but its own.

use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use pawl_stores::kit::{Call, Reply};
use serde::Deserialize;

pub(crate) const LIST: &str = "list";
pub(crate) const LOGIN: &str = "login";
pub(crate) const METADATA: &str = "metadata";
pub(crate) const READ: &str = "read";
pub(crate) const RENEW: &str = "renew";
pub(crate) const REVOKE: &str = "revoke";

/// The capability that a policy must give for a call.
fn capability(action: &str) -> &'static str {
    match action {
        LIST => "list",
        METADATA | READ => "read",
        _ => "update",
    }
}

/// Vault's words, when a token that it once gave is none any more.
const BAD_TOKEN: [&str; 4] = ["invalid token", "bad token", "token expired", "missing client token"];
/// All that OpenBao says then. Where a policy denies, both say it as one of a list of errors.
const PLAIN_DENIAL: &str = "permission denied";

/// The server refused or failed. `path` is the API's, which policies name.
pub(crate) fn refused(call: &Call<'_>, reply: &Reply, path: &str) -> Error {
    let words = words(reply).map(|words| format!(" ({words})")).unwrap_or_default();
    let login = call.action == LOGIN;
    match reply.status.as_u16() {
        400 | 403 if login => call.error(
            Kind::Denied,
            format_args!("the login was refused{words}; check the store's auth and its credentials"),
        ),
        403 if said(reply).as_deref().is_some_and(is_of_token) => {
            let message = format!("{call}: the token was refused{words}; check the store's auth");
            Error::new(Step::Authenticate, Kind::Denied, message)
        }
        403 => {
            let capability = capability(call.action);
            call.error(Kind::Denied, format_args!("access denied{words}; allow {capability} on {path}"))
        }
        404 => call.error(
            Kind::Invalid,
            format_args!("there is nothing at {path}{words}; check the store's path, version and namespace"),
        ),
        412 => call.error(Kind::Stale, format_args!("the node has not caught up yet{words}")),
        429 => call.error(Kind::Throttled, format_args!("throttled{words}")),
        472 | 473 => call
            .error(Kind::Transient, format_args!("the node is a standby{words}; check the server's address")),
        300..400 => call.redirected(),
        status @ 500.. => call.error(Kind::Transient, format_args!("the server failed with {status}{words}")),
        status => call.error(Kind::Invalid, format_args!("not accepted with {status}{words}")),
    }
}

fn is_of_token(said: &str) -> bool {
    said == PLAIN_DENIAL || BAD_TOKEN.iter().any(|bad| said.contains(bad))
}

/// What a server says beside or instead of data.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    errors: Option<Vec<String>>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

/// What of the server's words is known to be Vault's or OpenBao's; `None` when it said nothing.
fn words(reply: &Reply) -> Option<String> {
    let said = said(reply)?.to_ascii_lowercase();
    let known: Vec<&str> =
        KNOWN.into_iter().filter(|words| said.contains(&words.to_ascii_lowercase())).collect();
    Some(if known.is_empty() { "in words that are not passed on".to_owned() } else { known.join("; ") })
}

/// The server's own words, in one line and cut short, to be compared and never passed on; `None` when there are none.
pub(crate) fn said(reply: &Reply) -> Option<String> {
    let said: Said = serde_json::from_slice(&reply.body).ok()?;
    let all: Vec<_> = [said.errors, said.warnings].into_iter().flatten().flatten().collect();
    let text = all.join("; ");
    let line: Vec<_> = text.split_whitespace().collect();
    let line: String = line.join(" ").chars().filter(|each| !each.is_control()).take(LONGEST_WORDS).collect();
    (!line.is_empty()).then_some(line)
}

/// Enough for what Vault says itself.
const LONGEST_WORDS: usize = 200;

/// What Vault and OpenBao say themselves, of what people can mend. Sources: their HTTP API, KV engines and auth methods.
const KNOWN: [&str; 22] = [
    "bad token",
    "claim",
    "could not load configuration",
    "error looking up token",
    "internal error",
    "invalid audience",
    "invalid role name",
    "invalid role or secret ID",
    "invalid token",
    "invalid username or password",
    "missing client token",
    "namespace not authorized",
    "no handler for route",
    "permission denied",
    "required index state not present",
    "route entry not found",
    "service account",
    "token expired",
    "token is expired",
    "unsupported operation",
    "unsupported path",
    "Vault is sealed",
];
