//! `spec.provider.delinea`: Delinea DevOps Secrets Vault.

use super::spec::{Claims, Identity, Spec};
use super::{Given, SecretKeyRef};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
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

impl Spec for DelineaStore {
    fn location(&self) -> Location {
        let address = self.url.trim_end_matches('/').to_ascii_lowercase();
        Location { provider: Provider::Delinea, region: String::new(), account: Some(address) }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Delinea.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        key.trim_start_matches('/').to_owned()
    }

    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        self.remote_key(key)
    }

    fn listed_name(&self, key: &str) -> String {
        self.remote_key(key)
    }

    fn finds(&self, _: &Find, _: &dyn Fn(&str) -> bool, _: &str) -> bool {
        false
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("ESO finds nothing in DevOps Secrets Vault; name each secret in spec.data")
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        self.client_id
            .secret()
            .into_iter()
            .chain([&self.client_secret])
            .map(|at| at.namespace.as_ref())
            .collect()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let server = Some(self.url.as_str());
        Claims { region: None, server, authority: None, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}
