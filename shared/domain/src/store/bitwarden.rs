//! `spec.provider.bitwardensecretsmanager`: secrets of an organization of Bitwarden.

use super::spec::{Claims, Identity, Spec};
use super::{CaProvider, SecretKeyRef};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider, bitwarden};
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

impl Spec for BitwardenStore {
    fn location(&self) -> Location {
        let address = self.server.trim_end_matches('/').to_ascii_lowercase();
        let account = Some(format!("{address}/{}", self.organization));
        Location { provider: Provider::Bitwarden, region: String::new(), account }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Bitwarden.profile().capabilities
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

    /// Its answers are by ids, and its criteria about names: any may be meant.
    fn finds(&self, _: &Find, _: &dyn Fn(&str) -> bool, _: &str) -> bool {
        true
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        let others = find.path.is_some() || !find.tags.is_empty();
        (others || find.name.is_none()).then_some(
            "secrets are searched by name alone, where ESO gives all of the organization whatever is written; \
             write find.name.regexp, which is .* for all",
        )
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        std::iter::once(&self.token).chain(ca).map(|at| at.namespace.as_ref()).collect()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let server = Some(self.server.as_str());
        Claims { region: None, server, authority: None, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}
