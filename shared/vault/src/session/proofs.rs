//! Reads passwords, tokens and certificates in target clusters.

use crate::options::Options;
use pawl_domain::store::{VaultAuth, VaultProof, VaultStore};
use pawl_ports::{ClusterCredentials, Error};
use pawl_stores::kit::{self, Material, is_of_api_server};

/// The audience of tokens whose store names none. Source: ESO's default for the `jwt` method; for the `kubernetes` method ESO
/// takes the API server's own.
const DEFAULT_AUDIENCE: &str = "vault";

/// Reads what a store names, in the cluster and namespaces of one identity.
pub(super) struct Proofs<'a, C> {
    /// Reads them.
    pub(super) read: kit::Proofs<'a, C>,
    pub(super) store: &'a VaultStore,
    pub(super) options: &'a Options,
}

impl<C: ClusterCredentials> Proofs<'_, C> {
    /// The certificates of the connection. A login with a certificate uses its own for every request: the server may want to
    /// see it again when the token is renewed.
    pub(super) async fn material(&self) -> Result<Material, Error> {
        let ca =
            self.read.authorities(self.store.ca_bundle.as_ref(), self.store.ca_provider.as_ref()).await?;
        let shown = match &self.store.auth {
            Some(VaultAuth::Cert { certificate, .. }) => Some(certificate),
            _ => self.store.client_certificate.as_ref(),
        };
        let Some(shown) = shown else { return Ok(Material { ca, ..Material::default() }) };
        let certificate = Some(self.read.secret(&shown.certificate).await?);
        let key = Some(self.read.secret(&shown.key).await?);
        Ok(Material { ca, certificate, key })
    }

    /// A token that proves an identity to the `kubernetes` and `jwt` methods, without white space around it. One that is
    /// made for the login is for the store's audience: what the API server of the cluster would take as well is not shown to
    /// anybody, unless the operator allows it.
    pub(super) async fn token(&self, proof: &VaultProof) -> Result<String, Error> {
        match proof {
            VaultProof::Secret(at) => Ok(self.read.text(at).await?.trim().to_owned()),
            VaultProof::ServiceAccount { name, namespace, audiences, .. } => {
                let (cluster, own) = self.read.home()?;
                let namespace = namespace.as_ref().unwrap_or(own);
                let place = format!("service account {namespace}/{name}");
                let default = [DEFAULT_AUDIENCE.to_owned()];
                let audiences = match audiences.is_empty() && !self.options.api_server_tokens {
                    true => &default[..],
                    false => audiences,
                };
                let token = self
                    .read
                    .clusters
                    .service_account_token(cluster, namespace, name, audiences)
                    .await
                    .map_err(|error| self.read.not_proven(cluster, &place, error))?;
                let text = token.expose_str();
                let text =
                    text.ok_or_else(|| self.read.unusable(&format!("{place}: its token is not text")))?;
                if !self.options.api_server_tokens && is_of_api_server(text) {
                    let what = "its token would be good for the cluster's API server; name another audience in \
                                serviceAccountRef.audiences, and as the role's audience in Vault";
                    return Err(self.read.unusable(&format!("{place}: {what}")));
                }
                Ok(text.to_owned())
            }
        }
    }
}
