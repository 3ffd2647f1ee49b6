//! Where proofs are traded, whoever's identity they prove: statements of service accounts, tokens of others whom a project
//! trusts, and the right to stand for a service account.
//!
//! Source: ESO's GCP provider, version 2.9, for the order of calls; Google's references of OAuth 2.0 for service accounts, of
//! the Security Token Service and of the IAM Credentials API for their forms.

use super::hosts::Hosts;
use super::post::{Form, Links, Post, bearer, form, json};
use crate::kit::{Bounds, Call, Server, rs256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pawl_domain::grant::Reach;
use pawl_domain::{Kind, Provider, SecretValue, Step};
use pawl_ports::{Error, SignedRequest};
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded::byte_serialize;

/// What every trade needs.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) hosts: &'a Hosts,
    pub(super) bounds: &'a Bounds,
    pub(super) reach: &'a Reach,
    pub(super) now: Timestamp,
    /// The setting that the identity stands in, for messages.
    pub(super) field: &'static str,
}

/// A token of Google's, and for how many seconds it is good.
pub(super) struct Token {
    pub(super) value: SecretValue,
    pub(super) seconds: i64,
}

/// What a service account's key says of itself.
pub(super) struct Statement {
    address: String,
    signed: SecretValue,
}

/// What is traded, where and for whom.
pub(super) struct Subject {
    pub(super) token: SecretValue,
    pub(super) token_type: String,
    pub(super) audience: String,
    pub(super) exchange: String,
    pub(super) client: Option<(String, String)>,
    pub(super) becomes: Becomes,
}

/// Whose token is had in the end.
pub(super) enum Becomes {
    /// The federated identity's own.
    Itself,
    /// A service account's of Google's.
    Account(String),
    /// The one at an address of a configuration.
    At(String, Option<u32>),
}

/// What a token is good for. IAM decides what of it the identity may do.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The kinds of exchange and of token, as OAuth names them (RFC 7523 and RFC 8693).
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(super) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The kind of token that a signed question to AWS is.
pub(super) const AWS4: &str = "urn:ietf:params:aws:token-type:aws4_request";
/// How long Google's tokens live where nothing else is said, in seconds.
const LIFE: i64 = 3600;
/// Clocks differ: a statement is dated back by so many seconds. Source: Google's client for Go.
const SKEW: i64 = 10;

#[derive(Deserialize)]
struct KeyFile {
    #[serde(default)]
    r#type: String,
    client_email: String,
    #[serde(default)]
    private_key_id: String,
    private_key: String,
    #[serde(default)]
    token_uri: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Serialize)]
struct Impersonate<'a> {
    scope: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime: Option<&'a str>,
}

impl Desk<'_> {
    /// What the service account whose key this file holds says of itself, now.
    ///
    /// # Errors
    /// What is wrong with the file and what to do, in words that quote nothing.
    pub(super) fn statement(&self, file: &SecretValue) -> Result<Statement, String> {
        let file: KeyFile = serde_json::from_slice(file.expose())
            .map_err(|_| "no service account key in JSON; create one and put it there whole".to_owned())?;
        if file.r#type != "service_account" {
            return Err("its type is not service_account; create a key of a service account".to_owned());
        }
        let address = match file.token_uri.as_str() {
            "" => self.hosts.service("oauth2") + "/token",
            given => given.to_owned(),
        };
        if !self.hosts.own(&address, None) {
            return Err(
                "its token_uri is none of Google's; write https://oauth2.googleapis.com/token".to_owned()
            );
        }
        let iat = self.now.as_second() - SKEW;
        let claims = Claims { iss: &file.client_email, scope: SCOPE, aud: &address, iat, exp: iat + LIFE };
        let signed = rs256(&file.private_key_id, &file.private_key, &claims)
            .map_err(|unsigned| format!("its private_key {unsigned}; create another key"))?;
        Ok(Statement { address, signed })
    }

    /// The token that a statement is traded for.
    ///
    /// # Errors
    /// `Denied` when the key is refused, and the usual failures of servers.
    pub(super) async fn stated(&self, statement: &Statement, links: &mut Links) -> Result<Token, Error> {
        let body = form(&[("grant_type", BEARER), ("assertion", text(&statement.signed))]);
        let call = self.call(&statement.address, "token");
        let post = Post { path: &[], body: &body, form: Form::Url, proof: None };
        let refused = "the key was refused; check that it was not deleted, and this machine's clock";
        let link = links.to(&call, self.bounds, self.reach).await?;
        post.send(&call, &link, refused).await?.oauth(&call)
    }

    /// The token that comes of a subject: its own, or that of the service account that it becomes.
    ///
    /// # Errors
    /// `Denied` when one of the proofs is refused, and the usual failures of servers.
    pub(super) async fn traded(&self, subject: &Subject, links: &mut Links) -> Result<Token, Error> {
        let held = self.exchanged(subject, links).await?;
        match &subject.becomes {
            Becomes::Itself => Ok(held),
            Becomes::Account(email) => self.impersonate(email, &held, links).await,
            Becomes::At(url, lifetime) => self.impersonate_at(url, &[], *lifetime, &held, links).await,
        }
    }

    /// Source: RFC 8693, and Google's reference of the Security Token Service.
    async fn exchanged(&self, subject: &Subject, links: &mut Links) -> Result<Token, Error> {
        let call = self.call(&subject.exchange, "token exchange");
        let body = form(&[
            ("audience", &subject.audience),
            ("grant_type", EXCHANGE),
            ("requested_token_type", ACCESS_TOKEN),
            ("scope", SCOPE),
            ("subject_token", text(&subject.token)),
            ("subject_token_type", &subject.token_type),
        ]);
        let refused = "the token of the federated identity was refused; check audience, and what the provider of the workload \
                      identity pool takes";
        let link = links.to(&call, self.bounds, self.reach).await?;
        let client = subject.client.as_ref().map(|(id, secret)| basic(id, secret));
        let post = Post { path: &[], body: &body, form: Form::Url, proof: client.as_ref() };
        post.send(&call, &link, refused).await?.oauth(&call)
    }

    /// A call that is part of a proof.
    pub(super) fn call<'c>(&self, address: &'c str, subject: &'c str) -> Call<'c> {
        let server = Server { field: self.field, ..server(address) };
        Call { step: Step::Authenticate, server, action: "login", subject }
    }

    /// The token of a service account of Google's, which the identity of another token may have.
    ///
    /// # Errors
    /// `Denied` when it may not, and the usual failures of servers.
    pub(super) async fn impersonate(
        &self,
        email: &str,
        held: &Token,
        links: &mut Links,
    ) -> Result<Token, Error> {
        let (address, named) = (self.hosts.service("iamcredentials"), format!("{email}:generateAccessToken"));
        let path = ["v1", "projects", "-", "serviceAccounts", &named];
        self.impersonate_at(&address, &path, None, held, links).await
    }

    /// The same, at an address that a configuration names whole.
    async fn impersonate_at(
        &self,
        address: &str,
        path: &[&str],
        lifetime: Option<u32>,
        held: &Token,
        links: &mut Links,
    ) -> Result<Token, Error> {
        let call = self.call(address, "generateAccessToken");
        let lifetime = lifetime.map(|seconds| format!("{seconds}s"));
        let body = json(&call, &Impersonate { scope: [SCOPE], lifetime: lifetime.as_deref() })?;
        let proof = bearer(&held.value);
        let post = Post { path, body: &body, form: Form::Json, proof: Some(&proof) };
        let refused = "the identity may not stand for the service account of Google's; give it the role \
                      roles/iam.workloadIdentityUser there, and check its email";
        let link = links.to(&call, self.bounds, self.reach).await?;
        post.send(&call, &link, refused).await?.generated(&call, self.now)
    }
}

/// A signed question to AWS as a subject token. Source: Google's reference of `subjectToken` for `aws4_request`.
pub(super) fn aws_subject(signed: &SignedRequest) -> Option<SecretValue> {
    let host = Url::parse(&signed.url).ok()?.host_str()?.to_owned();
    let mut headers = vec![serde_json::json!({ "key": "host", "value": host })];
    for (name, value) in signed.headers.iter().filter(|(name, _)| *name != "host") {
        headers.push(serde_json::json!({ "key": name, "value": value.expose_str()? }));
    }
    let request = serde_json::json!({ "url": signed.url, "method": "POST", "headers": headers });
    let written = SecretValue::new(request.to_string());
    Some(SecretValue::new(byte_serialize(written.expose()).collect::<String>()))
}

/// What proves a client by its secret.
fn basic(id: &str, secret: &str) -> SecretValue {
    let pair = SecretValue::new(format!("{id}:{secret}"));
    SecretValue::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

/// What messages call a server of Google's.
pub(super) fn server(address: &str) -> Server<'_> {
    Server { provider: Provider::GcpSecretManager, address, field: "auth" }
}

/// The identity was not taken.
pub(super) fn denied(call: &Call<'_>, what: &str) -> Error {
    Error::new(Step::Authenticate, Kind::Denied, format!("{call}: {what}"))
}

/// Tokens are text; what is none was had from nobody who takes it.
pub(super) fn text(token: &SecretValue) -> &str {
    token.expose_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_request_is_written_as_google_reads_it() {
        let headers =
            [("authorization", "AWS4-HMAC-SHA256 Credential=a"), ("x-amz-date", "20260102T030405Z")];
        let signed = SignedRequest {
            url: "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
                .to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), SecretValue::new(value))).into(),
            body: String::new(),
        };
        let token = aws_subject(&signed).unwrap();
        let told: String =
            url::form_urlencoded::parse([b"t=", token.expose()].concat().as_slice()).next().unwrap().1.into();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let header = |key: &str, value: &str| serde_json::json!({ "key": key, "value": value });
        let want = serde_json::json!({
            "url": signed.url, "method": "POST",
            "headers": [
                header("host", "sts.eu-central-1.amazonaws.com"),
                header("authorization", headers[0].1),
                header("x-amz-date", headers[1].1),
            ],
        });
        assert_eq!(told, want);
    }
}
