//! Generators: what makes values instead of reading them. A generator has no keys, no versions and no events; what it made
//! is written to the target and kept nowhere else.
//!
//! An object of ESO's group `generators.external-secrets.io` is a [`Store`](crate::Store) whose backend is one of these, so
//! that it is registered, applied, pruned and governed by policies as stores are. A declaration asks it by
//! [`Query::Generate`](crate::Query::Generate).

mod aws;
mod federated;
mod github;
mod kind;
mod mfa;
mod password;
mod ssh_key;

pub use aws::{AwsIdentitySpec, EcrGenerator, StsGenerator};
pub use federated::{CloudsmithGenerator, QuayGenerator, ShownAccount};
pub use github::GithubGenerator;
pub use kind::GeneratorKind;
pub use mfa::{Code, InvalidSeed, MfaGenerator};
pub use password::{Encoding, NoPassword, PasswordGenerator};
pub use ssh_key::{Curve, SshKeyGenerator, SshKeyType};

use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use crate::store::{AwsAuth, Claims, FakeStore, Identity, Spec};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a generator makes, and how. Source: ESO's generators, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Generator {
    /// A token of Cloudsmith.
    Cloudsmith(CloudsmithGenerator),
    /// A password of Amazon's container registries.
    Ecr(EcrGenerator),
    /// What stands in its manifest.
    Fake(FakeStore),
    /// A token of an installation of a GitHub App.
    Github(GithubGenerator),
    /// The code of the moment that a second factor asks for.
    Mfa(MfaGenerator),
    /// Passwords.
    Password(PasswordGenerator),
    /// A token of a robot of Quay.
    Quay(QuayGenerator),
    /// A pair of keys for SSH.
    SshKey(SshKeyGenerator),
    /// Credentials of AWS for a session.
    Sts(StsGenerator),
    /// A random UUID.
    Uuid,
}

impl Generator {
    /// The kind of its manifest; of a ClusterGenerator the kind that it holds.
    pub fn kind(&self) -> GeneratorKind {
        match self {
            Self::Cloudsmith(_) => GeneratorKind::CloudsmithAccessToken,
            Self::Ecr(_) => GeneratorKind::EcrAuthorizationToken,
            Self::Fake(_) => GeneratorKind::Fake,
            Self::Github(_) => GeneratorKind::GithubAccessToken,
            Self::Mfa(_) => GeneratorKind::Mfa,
            Self::Password(_) => GeneratorKind::Password,
            Self::Quay(_) => GeneratorKind::QuayAccessToken,
            Self::SshKey(_) => GeneratorKind::SshKey,
            Self::Sts(_) => GeneratorKind::StsSessionToken,
            Self::Uuid => GeneratorKind::Uuid,
        }
    }

    /// The keys of what it makes, as far as its manifest tells.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::Cloudsmith(_) => vec!["auth", "expiry"],
            Self::Ecr(ecr) if ecr.public => vec!["username", "password", "expires_at"],
            Self::Ecr(_) => vec!["username", "password", "proxy_endpoint", "expires_at"],
            Self::Fake(fake) => fake.data.iter().map(|entry| entry.key.as_str()).collect(),
            Self::Github(_) => vec!["token"],
            Self::Quay(_) => vec!["registry", "auth", "expiry"],
            Self::Sts(_) => vec!["access_key_id", "secret_access_key", "session_token", "expiration"],
            Self::Mfa(_) => vec!["token", "timeLeft"],
            Self::Password(password) => password.keys.iter().map(String::as_str).collect(),
            Self::SshKey(_) => vec!["privateKey", "publicKey"],
            Self::Uuid => vec!["uuid"],
        }
    }

    /// How long what it makes is good for, as far as its manifest or its server's manual tells: where `refreshInterval` is
    /// longer, it is looked at more often, whether something must be made anew.
    pub fn lifetime(&self) -> Option<Duration> {
        match self {
            Self::Ecr(_) => Some(EcrGenerator::LIFETIME),
            Self::Github(_) => Some(GithubGenerator::LIFETIME),
            Self::Mfa(mfa) => mfa.lifetime(),
            Self::Sts(sts) => Some(sts.lifetime()),
            // They tell it with each token.
            Self::Cloudsmith(_) | Self::Quay(_) => Some(ShownAccount::LIFETIME),
            Self::Fake(_) | Self::Password(_) | Self::SshKey(_) | Self::Uuid => None,
        }
    }

    /// The identity of AWS that it asks with.
    fn aws(&self) -> Option<&AwsIdentitySpec> {
        match self {
            Self::Ecr(ecr) => Some(&ecr.identity),
            Self::Sts(sts) => Some(&sts.identity),
            _ => None,
        }
    }

    /// The server that it asks, where its manifest names one.
    fn server(&self) -> Option<&str> {
        match self {
            Self::Cloudsmith(cloudsmith) => Some(&cloudsmith.url),
            Self::Github(github) => Some(&github.url),
            Self::Quay(quay) => Some(&quay.url),
            _ => None,
        }
    }
}

impl Spec for Generator {
    fn location(&self) -> Location {
        // Who is asked, so that one that does not answer holds up no other.
        let aws = || self.aws().map(|aws| format!("aws in {}", aws.region));
        let server = self.server().map(|url| url.trim_end_matches('/').to_ascii_lowercase());
        Location { provider: Provider::Generator, region: String::new(), account: server.or_else(aws) }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Generator.profile().capabilities
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
        key.to_owned()
    }

    fn finds(&self, _: &Find, _: &dyn Fn(&str) -> bool, _: &str) -> bool {
        false
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("a generator cannot be searched; ask it with sourceRef.generatorRef alone")
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        match self {
            Self::Github(github) => vec![github.private_key.namespace.as_ref()],
            Self::Mfa(mfa) => vec![mfa.seed.namespace.as_ref()],
            Self::Cloudsmith(_) | Self::Quay(_) => vec![None],
            Self::Ecr(_) | Self::Sts(_) => self.aws().map(|aws| aws.auth.proofs()).unwrap_or_default(),
            Self::Fake(_) | Self::Password(_) | Self::SshKey(_) | Self::Uuid => Vec::new(),
        }
    }

    /// Trust policies of assumed roles can tell tenants apart by the names that sessions carry.
    fn tells_tenants_apart(&self) -> bool {
        self.aws().is_some_and(|aws| aws.role.is_some())
    }

    fn identity(&self) -> Identity<'_> {
        match self.aws() {
            Some(AwsIdentitySpec { auth: AwsAuth::Ambient, role, .. }) => match role {
                Some(role) => Identity::Roles(vec![role]),
                None => Identity::Pawls,
            },
            _ => Identity::Own,
        }
    }

    fn claims(&self) -> Claims<'_> {
        let values = match self {
            Self::Fake(fake) => Some(fake.data.as_slice()),
            _ => None,
        };
        let (region, server) = (self.aws().map(|aws| aws.region.as_str()), self.server());
        Claims { region, server, authority: None, headers: None, values, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        match self {
            Self::Fake(fake) => {
                fake.data.clear();
                true
            }
            _ => false,
        }
    }
}
