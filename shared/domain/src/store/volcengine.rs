//! `spec.provider.volcengine`: secrets of Volcengine KMS in one region.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.volcengine` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct VolcengineStore {
    /// The region.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: SecretKeyRef,
    /// Its secret.
    pub secret_access_key: SecretKeyRef,
    /// The session's token, where the access key is one of a session.
    pub token: Option<SecretKeyRef>,
}

impl Spec for VolcengineStore {
    /// Whose keys they are, the access key decides, and not the manifest.
    fn location(&self) -> Location {
        Location { provider: Provider::Volcengine, region: self.region.clone(), account: None }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Volcengine.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        key.to_owned()
    }

    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn finds(&self, _: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        named(name)
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("Volcengine is not searched, as in ESO; name its secrets in data or extract")
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        let keys = [&self.access_key_id, &self.secret_access_key].into_iter();
        keys.chain(&self.token).map(|at| at.namespace.as_ref()).collect()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    /// The hosts are Volcengine's own.
    fn claims(&self) -> Claims<'_> {
        Claims { region: None, server: None, authority: None, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}
