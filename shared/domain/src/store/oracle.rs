//! `spec.provider.oracle`: Oracle Cloud Infrastructure Vault.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.oracle` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct OracleStore {
    /// The region.
    pub region: String,
    /// The vault, by its OCID.
    pub vault: String,
    /// The compartment that searches look through, by its OCID.
    pub compartment: Option<String>,
    /// The tenancy of the user, by its OCID.
    pub tenancy: String,
    /// The user, by its OCID.
    pub user: String,
    /// The private key that signs requests, as PEM.
    pub private_key: SecretKeyRef,
    /// The fingerprint of its public key.
    pub fingerprint: SecretKeyRef,
}

impl OracleStore {
    /// Why a search cannot be made in this store, with what to write instead; `None` when it can.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        match (&find.path, &find.name, find.tags.is_empty()) {
            (Some(_), ..) => Some("a vault has no folders; leave find.path out"),
            (None, None, true) => {
                Some("secrets are searched by name or tags; write find.name.regexp or find.tags")
            }
            (None, Some(_), false) => {
                Some("ESO passes over find.tags where there is a name; write one of them")
            }
            _ if self.compartment.is_none() => Some("a search needs the store's compartment; write it"),
            _ => None,
        }
    }
}

impl Spec for OracleStore {
    fn location(&self) -> Location {
        let account = Some(self.vault.clone());
        Location { provider: Provider::Oracle, region: self.region.clone(), account }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Oracle.profile().capabilities
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

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(self, find)
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        vec![self.private_key.namespace.as_ref(), self.fingerprint.namespace.as_ref()]
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    /// The hosts are Oracle's own, of which the manifest chooses the region.
    fn claims(&self) -> Claims<'_> {
        let region = Some(self.region.as_str());
        Claims { region, server: None, authority: None, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}
