//! Tokens of AWS: passwords of its container registries, and credentials of a session.

use crate::store::{AwsAuth, AwsDeletion, AwsService, AwsStore, SessionTagsPolicy};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// With which identity AWS is asked: as a store of AWS is read.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AwsIdentitySpec {
    /// `region`: the one whose endpoint is asked.
    pub region: String,
    /// `auth`: the identity to start from.
    pub auth: AwsAuth,
    /// `role`: the role assumed with it.
    pub role: Option<String>,
}

impl AwsIdentitySpec {
    /// A store with this identity, to prove it as one.
    pub fn store(&self) -> AwsStore {
        AwsStore {
            service: AwsService::SecretsManager,
            region: self.region.clone(),
            auth: self.auth.clone(),
            role: self.role.clone(),
            additional_roles: Vec::new(),
            external_id: None,
            session_tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            session_tags_policy: SessionTagsPolicy::None,
            prefix: None,
            max_retries: None,
            deletion: AwsDeletion::default(),
        }
    }
}

/// `spec` of an ECRAuthorizationToken.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct EcrGenerator {
    /// Who asks.
    pub identity: AwsIdentitySpec,
    /// `scope: public`: the public registries, which are asked in [`EcrGenerator::PUBLIC_REGION`] alone.
    pub public: bool,
}

impl EcrGenerator {
    /// The one region that public registries are asked in.
    pub const PUBLIC_REGION: &str = "us-east-1";
    /// How long AWS lets such a token be used. Source: API reference of GetAuthorizationToken.
    pub const LIFETIME: Duration = Duration::from_secs(12 * 3600);
}

/// `spec` of an STSSessionToken.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StsGenerator {
    /// Who asks.
    pub identity: AwsIdentitySpec,
    /// `requestParameters.sessionDuration`, in seconds.
    pub seconds: Option<u32>,
    /// `requestParameters.serialNumber`: of the second factor.
    pub serial_number: Option<String>,
    /// `requestParameters.tokenCode`: what the second factor shows.
    pub token_code: Option<String>,
}

impl StsGenerator {
    /// What AWS takes for `sessionDuration`, in seconds. Source: API reference of GetSessionToken.
    pub const SECONDS: std::ops::RangeInclusive<u32> = 900..=129_600;

    /// How long its credentials are good. Source: as above, for its default.
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(12 * 3600).into())
    }
}
