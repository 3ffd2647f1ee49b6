//! `spec.provider.beyondtrustworkloadcredentials`: static secrets of BeyondTrust Workload Credentials.

use super::spec::Served;
use super::{CaProvider, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.beyondtrustworkloadcredentials` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct BeyondtrustWorkloadCredentialsStore {
    /// The server's address, such as `https://api.beyondtrust.io/siie`.
    pub api_url: String,
    /// The site's id.
    pub site_id: String,
    /// The API token.
    pub token: SecretKeyRef,
    /// The folder that keys are in; the uppermost one where it is empty.
    pub folder_path: String,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

impl Served for BeyondtrustWorkloadCredentialsStore {
    const PROVIDER: Provider = Provider::BeyondtrustWorkloadCredentials;

    fn server(&self) -> &str {
        &self.api_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        std::iter::once(&self.token).chain(ca).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        None
    }

    /// A search finds members, by path and member.
    fn key_of(&self, found: &str) -> String {
        let secret = found.rsplit_once('/').map_or(found, |(secret, _)| secret);
        secret.rsplit('/').next().unwrap_or(secret).to_owned()
    }
}
