//! Federated identities: the token of somebody whom a project trusts is traded for one of Google's.
//!
//! Source: ESO's GCP provider, version 2.9, and Google's client for Go, `externalaccount`, of which it makes use.

use super::config::{self, Config, JWT, Source};
use super::login::{ACCESS_TOKEN, EXCHANGE, Login, SCOPE, Token, call, text};
use super::post::{Form, Links, Post, failed, form, may_pass};
use crate::kit::{self, Ask, sealed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{
    AwsAuth, AwsService, AwsStore, GcpFederation, GcpSubject, SecretKeyRef, SessionTagsPolicy,
};
use pawl_domain::{Access, Grant, Kind, Namespace, ObjectName, SecretValue};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error, Question, SignedRequest};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use std::collections::BTreeMap;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// One federated identity that is being proven.
pub(super) struct Federated<'a, C, A> {
    pub(super) login: &'a Login<'a, C, A>,
    pub(super) federation: &'a GcpFederation,
}

/// What is traded, where and for whom.
struct Subject {
    token: SecretValue,
    token_type: String,
    audience: String,
    exchange: String,
    client: Option<(String, String)>,
    becomes: Becomes,
}

/// Whose token is had in the end.
enum Becomes {
    /// The federated identity's own.
    Itself,
    /// A service account's of Google's.
    Account(String),
    /// The one at an address of a configuration.
    At(String, Option<u32>),
}

/// The signed header that binds a request to AWS to one receiver.
const RECEIVER: &str = "x-goog-cloud-target-resource";
const AWS4: &str = "urn:ietf:params:aws:token-type:aws4_request";
/// The keys of a Secret with credentials of AWS.
const AWS_KEYS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

impl<C: ClusterCredentials, A: CallerIdentity> Federated<'_, C, A> {
    pub(super) async fn token(&self, links: &mut Links) -> Result<Token, Error> {
        let subject = match &self.federation.subject {
            GcpSubject::Configured(at) => self.configured(at, links).await?,
            GcpSubject::ServiceAccount(account) => {
                let audience = self.audience();
                // Without audiences a token would be for the cluster's API server, which takes it from whoever has it.
                let own = [audience.clone()];
                let audiences = if account.audiences.is_empty() { &own[..] } else { &account.audiences };
                let stands_for = match self.federation.service_account {
                    Some(_) => None,
                    None => self.login.stands_for(account).await?,
                };
                let token = self.login.account_token(account, audiences).await?;
                self.subject(token, JWT, stands_for)
            }
            GcpSubject::Aws { region, secret, namespace } => {
                let token = self.aws(region, secret, namespace.as_ref()).await?;
                self.subject(token, AWS4, None)
            }
        };
        let held = self.exchanged(&subject, links).await?;
        match subject.becomes {
            Becomes::Itself => Ok(held),
            Becomes::Account(email) => self.login.impersonate(&email, &held, links).await,
            Becomes::At(url, lifetime) => self.login.impersonate_at(&url, &[], lifetime, &held, links).await,
        }
    }

    fn subject(&self, token: SecretValue, token_type: &str, stands_for: Option<String>) -> Subject {
        let account = self.federation.service_account.clone().or(stands_for);
        Subject {
            token,
            token_type: token_type.to_owned(),
            audience: self.audience(),
            exchange: self.login.hosts.service("sts") + "/v1/token",
            client: None,
            becomes: account.map_or(Becomes::Itself, Becomes::Account),
        }
    }

    fn audience(&self) -> String {
        self.federation.audience.clone().unwrap_or_default()
    }

    /// Source: RFC 8693, and Google's reference of the Security Token Service.
    async fn exchanged(&self, subject: &Subject, links: &mut Links) -> Result<Token, Error> {
        let call = call(&subject.exchange, "token exchange");
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
        let link = links.to(&call, self.login.bounds, &self.login.access.grant.reach).await?;
        let client = subject.client.as_ref().map(|(id, secret)| basic(id, secret));
        let post = Post { path: &[], body: &body, form: Form::Url, proof: client.as_ref() };
        post.send(&call, &link, refused).await?.oauth(&call)
    }

    /// What a configuration says, in a ConfigMap of the target cluster.
    async fn configured(&self, at: &SecretKeyRef, links: &mut Links) -> Result<Subject, Error> {
        let proofs = self.login.proofs();
        let (cluster, own) = proofs.home()?;
        let namespace = at.namespace.as_ref().unwrap_or(own).clone();
        let place = format!("key {:?} of ConfigMap {namespace}/{}", at.key, at.name);
        let at = SecretKeyAt { namespace, name: at.name.clone(), key: at.key.clone() };
        let found = self.login.clusters.config_map_key(cluster, &at).await;
        let text = found.map_err(|error| proofs.not_proven(cluster, &place, error))?;
        let config = config::read(&text, self.federation, self.login.hosts)
            .map_err(|what| proofs.unusable(&format!("{place} {what}")))?;
        let token = self.had(&config.source, links).await?;
        let Config { audience, token_type, exchange, impersonation, lifetime, client, .. } = config;
        let becomes = match (&self.federation.service_account, impersonation) {
            (Some(email), _) => Becomes::Account(email.clone()),
            (None, Some(url)) => Becomes::At(url, lifetime),
            (None, None) => Becomes::Itself,
        };
        Ok(Subject { token, token_type, audience, exchange, client, becomes })
    }

    /// The token that an address gives out.
    async fn had(&self, source: &Source, links: &mut Links) -> Result<SecretValue, Error> {
        let call = call(&source.url, "subject token");
        let link = links.to(&call, self.login.bounds, &self.login.access.grant.reach).await?;
        let ask = || {
            let mut headers = HeaderMap::new();
            for (name, value) in &source.headers {
                let what = "a header of credential_source";
                let name = HeaderName::try_from(name.as_str())
                    .map_err(|_| call.error(Kind::Invalid, format_args!("{what} has no proper name")))?;
                headers.insert(name, sealed(&SecretValue::new(value.as_str()), &call)?);
            }
            let largest = link.bounds().largest_answer;
            let (path, query) = (Vec::new(), Vec::new());
            Ok(Ask { method: Method::GET, path, query, headers, body: None, largest })
        };
        let reply = link.send(&call, &ask, &may_pass).await;
        call.counted(reply.and_then(|reply| {
            if !reply.status.is_success() {
                return Err(reply.failure(failed(&call, &reply)));
            }
            let token = match &source.member {
                None => std::str::from_utf8(&reply.body).ok().map(SecretValue::new),
                Some(member) => {
                    let told: Option<serde_json::Map<String, serde_json::Value>> = reply.object();
                    let text = told.as_ref().and_then(|told| told.get(member)?.as_str());
                    text.map(SecretValue::new)
                }
            };
            token.filter(|token| !token.is_empty()).ok_or_else(|| call.unreadable())
        }))
    }

    /// The question to AWS whose keys these are, signed and not sent, as text. Google sends it and learns the identity.
    async fn aws(
        &self,
        region: &str,
        secret: &ObjectName,
        namespace: Option<&Namespace>,
    ) -> Result<SecretValue, Error> {
        let proofs = self.login.proofs();
        let at = |key: &str| SecretKeyRef {
            name: secret.clone(),
            key: key.to_owned(),
            namespace: namespace.cloned(),
        };
        let [id, key, session] = AWS_KEYS.map(at);
        let session_token = self.if_given(&proofs, session).await?;
        let auth = AwsAuth::Static { access_key_id: id, secret_access_key: key, session_token };
        let access = aws_access(self.login.access, namespace, region, auth);
        let headers = BTreeMap::from([(RECEIVER.to_owned(), self.audience())]);
        let signed = self.login.aws.signed_caller_identity(&access, &headers, Question::Query).await?;
        subject_token(&signed).ok_or_else(|| proofs.unusable("the request to AWS cannot be written"))
    }

    /// A key of a Secret, where it is there and not empty.
    async fn if_given(
        &self,
        proofs: &kit::Proofs<'_, C>,
        at: SecretKeyRef,
    ) -> Result<Option<SecretKeyRef>, Error> {
        let (cluster, own) = proofs.home()?;
        let namespace = at.namespace.as_ref().unwrap_or(own).clone();
        let place = SecretKeyAt { namespace, name: at.name.clone(), key: at.key.clone() };
        match self.login.clusters.secret_key(cluster, &place).await {
            Ok(value) => Ok(Some(at).filter(|_| !value.is_empty())),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => {
                let what = format!("key {:?} of Secret {}/{}", place.key, place.namespace, place.name);
                Err(proofs.not_proven(cluster, &what, error))
            }
        }
    }
}

/// The identity of AWS that a Secret's keys are.
fn aws_access(access: &Access, namespace: Option<&Namespace>, region: &str, auth: AwsAuth) -> Access {
    let store = AwsStore {
        // Either would do: nothing is read.
        service: AwsService::SecretsManager,
        region: region.to_owned(),
        auth,
        role: None,
        additional_roles: Vec::new(),
        external_id: None,
        session_tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        session_tags_policy: SessionTagsPolicy::None,
        prefix: None,
        max_retries: None,
    };
    Access {
        backend: store.into(),
        cluster: access.cluster.clone(),
        namespace: namespace.cloned().or_else(|| access.namespace.clone()),
        tags: access.tags.clone(),
        grant: Grant::default(),
    }
}

/// What proves a client by its secret.
fn basic(id: &str, secret: &str) -> SecretValue {
    let pair = SecretValue::new(format!("{id}:{secret}"));
    SecretValue::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

/// Source: Google's reference of `subjectToken` for `aws4_request`.
fn subject_token(signed: &SignedRequest) -> Option<SecretValue> {
    let host = Url::parse(&signed.url).ok()?.host_str()?.to_owned();
    let mut headers = vec![serde_json::json!({ "key": "host", "value": host })];
    for (name, value) in signed.headers.iter().filter(|(name, _)| *name != "host") {
        headers.push(serde_json::json!({ "key": name, "value": value.expose_str()? }));
    }
    let request = serde_json::json!({ "url": signed.url, "method": "POST", "headers": headers });
    let written = SecretValue::new(request.to_string());
    Some(SecretValue::new(byte_serialize(written.expose()).collect::<String>()))
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
        let token = subject_token(&signed).unwrap();
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
