//! The kinds of ESO's group `generators.external-secrets.io`.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $plural:literal, $is_served:literal;)*) => {
        /// A kind of generator, by ESO's name.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum GeneratorKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl GeneratorKind {
            /// All of them, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name in manifests.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What an API server calls its objects.
            pub fn plural(self) -> &'static str {
                match self {
                    $(Self::$kind => $plural,)*
                }
            }

            /// Whether Pawl makes what such a generator makes. A ClusterGenerator is one of the others.
            pub fn is_served(self) -> bool {
                match self {
                    $(Self::$kind => $is_served,)*
                }
            }
        }
    };
}

kinds! {
    /// A token of Azure's container registries.
    AcrAccessToken = "ACRAccessToken", "acraccesstokens", true;
    /// A dynamic secret of BeyondTrust Workload Credentials.
    BeyondtrustWorkloadCredentialsDynamicSecret = "BeyondtrustWorkloadCredentialsDynamicSecret", "beyondtrustworkloadcredentialsdynamicsecrets", false;
    /// A token of Cloudsmith.
    CloudsmithAccessToken = "CloudsmithAccessToken", "cloudsmithaccesstokens", true;
    /// Any of the others, for all namespaces.
    ClusterGenerator = "ClusterGenerator", "clustergenerators", true;
    /// A password of Amazon's container registries.
    EcrAuthorizationToken = "ECRAuthorizationToken", "ecrauthorizationtokens", true;
    /// What stands in its manifest.
    Fake = "Fake", "fakes", true;
    /// A token of Google's container registries.
    GcrAccessToken = "GCRAccessToken", "gcraccesstokens", true;
    /// A token of an installation of a GitHub App.
    GithubAccessToken = "GithubAccessToken", "githubaccesstokens", true;
    /// A deploy token of GitLab.
    GitlabDeployToken = "GitlabDeployToken", "gitlabdeploytokens", false;
    /// A token of a service account of Grafana.
    Grafana = "Grafana", "grafanas", false;
    /// The code of the moment of a second factor.
    Mfa = "MFA", "mfas", true;
    /// Passwords.
    Password = "Password", "passwords", true;
    /// A token of Quay.
    QuayAccessToken = "QuayAccessToken", "quayaccesstokens", true;
    /// A pair of keys for SSH.
    SshKey = "SSHKey", "sshkeys", true;
    /// Credentials of AWS for a session.
    StsSessionToken = "STSSessionToken", "stssessiontokens", true;
    /// A random UUID.
    Uuid = "UUID", "uuids", true;
    /// What a dynamic engine of Vault makes.
    VaultDynamicSecret = "VaultDynamicSecret", "vaultdynamicsecrets", true;
    /// The answer of an API that is asked over HTTP.
    Webhook = "Webhook", "webhooks", true;
}

impl GeneratorKind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for GeneratorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_the_order_of_their_names() {
        let names: Vec<&str> = GeneratorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for kind in GeneratorKind::ALL {
            assert_eq!(GeneratorKind::named(kind.as_str()), Some(*kind));
        }
        assert_eq!(GeneratorKind::named("password"), None);
    }
}
