//! Names a call in messages and metrics, and turns failures of it into errors.

use super::Reply;
use super::cause::find;
use super::guard::is_refused;
use pawl_domain::{Complaint, Kind, Provider, Rule, Step};
use pawl_ports::Error;
use std::fmt;

/// A store's server.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Whose server it is.
    pub provider: Provider,
    /// Its address, as the manifest has it.
    pub address: &'a str,
    /// The field of the manifest that the address stands in.
    pub field: &'static str,
}

impl fmt::Display for Server<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.provider, self.address)
    }
}

/// One call of a server's API.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The step of the flow that it is part of.
    pub step: Step,
    /// Who is called.
    pub server: Server<'a>,
    /// What metrics call it.
    pub action: &'static str,
    /// What it is about: a key, a folder, a login.
    pub subject: &'a str,
}

impl Call<'_> {
    /// Counts the call in `pawl_store_calls_total{provider,call,status}`.
    ///
    /// # Errors
    /// The outcome's own.
    pub fn counted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        let status = outcome.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok");
        let provider = self.server.provider.as_str();
        metrics::counter!("pawl_store_calls_total", "provider" => provider, "call" => self.action, "status" => status)
            .increment(1);
        outcome
    }

    /// A failure of this call, in words that stand behind its name.
    pub fn error(&self, kind: Kind, what: impl fmt::Display) -> Error {
        Error::new(self.step, kind, format!("{self}: {what}"))
    }

    /// The key, or the version of it that was asked for, does not exist.
    pub fn missing(&self) -> Error {
        self.error(Kind::NotFound, "does not exist; create it, or correct the key or version")
    }

    /// The answer is not what this call is answered with. Nothing of it is quoted.
    pub fn unreadable(&self) -> Error {
        self.error(Kind::Transient, "the answer is not in the known form")
    }

    /// What an answer that is no success means on most servers; `right` is what the identity must be given. A 404 may say of
    /// anything that it is not there or not seen, so it is an error here: where a store says it of the key itself, its adapter
    /// looks before.
    pub fn refused(&self, reply: &Reply, right: &str) -> Error {
        match reply.status.as_u16() {
            401 => self.denied("the credentials were refused; check the Secret that the store's auth names"),
            403 => self.error(Kind::Denied, format_args!("access denied; give the identity {right}")),
            404 => self.error(
                Kind::Invalid,
                format_args!("it is not there, or the identity may not see it; check the store, and {right}"),
            ),
            _ => self.not_taken(reply),
        }
    }

    /// The server does not take what proves the identity.
    pub fn denied(&self, what: &str) -> Error {
        Error::new(Step::Authenticate, Kind::Denied, format!("{self}: {what}"))
    }

    /// What an answer that is no success means where it says nothing of identity, rights or key.
    pub fn not_taken(&self, reply: &Reply) -> Error {
        match reply.status.as_u16() {
            429 => self.error(Kind::Throttled, "throttled"),
            300..=399 => self.redirected(),
            status @ 500.. => self.error(Kind::Transient, format_args!("the server failed with {status}")),
            status => self.error(Kind::Invalid, format_args!("not accepted with {status}")),
        }
    }

    /// The server answered with a redirect that was not followed.
    pub fn redirected(&self) -> Error {
        let field = self.server.field;
        self.error(
            Kind::Invalid,
            format_args!(
                "the server points elsewhere, and not to where it is safe to follow; correct the store's {field}"
            ),
        )
    }

    /// The server is at an address that the store may not reach.
    pub fn refused_address(&self) -> Error {
        let message = format!("{} ({self})", Rule::Address.words());
        Error::new(self.step, Kind::Refused, message).complaining(Complaint::Refused(Rule::Address))
    }

    /// No answer came.
    pub(super) fn failed(&self, failure: reqwest::Error) -> Error {
        if is_refused(&failure) {
            return self.refused_address();
        }
        let field = self.server.field;
        let (kind, what) = if failure.is_timeout() {
            (Kind::Unreachable, "no answer in time".to_owned())
        } else if let Some(error) = find::<rustls::Error>(&failure) {
            let what = match error {
                rustls::Error::InvalidCertificate(why) => {
                    let why = distrust(why);
                    format!("its certificate is not trusted{why}; check {field}, caBundle and caProvider")
                }
                // What the server sent may stand in the error's text.
                _ => format!(
                    "TLS failed; check {field}, the certificates of the server and those of the store"
                ),
            };
            (Kind::Unreachable, what)
        } else if failure.is_builder() {
            (Kind::Invalid, format!("the request cannot be made; check {field}"))
        } else if failure.is_redirect() {
            (
                Kind::Invalid,
                format!("the server points from one place to the next; correct the store's {field}"),
            )
        } else if failure.is_connect() {
            (Kind::Unreachable, format!("cannot be reached; check network and {field}"))
        } else {
            (Kind::Transient, "the answer broke off".to_owned())
        };
        self.error(kind, what).caused_by(failure.without_url())
    }

    /// All attempts together took too long.
    pub(super) fn out_of_time(&self) -> Error {
        self.error(Kind::Unreachable, "no answer in time")
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server, self.subject)
    }
}

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
