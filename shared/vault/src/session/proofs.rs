//! What stands in target clusters: passwords, tokens, certificates.

use super::audience;
use crate::link::Material;
use crate::options::Options;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{CaProvider, SecretKeyRef, VaultAuth, VaultProof, VaultStore};
use pawl_domain::{Access, ClusterName, Kind, Namespace, Provider, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error};

/// Reads what a store names, in the cluster and namespaces of one identity.
pub(super) struct Proofs<'a, C> {
    pub(super) clusters: &'a C,
    pub(super) access: &'a Access,
    pub(super) provider: Provider,
    pub(super) store: &'a VaultStore,
    pub(super) options: &'a Options,
}

impl<C: ClusterCredentials> Proofs<'_, C> {
    /// The certificates of the connection. A login with a certificate uses its own for every request: the server may want to
    /// see it again when the token is renewed.
    pub(super) async fn material(&self) -> Result<Material, Error> {
        let ca = match (&self.store.ca_bundle, &self.store.ca_provider) {
            (Some(bundle), _) => Some(bundle.clone()),
            (None, Some(CaProvider::Secret(at))) => Some(self.text(at).await?),
            (None, Some(CaProvider::ConfigMap(at))) => Some(self.config_map(at).await?),
            (None, None) => None,
        };
        let shown = match &self.store.auth {
            Some(VaultAuth::Cert { certificate, .. }) => Some(certificate),
            _ => self.store.client_certificate.as_ref(),
        };
        let Some(shown) = shown else { return Ok(Material { ca, ..Material::default() }) };
        let certificate = Some(self.secret(&shown.certificate).await?);
        let key = Some(self.secret(&shown.key).await?);
        Ok(Material { ca, certificate, key })
    }

    /// A key of a Secret.
    pub(super) async fn secret(&self, at: &SecretKeyRef) -> Result<SecretValue, Error> {
        let (cluster, at) = self.place(at)?;
        let place = format!("key {:?} of Secret {}/{}", at.key, at.namespace, at.name);
        self.clusters.secret_key(cluster, &at).await.map_err(|error| self.not_proven(cluster, &place, error))
    }

    /// A key of a Secret, as text.
    pub(super) async fn text(&self, at: &SecretKeyRef) -> Result<String, Error> {
        let value = self.secret(at).await?;
        let text = value.expose_str().map(str::to_owned);
        text.ok_or_else(|| self.unusable(&format!("key {:?} of Secret {}: not text", at.key, at.name)))
    }

    async fn config_map(&self, at: &SecretKeyRef) -> Result<String, Error> {
        let (cluster, at) = self.place(at)?;
        let place = format!("key {:?} of ConfigMap {}/{}", at.key, at.namespace, at.name);
        let found = self.clusters.config_map_key(cluster, &at).await;
        found.map_err(|error| self.not_proven(cluster, &place, error))
    }

    /// A token that proves an identity to the `kubernetes` and `jwt` methods, without white space around it. One that is
    /// made for the login is for the store's audience: what the API server of the cluster would take as well is not shown to
    /// anybody, unless the operator allows it.
    pub(super) async fn token(&self, proof: &VaultProof) -> Result<String, Error> {
        match proof {
            VaultProof::Secret(at) => Ok(self.text(at).await?.trim().to_owned()),
            VaultProof::ServiceAccount { name, namespace, audiences, .. } => {
                let (cluster, own) = self.home()?;
                let namespace = namespace.as_ref().unwrap_or(own);
                let place = format!("service account {namespace}/{name}");
                let default = [audience::DEFAULT.to_owned()];
                let audiences = match audiences.is_empty() && !self.options.api_server_tokens {
                    true => &default[..],
                    false => audiences,
                };
                let token = self
                    .clusters
                    .service_account_token(cluster, namespace, name, audiences)
                    .await
                    .map_err(|error| self.not_proven(cluster, &place, error))?;
                let text = token.expose_str();
                let text = text.ok_or_else(|| self.unusable(&format!("{place}: its token is not text")))?;
                if !self.options.api_server_tokens && audience::is_of_api_server(text) {
                    let what = "its token would be good for the cluster's API server; name another audience in \
                                serviceAccountRef.audiences, and as the role's audience in Vault";
                    return Err(self.unusable(&format!("{place}: {what}")));
                }
                Ok(text.to_owned())
            }
        }
    }

    /// The store or its cluster holds something that no identity can be proven with.
    pub(super) fn unusable(&self, what: &str) -> Error {
        Error::new(
            Step::Authenticate,
            Kind::Invalid,
            format!("{} at {}: {what}", self.provider, self.store.server),
        )
    }

    fn place(&self, at: &SecretKeyRef) -> Result<(&ClusterName, SecretKeyAt), Error> {
        let (cluster, own) = self.home()?;
        let namespace = at.namespace.as_ref().unwrap_or(own).clone();
        Ok((cluster, SecretKeyAt { namespace, name: at.name.clone(), key: at.key.clone() }))
    }

    /// The cluster that proves this identity, and the namespace of what names none.
    fn home(&self) -> Result<(&ClusterName, &Namespace), Error> {
        match (&self.access.cluster, &self.access.namespace) {
            (Some(cluster), Some(namespace)) => Ok((cluster, namespace)),
            _ => Err(self.unusable("no cluster to read credentials from")),
        }
    }

    /// A failure of the cluster's, as one of the identity's.
    fn not_proven(&self, cluster: &ClusterName, place: &str, error: Error) -> Error {
        let kind = if error.kind == Kind::NotFound { Kind::Invalid } else { error.kind };
        let (provider, server) = (self.provider, &self.store.server);
        let message = format!("{provider} at {server}: {place} of cluster {cluster}: {error}");
        Error::new(Step::Authenticate, kind, message).caused_by(error)
    }
}
