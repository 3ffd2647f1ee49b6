//! The proof of a store's identity: what of its cluster is shown to which of Google's services.
//!
//! Source: ESO's GCP provider, version 2.9.

use super::config::JWT;
use super::desk::{ACCESS_TOKEN, Desk, EXCHANGE, SCOPE, Token, server, text};
use super::federation::Federated;
use super::post::{Form, Links, Post, json};
use crate::kit::Proofs;
use pawl_domain::store::{GcpAuth, GcpCluster, GcpServiceAccount, GcpStore, SecretKeyRef};
use pawl_domain::{Access, SecretValue};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error};
use serde::Serialize;

/// Everything that one proof needs.
pub(super) struct Login<'a, C, A> {
    pub(super) clusters: &'a C,
    pub(super) aws: &'a A,
    pub(super) access: &'a Access,
    pub(super) desk: Desk<'a>,
}

/// The annotation of a service account that names the one of Google's that it stands for.
const STANDS_FOR: &str = "iam.gke.io/gcp-service-account";

#[derive(Serialize)]
struct Bind<'a> {
    grant_type: &'static str,
    subject_token_type: &'static str,
    requested_token_type: &'static str,
    subject_token: &'a str,
    audience: &'a str,
    scope: &'static str,
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
        let file = proofs.secret(at).await?;
        let statement = self.desk.statement(&file);
        let statement = statement.map_err(|what| proofs.unusable(&format!("{place}: {what}")))?;
        self.desk.stated(&statement, links).await
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
        let address = self.desk.hosts.service("securetoken");
        let call = self.desk.call(&address, "identitybindingtoken");
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
        let link = links.to(&call, self.desk.bounds, self.desk.reach).await?;
        let bound = post.send(&call, &link, refused).await?.oauth(&call)?;
        match stands_for {
            None => Ok(bound),
            Some(email) => self.desk.impersonate(&email, &bound, links).await,
        }
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
