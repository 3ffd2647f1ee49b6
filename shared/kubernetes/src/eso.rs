//! Finds in which API version a cluster serves ESO's kinds.

use crate::call::Resource;
use crate::connect::Link;
use pawl_ports::ClusterIdentity;

/// The versions in which ESO's kinds may be served, the better one first.
pub(crate) const VERSIONS: usize = 2;

const PREFIXES: [&str; VERSIONS] = ["/apis/external-secrets.io/v1", "/apis/external-secrets.io/v1beta1"];
const API_VERSIONS: [&str; VERSIONS] = ["external-secrets.io/v1", "external-secrets.io/v1beta1"];

/// A kind of ESO's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EsoKind {
    ExternalSecret,
    SecretStore,
    ClusterSecretStore,
    ClusterExternalSecret,
}

impl EsoKind {
    /// The kinds whose objects enter the registry.
    pub(crate) const DECLARED: [Self; 3] =
        [Self::ExternalSecret, Self::SecretStore, Self::ClusterSecretStore];

    /// The kind as it is addressed in one of the versions.
    pub(crate) fn resource(self, version: usize) -> Resource<'static> {
        let prefix = PREFIXES.get(version).copied().unwrap_or(PREFIXES[0]);
        let (plural, kind) = match self {
            Self::ExternalSecret => ("externalsecrets", "ExternalSecret"),
            Self::SecretStore => ("secretstores", "SecretStore"),
            Self::ClusterSecretStore => ("clustersecretstores", "ClusterSecretStore"),
            Self::ClusterExternalSecret => ("clusterexternalsecrets", "ClusterExternalSecret"),
        };
        Resource { prefix, plural, kind }
    }

    /// The collections of this kind that are listed and watched.
    pub(crate) fn collections<I>(self, link: &Link<I>) -> Vec<Option<&str>>
    where
        I: ClusterIdentity,
    {
        match self {
            Self::ExternalSecret | Self::SecretStore => link.collections(),
            Self::ClusterSecretStore | Self::ClusterExternalSecret => vec![None],
        }
    }
}

/// `external-secrets.io/v1`.
pub(crate) fn api_version(version: usize) -> &'static str {
    API_VERSIONS.get(version).copied().unwrap_or(API_VERSIONS[0])
}
