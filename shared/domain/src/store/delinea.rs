//! `spec.provider.delinea`: Delinea DevOps Secrets Vault.

use super::spec::Served;
use super::{Given, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.delinea` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct DelineaStore {
    /// The address of the API, of which tenant, domain and template were made: what comes before `token` and `secrets`.
    pub url: String,
    /// The client's id.
    pub client_id: Given,
    /// Its secret.
    pub client_secret: SecretKeyRef,
}

impl Served for DelineaStore {
    const PROVIDER: Provider = Provider::Delinea;

    fn server(&self) -> &str {
        &self.url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        self.client_id
            .secret()
            .into_iter()
            .chain([&self.client_secret])
            .map(|at| at.namespace.as_ref())
            .collect()
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("ESO finds nothing in DevOps Secrets Vault; name each secret in spec.data")
    }

    fn asked_as(&self, key: &str) -> String {
        key.trim_start_matches('/').to_owned()
    }
}
