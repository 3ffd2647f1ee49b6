//! `spec.provider.bitwardensecretsmanager`: secrets of an organization of Bitwarden.

use super::spec::Served;
use super::{CaProvider, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::{Provider, bitwarden};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.bitwardensecretsmanager` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct BitwardenStore {
    /// The address of the SDK server, which asks Bitwarden.
    pub server: String,
    /// Bitwarden's API, as the SDK server is told it; empty for its own default.
    pub api: String,
    /// Bitwarden's service of identities, in the same way.
    pub identity: String,
    /// The organization, by its id.
    pub organization: String,
    /// The project that names are looked for in, by its id.
    pub project: String,
    /// The access token of a machine account.
    pub token: SecretKeyRef,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

impl BitwardenStore {
    /// Whether a key is the id of a secret.
    pub fn is_id(key: &str) -> bool {
        bitwarden::is_id(key)
    }
}

impl Served for BitwardenStore {
    const PROVIDER: Provider = Provider::Bitwarden;

    fn server(&self) -> &str {
        &self.server
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        std::iter::once(&self.token).chain(ca).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        let others = find.path.is_some() || !find.tags.is_empty();
        (others || find.name.is_none()).then_some(
            "secrets are searched by name alone, where ESO gives all of the organization whatever is written; \
             write find.name.regexp, which is .* for all",
        )
    }

    fn part(&self) -> Option<&str> {
        Some(&self.organization)
    }

    /// Its answers are by ids, and its criteria about names: any may be meant.
    fn may_find(&self, _: &Find, _: &dyn Fn(&str) -> bool, _: &str) -> bool {
        true
    }
}
