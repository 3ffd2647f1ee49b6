//! What a call is named in messages and metrics, and what its failure means.
//!
//! Of an answer that refuses, a message has only words that Vault and OpenBao are known to use: whatever else a server says
//! may be half of a secret, or what an internal server says to nobody but its own.

use crate::guard::is_refused;
use crate::link::Reply;
use pawl_domain::{Complaint, Kind, Provider, Rule, Step};
use pawl_ports::Error;
use serde::Deserialize;
use std::error::Error as StdError;
use std::fmt;

/// One call of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The step of the flow that it is part of.
    pub(crate) step: Step,
    /// What messages and metrics call the server.
    pub(crate) provider: Provider,
    /// The server's address.
    pub(crate) server: &'a str,
    /// What metrics call it.
    pub(crate) action: Action,
    /// What it is about: a key, a folder, a login.
    pub(crate) subject: &'a str,
}

/// The kinds of call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    List,
    Login,
    Metadata,
    Read,
    Renew,
    Revoke,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Login => "login",
            Self::Metadata => "metadata",
            Self::Read => "read",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
        }
    }

    /// The capability that a policy must give for it.
    fn capability(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Metadata | Self::Read => "read",
            Self::Login | Self::Renew | Self::Revoke => "update",
        }
    }
}

/// Vault's words, when a token that it once gave is none any more.
const BAD_TOKEN: [&str; 4] = ["invalid token", "bad token", "token expired", "missing client token"];
/// All that OpenBao says then. Where a policy denies, both say it as one of a list of errors.
const PLAIN_DENIAL: &str = "permission denied";

impl Call<'_> {
    /// Counts the call in `pawl_store_calls_total{provider,call,status}`.
    pub(crate) fn counted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        let status = outcome.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok");
        metrics::counter!("pawl_store_calls_total", "provider" => self.provider.as_str(), "call" => self.action.as_str(), "status" => status)
            .increment(1);
        outcome
    }

    /// A failure of this call, in words that stand behind its name.
    pub(crate) fn error(&self, kind: Kind, what: impl fmt::Display) -> Error {
        Error::new(self.step, kind, format!("{self}: {what}"))
    }

    /// The key, or the version of it that was asked for, does not exist.
    pub(crate) fn missing(&self) -> Error {
        self.error(Kind::NotFound, "does not exist; create it, or correct the key or version")
    }

    /// The answer is not what this call is answered with. Nothing of it is quoted.
    pub(crate) fn unreadable(&self) -> Error {
        self.error(Kind::Transient, "the answer is not in the known form")
    }

    /// The server refused or failed. `path` is the API's, which policies name.
    pub(crate) fn refused(&self, reply: &Reply, path: &str) -> Error {
        let words = reply.words().map(|words| format!(" ({words})")).unwrap_or_default();
        let login = self.action == Action::Login;
        match reply.status.as_u16() {
            400 | 403 if login => {
                self.error(Kind::Denied, format_args!("the login was refused{words}; check the store's auth and its credentials"))
            }
            403 if reply.said().as_deref().is_some_and(is_of_token) => {
                let message = format!("{self}: the token was refused{words}; check the store's auth");
                Error::new(Step::Authenticate, Kind::Denied, message)
            }
            403 => {
                let capability = self.action.capability();
                self.error(Kind::Denied, format_args!("access denied{words}; allow {capability} on {path}"))
            }
            404 => self.error(
                Kind::Invalid,
                format_args!("there is nothing at {path}{words}; check the store's path, version and namespace"),
            ),
            412 => self.error(Kind::Stale, format_args!("the node has not caught up yet{words}")),
            429 => self.error(Kind::Throttled, format_args!("throttled{words}")),
            472 | 473 => self.error(Kind::Transient, format_args!("the node is a standby{words}; check the server's address")),
            300..400 => self.error(
                Kind::Invalid,
                "the server points elsewhere, and not to where it is safe to follow; correct the store's server",
            ),
            status @ 500.. => self.error(Kind::Transient, format_args!("the server failed with {status}{words}")),
            status => self.error(Kind::Invalid, format_args!("not accepted with {status}{words}")),
        }
    }

    /// The server is at an address that the store may not reach.
    pub(crate) fn refused_address(&self) -> Error {
        let message = format!("{} ({self})", Rule::Address.words());
        Error::new(self.step, Kind::Refused, message).complaining(Complaint::Refused(Rule::Address))
    }

    /// No answer came.
    pub(crate) fn failed(&self, failure: reqwest::Error) -> Error {
        if is_refused(&failure) {
            return self.refused_address();
        }
        let (kind, what) = if failure.is_timeout() {
            (Kind::Unreachable, "no answer in time".to_owned())
        } else if let Some(error) = find::<rustls::Error>(&failure) {
            let what = match error {
                rustls::Error::InvalidCertificate(why) => {
                    let why = distrust(why);
                    format!("its certificate is not trusted{why}; check server, caBundle and caProvider")
                }
                // What the server sent may stand in the error's text.
                _ => "TLS failed; check server, caBundle and tls".to_owned(),
            };
            (Kind::Unreachable, what)
        } else if failure.is_builder() {
            (Kind::Invalid, "the request cannot be made; check server and headers".to_owned())
        } else if failure.is_redirect() {
            (
                Kind::Invalid,
                "the server points from one place to the next; correct the store's server".to_owned(),
            )
        } else if failure.is_connect() {
            (Kind::Unreachable, "cannot be reached; check network and server".to_owned())
        } else {
            (Kind::Transient, "the answer broke off".to_owned())
        };
        self.error(kind, what).caused_by(failure.without_url())
    }

    /// All attempts together took too long.
    pub(crate) fn out_of_time(&self) -> Error {
        self.error(Kind::Unreachable, "no answer in time")
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.provider, self.server, self.subject)
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

impl Reply {
    /// What of the server's words is known to be Vault's or OpenBao's; `None` when it said nothing.
    pub(crate) fn words(&self) -> Option<String> {
        let said = self.said()?.to_ascii_lowercase();
        let known: Vec<&str> =
            KNOWN.into_iter().filter(|words| said.contains(&words.to_ascii_lowercase())).collect();
        Some(if known.is_empty() { "in words that are not passed on".to_owned() } else { known.join("; ") })
    }

    /// The server's own words, in one line and cut short, to be compared and never passed on; `None` when there are none.
    pub(crate) fn said(&self) -> Option<String> {
        let said: Said = serde_json::from_slice(&self.body).ok()?;
        let all: Vec<_> = [said.errors, said.warnings].into_iter().flatten().flatten().collect();
        let text = all.join("; ");
        let line: Vec<_> = text.split_whitespace().collect();
        let line: String =
            line.join(" ").chars().filter(|each| !each.is_control()).take(LONGEST_WORDS).collect();
        (!line.is_empty()).then_some(line)
    }
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

/// Why a certificate is not trusted, without the names in it.
fn distrust(why: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as Why;
    match why {
        Why::Expired | Why::ExpiredContext { .. } => " (it has expired)",
        Why::NotValidYet | Why::NotValidYetContext { .. } => " (it is not valid yet)",
        Why::UnknownIssuer => " (its issuer is not known)",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => " (it is for another name)",
        Why::Revoked => " (it was revoked)",
        _ => "",
    }
}

pub(crate) fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(within)
}

/// The error itself, or what errors of input and output are wrapped around, which they do not name as their cause.
fn within<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let inner = || error.downcast_ref::<std::io::Error>()?.get_ref();
    error.downcast_ref::<T>().or_else(|| within(inner()?))
}
