//! Who is proven, and what proves it. Source: ESO's Azure provider, `authorizerForServicePrincipal`,
//! `authorizerForWorkloadIdentity` and their likes for `useAzureSDK`.

use super::assertion;
use super::cloud::Cloud;
use super::entra::{self, Sent};
use crate::kit::Proofs;
use jiff::Timestamp;
use pawl_domain::store::{AzureAuth, AzureKvStore, SecretKeyRef};
use pawl_domain::{Namespace, ObjectName, SecretValue};
use pawl_ports::{ClusterCredentials, Error};

/// Who is proven. Equal ones share a token.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Identity {
    /// The tenant's id or domain.
    pub(super) tenant: String,
    /// The client's id.
    pub(super) client_id: String,
    credential: Credential,
}

#[derive(Debug, Eq, PartialEq)]
enum Credential {
    Secret(SecretValue),
    /// Certificate and key, in one of their forms.
    Certificate(SecretValue),
    /// The token is made when it is needed.
    ServiceAccount,
}

const CLIENT: &str = "azure.workload.identity/client-id";
const TENANT: &str = "azure.workload.identity/tenant-id";
/// The audience that Entra ID expects.
const AUDIENCE: &str = "api://AzureADTokenExchange";

impl Identity {
    /// The same without white space around client and secret, such as the line break at the end of a file.
    pub(super) fn trimmed(self) -> Self {
        let credential = match self.credential {
            Credential::Secret(secret) => Credential::Secret(match secret.expose_str() {
                Some(text) => SecretValue::new(text.trim()),
                None => secret,
            }),
            other => other,
        };
        Self { client_id: self.client_id.trim().to_owned(), credential, ..self }
    }
}

/// Reads who is proven out of the target cluster.
///
/// # Errors
/// When something is missing, or named twice.
pub(super) async fn read<C: ClusterCredentials>(
    proofs: &Proofs<'_, C>,
    store: &AzureKvStore,
) -> Result<Identity, Error> {
    let identity = match &store.auth {
        AzureAuth::Secret { tenant, client_id, client_secret } => Identity {
            tenant: tenant.clone(),
            client_id: proofs.text(client_id).await?,
            credential: Credential::Secret(proofs.secret(client_secret).await?),
        },
        AzureAuth::Certificate { tenant, client_id, certificate } => Identity {
            tenant: tenant.clone(),
            client_id: proofs.text(client_id).await?,
            credential: Credential::Certificate(proofs.secret(certificate).await?),
        },
        AzureAuth::ServiceAccount { name, namespace, client_id, tenant_ref, tenant, .. } => {
            let account =
                Account { proofs, name, namespace: namespace.as_ref(), strict: !store.use_azure_sdk };
            account.identity(client_id.as_ref(), tenant_ref.as_ref(), tenant.as_deref()).await?
        }
    };
    match identity.client_id.is_empty() || identity.tenant.is_empty() {
        true => Err(proofs.unusable("the client id or the tenant id is empty; correct what holds it")),
        false => Ok(identity),
    }
}

/// What proves this identity to Entra ID.
///
/// # Errors
/// When the cluster makes no token, or the certificate cannot be used.
pub(super) async fn proof<C: ClusterCredentials>(
    proofs: &Proofs<'_, C>,
    store: &AzureKvStore,
    identity: &Identity,
    cloud: &Cloud<'_>,
    now: Timestamp,
) -> Result<Sent, Error> {
    match (&identity.credential, &store.auth) {
        (Credential::Secret(secret), _) => Ok(Sent::Secret(secret.clone())),
        (Credential::Certificate(file), _) => {
            let audience = entra::endpoint(cloud.authority, &identity.tenant);
            let form =
                if entra::is_adfs(&identity.tenant) { assertion::Form::Old } else { assertion::Form::New };
            let statement = assertion::statement(file, &identity.client_id, &audience, form, now)
                .map_err(|wrong| proofs.unusable(wrong))?;
            Ok(Sent::Assertion(statement))
        }
        (Credential::ServiceAccount, AzureAuth::ServiceAccount { name, namespace, audiences, .. }) => {
            let account = Account { proofs, name, namespace: namespace.as_ref(), strict: false };
            Ok(Sent::Assertion(account.token(audiences).await?))
        }
        (Credential::ServiceAccount, _) => Err(proofs.unusable("the store names no service account")),
    }
}

/// A service account of the target cluster.
struct Account<'a, C> {
    proofs: &'a Proofs<'a, C>,
    name: &'a ObjectName,
    namespace: Option<&'a Namespace>,
    /// Whether what is named twice is refused; else the annotation of the client counts, and the store's tenant.
    strict: bool,
}

impl<C: ClusterCredentials> Account<'_, C> {
    async fn identity(
        &self,
        client_id: Option<&SecretKeyRef>,
        tenant_ref: Option<&SecretKeyRef>,
        tenant: Option<&str>,
    ) -> Result<Identity, Error> {
        let (cluster, own) = self.proofs.home()?;
        let namespace = self.namespace.unwrap_or(own);
        let place = format!("service account {namespace}/{}", self.name);
        let found = self.proofs.clusters.service_account(cluster, namespace, self.name).await;
        let annotations = found.map_err(|error| self.proofs.not_proven(cluster, &place, error))?;
        let client = match client_id {
            Some(at) => Some(self.proofs.text(at).await?).filter(|client| !client.is_empty()),
            None => None,
        };
        let stated = match tenant_ref {
            Some(at) => Some(self.proofs.text(at).await?).filter(|tenant| !tenant.is_empty()),
            None => None,
        };
        let stated = stated.or(tenant.map(str::to_owned));
        let refused = |what: String| Err(self.proofs.unusable(&format!("{place}: {what}")));
        let client_id = match (client, annotations.get(CLIENT)) {
            (Some(_), Some(_)) => {
                return refused(format!(
                    "clientId and its annotation {CLIENT} both name a client; remove one"
                ));
            }
            (Some(client), None) => client,
            (None, Some(client)) => client.clone(),
            (None, None) => {
                return refused(format!(
                    "nothing says which client it is; annotate it with {CLIENT}, or write clientId"
                ));
            }
        };
        let tenant = match (stated, annotations.get(TENANT)) {
            (Some(_), Some(_)) if self.strict => {
                return refused(format!(
                    "tenantId and its annotation {TENANT} both name a tenant; remove one"
                ));
            }
            (Some(tenant), _) => tenant,
            (None, Some(tenant)) => tenant.clone(),
            (None, None) => {
                return refused(format!(
                    "nothing says which tenant it is in; annotate it with {TENANT}, or write tenantId"
                ));
            }
        };
        Ok(Identity { tenant, client_id, credential: Credential::ServiceAccount })
    }

    /// A token for Entra ID, and for whoever else the store names.
    async fn token(&self, audiences: &[String]) -> Result<SecretValue, Error> {
        let (cluster, own) = self.proofs.home()?;
        let namespace = self.namespace.unwrap_or(own);
        let place = format!("service account {namespace}/{}", self.name);
        let audiences: Vec<String> =
            std::iter::once(AUDIENCE.to_owned()).chain(audiences.iter().cloned()).collect();
        let made =
            self.proofs.clusters.service_account_token(cluster, namespace, self.name, &audiences).await;
        made.map_err(|error| self.proofs.not_proven(cluster, &place, error))
    }
}
