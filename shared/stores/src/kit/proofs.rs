//! Reads tokens, passwords and certificates in target clusters.

use super::{Server, is_of_api_server};
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{CaProvider, Given, SecretKeyRef};
use pawl_domain::{Access, ClusterName, Kind, Namespace, ObjectName, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error};

/// Reads what a store names, in the cluster and namespaces of one identity. Every failure is of step `Authenticate`, and none
/// is of kind `NotFound`: that a Secret with credentials is missing says nothing about keys.
#[derive(Clone, Copy, Debug)]
pub struct Proofs<'a, C> {
    /// The clusters.
    pub clusters: &'a C,
    /// The identity.
    pub access: &'a Access,
    /// Whom it is proven to.
    pub server: Server<'a>,
}

impl<C: ClusterCredentials> Proofs<'_, C> {
    /// The CA certificates of a store, as PEM; `caBundle` counts before `caProvider`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn authorities(
        &self,
        bundle: Option<&String>,
        provider: Option<&CaProvider>,
    ) -> Result<Option<String>, Error> {
        match (bundle, provider) {
            (Some(bundle), _) => Ok(Some(bundle.clone())),
            (None, Some(CaProvider::Secret(at))) => self.text(at).await.map(Some),
            (None, Some(CaProvider::ConfigMap(at))) => self.config_map(at).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    /// A key of a Secret.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn secret(&self, at: &SecretKeyRef) -> Result<SecretValue, Error> {
        let (cluster, at) = self.place(at)?;
        let place = format!("key {:?} of Secret {}/{}", at.key, at.namespace, at.name);
        self.clusters.secret_key(cluster, &at).await.map_err(|error| self.not_proven(cluster, &place, error))
    }

    /// A key of a Secret, as text.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub async fn text(&self, at: &SecretKeyRef) -> Result<String, Error> {
        let value = self.secret(at).await?;
        let text = value.expose_str().map(str::to_owned);
        text.ok_or_else(|| self.unusable(&format!("key {:?} of Secret {}: not text", at.key, at.name)))
    }

    /// What the manifest holds itself or names in a Secret.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub async fn given(&self, given: &Given) -> Result<String, Error> {
        match given {
            Given::Written(text) => Ok(text.clone()),
            Given::At(at) => self.text(at).await,
        }
    }

    /// A token that the cluster makes for a service account, and that its own API server does not take: whoever gets it could
    /// act as the account there. `remedy` says what to write for it.
    ///
    /// # Errors
    /// When it cannot be had, or is one that the API server takes.
    pub async fn account_token(
        &self,
        name: &ObjectName,
        namespace: Option<&Namespace>,
        audiences: &[String],
        remedy: &str,
    ) -> Result<SecretValue, Error> {
        let (cluster, own) = self.home()?;
        let namespace = namespace.unwrap_or(own);
        let place = format!("service account {namespace}/{name}");
        let token = self.clusters.service_account_token(cluster, namespace, name, audiences).await;
        let token = token.map_err(|error| self.not_proven(cluster, &place, error))?;
        match token.expose_str().is_some_and(is_of_api_server) {
            true => Err(self.unusable(&format!(
                "the API server of cluster {cluster} takes the token of {place} as well; {remedy}"
            ))),
            false => Ok(token),
        }
    }

    async fn config_map(&self, at: &SecretKeyRef) -> Result<String, Error> {
        let (cluster, at) = self.place(at)?;
        let place = format!("key {:?} of ConfigMap {}/{}", at.key, at.namespace, at.name);
        let found = self.clusters.config_map_key(cluster, &at).await;
        found.map_err(|error| self.not_proven(cluster, &place, error))
    }

    /// The store or its cluster holds something that no identity can be proven with.
    pub fn unusable(&self, what: &str) -> Error {
        Error::new(Step::Authenticate, Kind::Invalid, format!("{}: {what}", self.server))
    }

    fn place(&self, at: &SecretKeyRef) -> Result<(&ClusterName, SecretKeyAt), Error> {
        let (cluster, own) = self.home()?;
        let namespace = at.namespace.as_ref().unwrap_or(own).clone();
        Ok((cluster, SecretKeyAt { namespace, name: at.name.clone(), key: at.key.clone() }))
    }

    /// The cluster that proves this identity, and the namespace of what names none.
    ///
    /// # Errors
    /// When no cluster does.
    pub fn home(&self) -> Result<(&ClusterName, &Namespace), Error> {
        match (&self.access.cluster, &self.access.namespace) {
            (Some(cluster), Some(namespace)) => Ok((cluster, namespace)),
            _ => Err(self.unusable("no cluster to read credentials from")),
        }
    }

    /// A failure of the cluster's, as one of the identity's.
    pub fn not_proven(&self, cluster: &ClusterName, place: &str, error: Error) -> Error {
        let kind = if error.kind == Kind::NotFound { Kind::Invalid } else { error.kind };
        let message = format!("{}: {place} of cluster {cluster}: {error}", self.server);
        Error::new(Step::Authenticate, kind, message).caused_by(error)
    }
}
