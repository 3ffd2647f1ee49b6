//! The proof of an identity: what is shown to which of Google's services, and the token that comes of it.
//!
//! Source: ESO's GCP provider, version 2.9, for the order of calls; Google's references of OAuth 2.0 for service accounts, of
//! the Security Token Service and of the IAM Credentials API for their forms.

use super::config::JWT;
use super::federation::Federated;
use super::hosts::Hosts;
use super::post::{Form, Links, Post, bearer, form, json};
use crate::kit::{Bounds, Call, Proofs, Server, rs256};
use jiff::Timestamp;
use pawl_domain::store::{GcpAuth, GcpCluster, GcpServiceAccount, GcpStore, SecretKeyRef};
use pawl_domain::{Access, Kind, Provider, SecretValue, Step};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error};
use serde::{Deserialize, Serialize};

/// Everything that one proof needs.
pub(super) struct Login<'a, C, A> {
    pub(super) clusters: &'a C,
    pub(super) aws: &'a A,
    pub(super) access: &'a Access,
    pub(super) hosts: &'a Hosts,
    pub(super) bounds: &'a Bounds,
    pub(super) now: Timestamp,
}

/// A token of Google's, and for how many seconds it is good.
pub(super) struct Token {
    pub(super) value: SecretValue,
    pub(super) seconds: i64,
}

/// What a token is good for. IAM decides what of it the identity may do.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The kinds of exchange and of token, as OAuth names them (RFC 7523 and RFC 8693).
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(super) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The annotation of a service account that names the one of Google's that it stands for.
const STANDS_FOR: &str = "iam.gke.io/gcp-service-account";
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
struct Bind<'a> {
    grant_type: &'static str,
    subject_token_type: &'static str,
    requested_token_type: &'static str,
    subject_token: &'a str,
    audience: &'a str,
    scope: &'static str,
}

#[derive(Serialize)]
struct Impersonate<'a> {
    scope: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime: Option<&'a str>,
}

impl<C: ClusterCredentials, A: CallerIdentity> Login<'_, C, A> {
    /// The token of a store's identity.
    ///
    /// # Errors
    /// Of step `Authenticate`, when the identity cannot be proven.
    pub(super) async fn token(&self, store: &GcpStore, links: &mut Links) -> Result<Token, Error> {
        match &store.auth {
            GcpAuth::Key(at) => self.of_key(at, links).await,
            GcpAuth::WorkloadIdentity { account, cluster } => self.of_cluster(account, cluster, links).await,
            GcpAuth::Federation(federation) => Federated { login: self, federation }.token(links).await,
        }
    }

    /// A statement that the service account's key signs is traded for a token.
    async fn of_key(&self, at: &SecretKeyRef, links: &mut Links) -> Result<Token, Error> {
        let proofs = self.proofs();
        let place = format!("key {:?} of Secret {}", at.key, at.name);
        let unusable = |what: &str| proofs.unusable(&format!("{place}: {what}"));
        let file = proofs.secret(at).await?;
        let file: KeyFile = serde_json::from_slice(file.expose())
            .map_err(|_| unusable("no service account key in JSON; create one and put it there whole"))?;
        if file.r#type != "service_account" {
            return Err(unusable("its type is not service_account; create a key of a service account"));
        }
        let own = self.hosts.service("oauth2") + "/token";
        let address = if file.token_uri.is_empty() { own.as_str() } else { &file.token_uri };
        if !self.hosts.own(address, None) {
            return Err(unusable(
                "its token_uri is none of Google's; write https://oauth2.googleapis.com/token",
            ));
        }
        let iat = self.now.as_second() - SKEW;
        let claims = Claims { iss: &file.client_email, scope: SCOPE, aud: address, iat, exp: iat + LIFE };
        let statement = rs256(&file.private_key_id, &file.private_key, &claims)
            .map_err(|unsigned| unusable(&format!("its private_key {unsigned}; create another key")))?;
        let body = form(&[("grant_type", BEARER), ("assertion", text(&statement))]);
        let call = call(address, "token");
        let post = Post { path: &[], body: &body, form: Form::Url, proof: None };
        let refused = "the key was refused; check that it was not deleted, and this machine's clock";
        let link = links.to(&call, self.bounds, &self.access.grant.reach).await?;
        post.send(&call, &link, refused).await?.oauth(&call)
    }

    /// The cluster's token is traded for one of the pool that each cluster of Google's has, and that for one of the service
    /// account of Google's that is named at the cluster's.
    async fn of_cluster(
        &self,
        account: &GcpServiceAccount,
        cluster: &GcpCluster,
        links: &mut Links,
    ) -> Result<Token, Error> {
        let GcpCluster { project, location, name } = cluster;
        let pool = format!("{project}.svc.id.goog");
        let stands_for = self.stands_for(account).await?;
        let audiences: Vec<String> =
            std::iter::once(&pool).chain(&account.audiences).map(String::clone).collect();
        let subject = self.account_token(account, &audiences).await?;
        let base = "https://container.googleapis.com/v1";
        let provider = format!("{base}/projects/{project}/locations/{location}/clusters/{name}");
        let address = self.hosts.service("securetoken");
        let call = call(&address, "identitybindingtoken");
        let body = json(
            &call,
            &Bind {
                grant_type: EXCHANGE,
                subject_token_type: JWT,
                requested_token_type: ACCESS_TOKEN,
                subject_token: text(&subject),
                audience: &format!("identitynamespace:{pool}:{provider}"),
                scope: SCOPE,
            },
        )?;
        let post = Post { path: &["v1", "identitybindingtoken"], body: &body, form: Form::Json, proof: None };
        let refused = "the service account's token was refused; check clusterProjectID, clusterLocation and clusterName, and that \
                      the cluster has workload identity";
        let link = links.to(&call, self.bounds, &self.access.grant.reach).await?;
        let bound = post.send(&call, &link, refused).await?.oauth(&call)?;
        match stands_for {
            None => Ok(bound),
            Some(email) => self.impersonate(&email, &bound, links).await,
        }
    }

    /// The token of a service account of Google's, which the identity of another token may have.
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
    pub(super) async fn impersonate_at(
        &self,
        address: &str,
        path: &[&str],
        lifetime: Option<u32>,
        held: &Token,
        links: &mut Links,
    ) -> Result<Token, Error> {
        let call = call(address, "generateAccessToken");
        let lifetime = lifetime.map(|seconds| format!("{seconds}s"));
        let body = json(&call, &Impersonate { scope: [SCOPE], lifetime: lifetime.as_deref() })?;
        let proof = bearer(&held.value);
        let post = Post { path, body: &body, form: Form::Json, proof: Some(&proof) };
        let refused = "the identity may not stand for the service account of Google's; give it the role \
                      roles/iam.workloadIdentityUser there, and check its email";
        let link = links.to(&call, self.bounds, &self.access.grant.reach).await?;
        post.send(&call, &link, refused).await?.generated(&call, self.now)
    }

    /// A token of a service account of the target cluster.
    pub(super) async fn account_token(
        &self,
        account: &GcpServiceAccount,
        audiences: &[String],
    ) -> Result<SecretValue, Error> {
        let proofs = self.proofs();
        let (cluster, own) = proofs.home()?;
        let namespace = account.namespace.as_ref().unwrap_or(own);
        let place = format!("service account {namespace}/{}", account.name);
        let token = self.clusters.service_account_token(cluster, namespace, &account.name, audiences).await;
        token.map_err(|error| proofs.not_proven(cluster, &place, error))
    }

    /// The service account of Google's that one of the target cluster stands for.
    pub(super) async fn stands_for(&self, account: &GcpServiceAccount) -> Result<Option<String>, Error> {
        let proofs = self.proofs();
        let (cluster, own) = proofs.home()?;
        let namespace = account.namespace.as_ref().unwrap_or(own);
        let place = format!("service account {namespace}/{}", account.name);
        let annotations = self.clusters.service_account(cluster, namespace, &account.name).await;
        let mut annotations = annotations.map_err(|error| proofs.not_proven(cluster, &place, error))?;
        Ok(annotations.remove(STANDS_FOR).filter(|email| !email.is_empty()))
    }

    pub(super) fn proofs(&self) -> Proofs<'_, C> {
        Proofs { clusters: self.clusters, access: self.access, server: server("Google") }
    }
}

/// A call that is part of a proof.
pub(super) fn call<'a>(address: &'a str, subject: &'a str) -> Call<'a> {
    Call { step: Step::Authenticate, server: server(address), action: "login", subject }
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
