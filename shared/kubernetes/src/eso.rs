//! Finds in which API version a cluster serves ESO's kinds.

use crate::call::Resource;
use crate::connect::Link;
use pawl_domain::GeneratorKind;
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
    Generator(GeneratorKind),
    ClusterExternalSecret,
}

/// The one version of generators.
const GENERATORS: &str = "/apis/generators.external-secrets.io/v1alpha1";

impl EsoKind {
    const ALWAYS: [Self; 3] = [Self::ExternalSecret, Self::SecretStore, Self::ClusterSecretStore];
    pub(crate) const STORES: [Self; 2] = [Self::SecretStore, Self::ClusterSecretStore];

    /// The kinds whose objects enter the registry in any case; PushSecrets only where they are carried out.
    pub(crate) fn read(pushes: bool) -> impl Iterator<Item = Self> {
        Self::ALWAYS.into_iter().chain(pushes.then_some(Self::PushSecret))
    }

    /// The kinds of generators that Pawl serves. They are read where something names them.
    pub(crate) fn generators() -> impl Iterator<Item = GeneratorKind> {
        GeneratorKind::ALL.iter().copied().filter(|kind| kind.is_served())
    }

    /// The versions in which it may be served, the likeliest first; `served` is the one that the cluster serves the others in.
    pub(crate) fn versions(self, served: usize) -> impl Iterator<Item = usize> {
        let versions = if self.has_own_version() { 1 } else { VERSIONS };
        (0..versions).map(move |offset| (served + offset) % versions)
    }

    /// Whether it has versions of its own, which tell nothing of the others.
    pub(crate) fn has_own_version(self) -> bool {
        matches!(self, Self::Generator(_) | Self::PushSecret)
    }

    /// Whether it is a generator.
    pub(crate) fn is_generator(self) -> bool {
        matches!(self, Self::Generator(_))
    }

    /// `apiVersion` of its objects in one of the versions.
    pub(crate) fn api_version(self, version: usize) -> &'static str {
        match self {
            Self::Generator(_) => "generators.external-secrets.io/v1alpha1",
            Self::PushSecret => "external-secrets.io/v1alpha1",
            Self::ExternalSecret
            | Self::SecretStore
            | Self::ClusterSecretStore
            | Self::ClusterExternalSecret => api_version(version),
        }
    }

    /// The kind as it is addressed in one of the versions.
    pub(crate) fn resource(self, version: usize) -> Resource<'static> {
        let prefix = PREFIXES.get(version).copied().unwrap_or(PREFIXES[0]);
        let (plural, kind) = match self {
            Self::Generator(kind) => {
                return Resource { prefix: GENERATORS, plural: kind.plural(), kind: kind.as_str() };
            }
            Self::ExternalSecret => ("externalsecrets", "ExternalSecret"),
            Self::SecretStore => ("secretstores", "SecretStore"),
            Self::ClusterSecretStore => ("clustersecretstores", "ClusterSecretStore"),
            Self::PushSecret => ("pushsecrets", "PushSecret"),
            Self::ClusterExternalSecret => ("clusterexternalsecrets", "ClusterExternalSecret"),
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
            Self::ClusterSecretStore
            | Self::ClusterExternalSecret
            | Self::Generator(GeneratorKind::ClusterGenerator) => vec![None],
            Self::ExternalSecret | Self::SecretStore | Self::PushSecret | Self::Generator(_) => {
                link.collections()
            }
        }
    }
}

/// `external-secrets.io/v1`.
pub(crate) fn api_version(version: usize) -> &'static str {
    API_VERSIONS.get(version).copied().unwrap_or(API_VERSIONS[0])
}
