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
    PushSecret,
}

impl EsoKind {
    const ALWAYS: [Self; 3] = [Self::ExternalSecret, Self::SecretStore, Self::ClusterSecretStore];

    /// The kinds that are read; PushSecrets only where they are carried out.
    pub(crate) fn read(pushes: bool) -> impl Iterator<Item = Self> {
        Self::ALWAYS.into_iter().chain(pushes.then_some(Self::PushSecret))
    }

    /// The group and version of the kind, where ESO's kinds are served in one of the versions.
    pub(crate) fn api_version(self, version: usize) -> &'static str {
        match self {
            Self::PushSecret => "external-secrets.io/v1alpha1",
            Self::ExternalSecret | Self::SecretStore | Self::ClusterSecretStore => api_version(version),
        }
    }

    /// The kind as it is addressed in one of the versions.
    pub(crate) fn resource(self, version: usize) -> Resource<'static> {
        let prefix = PREFIXES.get(version).copied().unwrap_or(PREFIXES[0]);
        let (plural, kind) = match self {
            Self::ExternalSecret => ("externalsecrets", "ExternalSecret"),
            Self::SecretStore => ("secretstores", "SecretStore"),
            Self::ClusterSecretStore => ("clustersecretstores", "ClusterSecretStore"),
            Self::PushSecret => ("pushsecrets", "PushSecret"),
        };
        let prefix = if let Self::PushSecret = self { "/apis/external-secrets.io/v1alpha1" } else { prefix };
        Resource { prefix, plural, kind }
    }

    /// The collections of this kind that are listed and watched.
    pub(crate) fn collections<I>(self, link: &Link<I>) -> Vec<Option<&str>>
    where
        I: ClusterIdentity,
    {
        match self {
            Self::ExternalSecret | Self::SecretStore | Self::PushSecret => link.collections(),
            Self::ClusterSecretStore => vec![None],
        }
    }
}

/// `external-secrets.io/v1`.
pub(crate) fn api_version(version: usize) -> &'static str {
    API_VERSIONS.get(version).copied().unwrap_or(API_VERSIONS[0])
}
