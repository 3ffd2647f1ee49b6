//! Calls a REST API with the headers that prove an identity, and says what its refusals mean.

use super::{Ask, Call, Hidden, Link, Reply, may_pass, sealed};
use jiff::SignedDuration;
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::Error;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use std::sync::Arc;

/// A server, with the headers that every call to it has.
#[derive(Clone, Debug)]
pub struct Rest {
    /// The connection.
    pub link: Arc<Link>,
    headers: HeaderMap,
}

/// What refusals of a server mean, in words that stand behind the name of a call.
#[derive(Clone, Copy, Debug)]
pub struct Refusals {
    /// It does not take the token (401), or, of a login, what is shown for one.
    pub token: &'static str,
    /// The identity may not do this (403).
    pub rights: &'static str,
    /// What is asked for is not there, or may not be seen (404).
    pub unseen: &'static str,
    /// Whether an answer says of the key itself that it does not exist. What is only like it means something else: a token
    /// that lost its rights must not make Secrets go.
    pub absent: fn(&Reply) -> bool,
    /// A status that stands for failures of the moment as well, and what it means.
    pub passing: Option<(u16, &'static str)>,
}

/// A token that a server gave out.
#[derive(Debug)]
pub struct Granted {
    /// As the header `Authorization` has it.
    pub value: SecretValue,
    /// How long it is used.
    pub life: SignedDuration,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "accessToken")]
    access_token: Hidden,
    #[serde(default, alias = "expiresIn")]
    expires_in: i64,
}

/// A token is had anew this long before it ends.
const MARGIN: i64 = 60;
/// And after this time in any case: what proves the identity may have changed.
const LONGEST: i64 = 900;

impl Rest {
    /// Over this connection, with nothing that proves an identity.
    pub fn new(link: Arc<Link>) -> Self {
        Self { link, headers: HeaderMap::new() }
    }

    /// The same with a header, which Debug does not show.
    ///
    /// # Errors
    /// `Invalid` when no header may hold the value.
    pub fn with(mut self, name: HeaderName, value: &SecretValue, call: &Call<'_>) -> Result<Self, Error> {
        self.headers.insert(name, sealed(value, call)?);
        Ok(self)
    }

    /// What is answered where the server takes the request. Throttling and failures of the moment are tried again.
    ///
    /// # Errors
    /// What the status means: `NotFound` only where `refusals` say so.
    pub async fn taken(&self, call: &Call<'_>, ask: &Ask<'_>, refusals: &Refusals) -> Result<Reply, Error> {
        let whole = || {
            let mut headers = self.headers.clone();
            headers.extend(ask.headers.clone());
            let largest = ask.largest.min(self.link.bounds().largest_list);
            Ok(Ask { headers, largest, ..ask.clone() })
        };
        let reply = self.link.send(call, &whole, &may_pass).await;
        call.counted(reply.and_then(|reply| refusals.taken(call, reply)))
    }

    /// The token that a login is answered with, by the names of OAuth, or the same in camel case.
    ///
    /// # Errors
    /// As for [`Rest::taken`].
    pub async fn bearer(
        &self,
        call: &Call<'_>,
        ask: &Ask<'_>,
        refusals: &Refusals,
    ) -> Result<Granted, Error> {
        let token: Token =
            self.taken(call, ask, refusals).await?.object().ok_or_else(|| call.unreadable())?;
        let value = SecretValue::new(format!("Bearer {}", token.access_token.expose()));
        let life = SignedDuration::from_secs((token.expires_in - MARGIN).clamp(0, LONGEST));
        Ok(Granted { value, life })
    }
}

impl Refusals {
    /// For a login: whatever is refused there is what is shown.
    pub const fn of_login(token: &'static str) -> Self {
        Self { token, rights: token, unseen: token, absent: |_| false, passing: None }
    }

    /// The answer, where the server took the request.
    ///
    /// # Errors
    /// What its status means.
    pub fn taken(&self, call: &Call<'_>, reply: Reply) -> Result<Reply, Error> {
        match reply.status.is_success() {
            true => Ok(reply),
            false => Err(reply.failure(self.error(call, &reply))),
        }
    }

    fn error(&self, call: &Call<'_>, reply: &Reply) -> Error {
        let is_login = call.step == Step::Authenticate;
        match reply.status {
            _ if (self.absent)(reply) => call.missing(),
            status if self.passing.is_some_and(|(passing, _)| status == passing) => {
                call.error(Kind::Transient, self.passing.map_or("", |(_, what)| what))
            }
            StatusCode::UNAUTHORIZED => call.denied(self.token),
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND if is_login => {
                call.denied(self.token)
            }
            StatusCode::FORBIDDEN => call.error(Kind::Denied, self.rights),
            StatusCode::NOT_FOUND => call.error(Kind::Invalid, self.unseen),
            _ => call.not_taken(reply),
        }
    }
}
