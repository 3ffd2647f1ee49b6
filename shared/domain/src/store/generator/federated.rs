//! Tokens for which a service account's token is traded: of Cloudsmith and Quay.

use crate::name::ObjectName;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The service account whose token is shown: one of the ExternalSecret's namespace.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ShownAccount {
    /// Its name.
    pub name: ObjectName,
    /// For whom the token is made.
    pub audiences: Vec<String>,
}

impl ShownAccount {
    /// What is given for its token is good for an hour or two, as it says itself.
    pub(super) const LIFETIME: Duration = Duration::from_secs(3600);
}

/// `spec` of a CloudsmithAccessToken.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct CloudsmithGenerator {
    /// `apiUrl`: the address of the API.
    pub url: String,
    /// `orgSlug`: the organization.
    pub organization: String,
    /// `serviceSlug`: the service account there.
    pub service: String,
    /// `serviceAccountRef`.
    pub account: ShownAccount,
}

impl CloudsmithGenerator {
    /// ESO's default of `apiUrl`.
    pub const URL: &str = "https://api.cloudsmith.io";
}

/// `spec` of a QuayAccessToken.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct QuayGenerator {
    /// `url`: the registry's address, with its scheme, which a manifest may leave out.
    pub url: String,
    /// `robotAccount`: the account there, such as `organization+robot`.
    pub robot: String,
    /// `serviceAccountRef`.
    pub account: ShownAccount,
}

impl QuayGenerator {
    /// ESO's default of `url`.
    pub const URL: &str = "https://quay.io";

    /// The registry's name, without a scheme.
    pub fn registry(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, registry)| registry)
    }
}
