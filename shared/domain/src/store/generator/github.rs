//! Tokens of an installation of a GitHub App.

use crate::store::SecretKeyRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// `spec` of a GithubAccessToken.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct GithubGenerator {
    /// `url`: the address of the API.
    pub url: String,
    /// `appID`: the App's number.
    pub app_id: String,
    /// `installID`: the installation's.
    pub install_id: String,
    /// `auth.privateKey.secretRef`: the App's key, in PEM.
    pub private_key: SecretKeyRef,
    /// `repositories`: what the token is good for; all that the installation has where there are none.
    pub repositories: Vec<String>,
    /// `permissions`: what it may do there; all that the installation may where there are none.
    pub permissions: BTreeMap<String, String>,
}

impl GithubGenerator {
    /// ESO's default of `url`.
    pub const URL: &str = "https://api.github.com";
    /// How long such a token is good. Source: GitHub's documentation of installation access tokens.
    pub const LIFETIME: Duration = Duration::from_secs(3600);
}
