//! The calls that trade one proof for another: forms or JSON, each answered with a token.

use super::desk::{Token, denied};
use crate::kit::{Ask, Bounds, Call, Link, Material, PlainHttp, Reply, sealed};
use jiff::Timestamp;
use pawl_domain::grant::Reach;
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// Connections by the address that they go to: each costs a look at the machine's certificates.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(BTreeMap<String, Arc<Link>>);

/// What is sent.
pub(super) struct Post<'a> {
    /// The path behind the call's address.
    pub(super) path: &'a [&'a str],
    pub(super) body: &'a SecretValue,
    pub(super) form: Form,
    /// What proves the caller, as the header has it.
    pub(super) proof: Option<&'a SecretValue>,
}

/// The form of a body.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Json,
    Url,
}

/// An answer that brings a token.
pub(super) struct Answer(Reply);

impl Links {
    /// The connection to the call's server.
    pub(super) async fn to(
        &mut self,
        call: &Call<'_>,
        bounds: &Bounds,
        reach: &Reach,
    ) -> Result<Arc<Link>, Error> {
        if let Some(link) = self.0.get(call.server.address) {
            return Ok(Arc::clone(link));
        }
        let (material, plain) = (Material::default(), PlainHttp::Refused(None));
        let link = Arc::new(Link::open(call, material, bounds, reach, plain).await?);
        self.0.insert(call.server.address.to_owned(), Arc::clone(&link));
        Ok(link)
    }
}

impl Post<'_> {
    /// Sends it; `refused` is said where the proof was refused.
    ///
    /// # Errors
    /// `Denied` when it was, and the usual failures of servers.
    pub(super) async fn send(&self, call: &Call<'_>, link: &Link, refused: &str) -> Result<Answer, Error> {
        let ask = || {
            let mut headers = HeaderMap::new();
            if let Form::Url = self.form {
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(CONTENT_TYPE, form);
            }
            if let Some(proof) = self.proof {
                headers.insert(AUTHORIZATION, sealed(proof, call)?);
            }
            Ok(Ask {
                method: Method::POST,
                path: self.path.to_vec(),
                query: Vec::new(),
                headers,
                body: Some(self.body),
                largest: link.bounds().largest_answer,
            })
        };
        let reply = link.send(call, &ask, &may_pass).await;
        call.counted(reply.and_then(|reply| match reply.status.as_u16() {
            200..=299 => Ok(Answer(reply)),
            400 | 401 | 403 | 404 => Err(denied(call, refused)),
            _ => Err(reply.failure(failed(call, &reply))),
        }))
    }
}

#[derive(Deserialize)]
struct OAuth {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    access_token: String,
    expire_time: Timestamp,
}

impl Answer {
    /// The token of an exchange by OAuth.
    pub(super) fn oauth(self, call: &Call<'_>) -> Result<Token, Error> {
        let told: OAuth = self.0.object().ok_or_else(|| call.unreadable())?;
        token(call, told.access_token, told.expires_in.unwrap_or_default())
    }

    /// The token of the IAM Credentials API.
    pub(super) fn generated(self, call: &Call<'_>, now: Timestamp) -> Result<Token, Error> {
        let told: Generated = self.0.object().ok_or_else(|| call.unreadable())?;
        token(call, told.access_token, told.expire_time.duration_since(now).as_secs())
    }
}

fn token(call: &Call<'_>, text: String, seconds: i64) -> Result<Token, Error> {
    if text.is_empty() {
        return Err(call.unreadable());
    }
    Ok(Token { value: SecretValue::new(text), seconds })
}

/// What proves who holds a token, as a header has it.
pub(super) fn bearer(token: &SecretValue) -> SecretValue {
    SecretValue::new([b"Bearer ", token.expose()].concat())
}

/// Whether the same may go well in a moment.
pub(super) fn may_pass(reply: &Reply) -> bool {
    matches!(reply.status.as_u16(), 429 | 500 | 502..=504)
}

/// What every service of Google's means by a status that no call has a meaning of its own for.
pub(super) fn failed(call: &Call<'_>, reply: &Reply) -> Error {
    match reply.status.as_u16() {
        429 => call.error(Kind::Throttled, "throttled"),
        300..=399 => call.redirected(),
        status @ 500.. => call.error(Kind::Transient, format_args!("the server failed with {status}")),
        status => call.error(Kind::Invalid, format_args!("not accepted with {status}")),
    }
}

/// A form as in a query.
pub(super) fn form(fields: &[(&str, &str)]) -> SecretValue {
    SecretValue::new(Serializer::new(String::new()).extend_pairs(fields).finish())
}

/// A body in JSON.
pub(super) fn json(call: &Call<'_>, body: &impl Serialize) -> Result<SecretValue, Error> {
    let json = serde_json::to_vec(body);
    json.map(SecretValue::new).map_err(|_| call.error(Kind::Invalid, "the request cannot be made"))
}
