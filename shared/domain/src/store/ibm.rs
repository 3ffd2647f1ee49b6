//! `spec.provider.ibm`: IBM Cloud Secrets Manager.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::{Capabilities, Provider, ibm};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.ibm` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct IbmStore {
    /// The address of the instance, `serviceUrl`.
    pub url: String,
    /// Where tokens are asked for, `iamEndpoint`.
    pub iam: String,
    /// How the identity is proven.
    pub auth: IbmAuth,
}

/// How an identity is proven to IBM Cloud.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum IbmAuth {
    /// By an API key.
    ApiKey(SecretKeyRef),
    /// By a token of a service account, for which a trusted profile gives out its own.
    Profile {
        /// The trusted profile, by name.
        profile: String,
        /// The service account of the target cluster.
        account: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// For whom its token is.
        audiences: Vec<String>,
    },
}

impl IbmStore {
    /// Group, type and name, or id, of the secret that a key means.
    pub fn reference(key: &str) -> (Option<&str>, &str, &str) {
        ibm::reference(key)
    }

    /// Whether a name is the id of a secret.
    pub fn is_id(name: &str) -> bool {
        ibm::is_id(name)
    }
}

impl Spec for IbmStore {
    fn location(&self) -> Location {
        let address = self.url.trim_end_matches('/').to_ascii_lowercase();
        Location { provider: Provider::Ibm, region: String::new(), account: Some(address) }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Ibm.profile().capabilities
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
        (Provider::Ibm.profile().names)(key).swap_remove(0)
    }

    fn finds(&self, _: &Find, _: &dyn Fn(&str) -> bool, _: &str) -> bool {
        false
    }

    /// Source: ESO's provider, in spite of its page.
    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("ESO finds nothing in IBM's Secrets Manager; name each secret in spec.data")
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        vec![match &self.auth {
            IbmAuth::ApiKey(at) => at.namespace.as_ref(),
            IbmAuth::Profile { namespace, .. } => namespace.as_ref(),
        }]
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let (server, authority) = (Some(self.url.as_str()), Some(self.iam.as_str()));
        Claims { region: None, server, authority, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}
