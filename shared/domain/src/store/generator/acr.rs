//! Tokens of Azure's container registries.

use crate::store::{AzureCloud, AzureKvStore};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `spec` of an ACRAccessToken.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AcrGenerator {
    /// The registry's server, and who asks it: as a vault is asked.
    pub server: AzureKvStore,
    /// `registry`: its name, with which it is asked for tokens.
    pub registry: String,
    /// `tenantId`, which the registry is told too; empty where it is not written.
    pub tenant: String,
    /// `scope`: what a token is good for. Without it the registry's refresh token is made, which is good for all that the
    /// identity may do.
    pub scope: Option<String>,
}

impl AcrGenerator {
    /// What the registries' tokens are good for at least. Source: "Authentication with Azure Container Registry": three hours for
    /// refresh tokens, 75 minutes for access tokens.
    pub(super) const LIFETIME: Duration = Duration::from_secs(3600);

    /// The domain of a cloud's registries; `None` of clouds that have none.
    pub fn domain(cloud: AzureCloud) -> Option<&'static str> {
        match cloud {
            AzureCloud::Public => Some("azurecr.io"),
            AzureCloud::UsGovernment => Some("azurecr.us"),
            AzureCloud::China => Some("azurecr.cn"),
            AzureCloud::German | AzureCloud::Stack => None,
        }
    }
}
