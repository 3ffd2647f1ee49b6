//! `spec.provider.pulumi`: one environment of Pulumi ESC.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::{Namespace, ObjectName};
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.pulumi` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PulumiStore {
    /// The API's address, such as `https://api.pulumi.com/api/esc`.
    pub api_url: String,
    /// The organisation.
    pub organization: String,
    /// The project that the environment is in.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// What proves the identity.
    pub auth: PulumiAuth,
}

/// What proves an identity to Pulumi.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum PulumiAuth {
    /// An access token.
    AccessToken(SecretKeyRef),
    /// A service account, whose token Pulumi trades for one of its own.
    ServiceAccount {
        /// The organisation that trusts the cluster.
        organization: String,
        /// Its name.
        name: ObjectName,
        /// Its namespace.
        namespace: Option<Namespace>,
        /// For whom its token is made; Pulumi's address where there are none.
        audiences: Vec<String>,
        /// How long both tokens live, in seconds.
        seconds: u32,
    },
}

impl Served for PulumiStore {
    const PROVIDER: Provider = Provider::Pulumi;

    fn server(&self) -> &str {
        &self.api_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![match &self.auth {
            PulumiAuth::AccessToken(token) => token.namespace.as_ref(),
            PulumiAuth::ServiceAccount { namespace, .. } => namespace.as_ref(),
        }]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some(
            "an environment cannot be searched; name its properties in data, or a property that holds several in extract",
        )
    }
}
