//! Federated identities: the token of somebody whom a project trusts is traded for one of Google's.
//!
//! Source: ESO's GCP provider, version 2.9, and Google's client for Go, `externalaccount`, of which it makes use.

use super::config::{self, Config, JWT, Source};
use super::desk::{AWS4, Becomes, Subject, Token, aws_subject};
use super::login::Login;
use super::post::{Links, failed, may_pass};
use crate::kit::{self, Ask, sealed};
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{
    AwsAuth, AwsDeletion, AwsService, AwsStore, Backend, GcpFederation, GcpSubject, SecretKeyRef,
    SessionTagsPolicy,
};
use pawl_domain::{Access, Grant, Kind, Namespace, ObjectName, SecretValue};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error, Question};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use std::collections::BTreeMap;

/// One federated identity that is being proven.
pub(super) struct Federated<'a, C, A> {
    pub(super) login: &'a Login<'a, C, A>,
    pub(super) federation: &'a GcpFederation,
}

/// The signed header that binds a request to AWS to one receiver.
pub(super) const RECEIVER: &str = "x-goog-cloud-target-resource";

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
        self.login.desk.traded(&subject, links).await
    }

    fn subject(&self, token: SecretValue, token_type: &str, stands_for: Option<String>) -> Subject {
        let account = self.federation.service_account.clone().or(stands_for);
        Subject {
            token,
            token_type: token_type.to_owned(),
            audience: self.audience(),
            exchange: self.login.desk.hosts.service("sts") + "/v1/token",
            client: None,
            becomes: account.map_or(Becomes::Itself, Becomes::Account),
        }
    }

    fn audience(&self) -> String {
        self.federation.audience.clone().unwrap_or_default()
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
        let config = config::read(&text, self.federation, self.login.desk.hosts)
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
        let call = self.login.desk.call(&source.url, "subject token");
        let link = links.to(&call, self.login.desk.bounds, self.login.desk.reach).await?;
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
        aws_subject(&signed).ok_or_else(|| proofs.unusable("the request to AWS cannot be written"))
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
    Access {
        backend: aws_store(region, auth),
        cluster: access.cluster.clone(),
        namespace: namespace.cloned().or_else(|| access.namespace.clone()),
        tags: access.tags.clone(),
        grant: Grant::default(),
    }
}

/// A store of AWS that is there for its identity alone.
pub(super) fn aws_store(region: &str, auth: AwsAuth) -> Backend {
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
        deletion: AwsDeletion::Default,
    };
    store.into()
}
