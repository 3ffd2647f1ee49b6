//! Generators: what makes values instead of reading them. A generator has no keys, no versions and no events; what it made
//! is written to the target and kept nowhere else.
//!
//! An object of ESO's group `generators.external-secrets.io` is a [`Store`](crate::Store) whose backend is one of these, so
//! that it is registered, applied, pruned and governed by policies as stores are. A declaration asks it by
//! [`Query::Generate`](crate::Query::Generate).

mod acr;
mod aws;
mod federated;
mod github;
mod kind;
mod mfa;
mod password;
mod ssh_key;
mod vault;

pub use acr::AcrGenerator;
pub use aws::{AwsIdentitySpec, EcrGenerator, StsGenerator};
pub use federated::{CloudsmithGenerator, QuayGenerator, ShownAccount};
pub use github::GithubGenerator;
pub use kind::GeneratorKind;
pub use mfa::{Code, InvalidSeed, MfaGenerator};
pub use password::{Encoding, NoPassword, PasswordGenerator};
pub use ssh_key::{Curve, SshKeyGenerator, SshKeyType};
pub use vault::{VaultGenerator, VaultMethod, VaultResult};

use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use crate::store::{AwsAuth, Claims, FakeStore, GcpStore, Identity, Spec, WebhookStore};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a generator makes, and how. Source: ESO's generators, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Generator {
    /// A token of Azure's container registries.
    Acr(Box<AcrGenerator>),
    /// A token of Cloudsmith.
    Cloudsmith(CloudsmithGenerator),
    /// A password of Amazon's container registries.
    Ecr(EcrGenerator),
    /// What stands in its manifest.
    Fake(FakeStore),
    /// A token of Google's container registries, had with the identity of a store of this kind.
    Gcr(Box<GcpStore>),
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
    /// What an engine of Vault makes.
    Vault(Box<VaultGenerator>),
    /// The answer of an API that is asked over HTTP, as a store of that kind is, but for no key.
    Webhook(Box<WebhookStore>),
}

/// How long Google's tokens are good where nothing else is said.
const GCP_LIFETIME: Duration = Duration::from_secs(3600);

impl Generator {
    /// The kind of its manifest; of a ClusterGenerator the kind that it holds.
    pub fn kind(&self) -> GeneratorKind {
        match self {
            Self::Acr(_) => GeneratorKind::AcrAccessToken,
            Self::Cloudsmith(_) => GeneratorKind::CloudsmithAccessToken,
            Self::Ecr(_) => GeneratorKind::EcrAuthorizationToken,
            Self::Fake(_) => GeneratorKind::Fake,
            Self::Gcr(_) => GeneratorKind::GcrAccessToken,
            Self::Github(_) => GeneratorKind::GithubAccessToken,
            Self::Mfa(_) => GeneratorKind::Mfa,
            Self::Password(_) => GeneratorKind::Password,
            Self::Quay(_) => GeneratorKind::QuayAccessToken,
            Self::SshKey(_) => GeneratorKind::SshKey,
            Self::Sts(_) => GeneratorKind::StsSessionToken,
            Self::Uuid => GeneratorKind::Uuid,
            Self::Vault(_) => GeneratorKind::VaultDynamicSecret,
            Self::Webhook(_) => GeneratorKind::Webhook,
        }
    }

    /// The keys of what it makes; `None` where only its server knows them.
    pub fn keys(&self) -> Option<Vec<&str>> {
        Some(match self {
            Self::Acr(_) => vec!["username", "password"],
            Self::Cloudsmith(_) => vec!["auth", "expiry"],
            Self::Ecr(ecr) if ecr.public => vec!["username", "password", "expires_at"],
            Self::Ecr(_) => vec!["username", "password", "proxy_endpoint", "expires_at"],
            Self::Fake(fake) => fake.data.iter().map(|entry| entry.key.as_str()).collect(),
            Self::Gcr(_) => vec!["username", "password", "expiry"],
            Self::Github(_) => vec!["token"],
            Self::Quay(_) => vec!["registry", "auth", "expiry"],
            Self::Sts(_) => vec!["access_key_id", "secret_access_key", "session_token", "expiration"],
            Self::Mfa(_) => vec!["token", "timeLeft"],
            Self::Password(password) => password.keys.iter().map(String::as_str).collect(),
            Self::SshKey(_) => vec!["privateKey", "publicKey"],
            Self::Uuid => vec!["uuid"],
            Self::Vault(_) | Self::Webhook(_) => return None,
        })
    }

    /// How long what it makes is good for, as far as its manifest or its server's manual tells: where `refreshInterval` is
    /// longer, it is looked at more often, whether something must be made anew.
    pub fn lifetime(&self) -> Option<Duration> {
        match self {
            Self::Ecr(_) => Some(EcrGenerator::LIFETIME),
            Self::Github(_) => Some(GithubGenerator::LIFETIME),
            Self::Mfa(mfa) => mfa.lifetime(),
            Self::Sts(sts) => Some(sts.lifetime()),
            Self::Acr(_) => Some(AcrGenerator::LIFETIME),
            Self::Gcr(_) => Some(GCP_LIFETIME),
            // They tell it with each token.
            Self::Cloudsmith(_) | Self::Quay(_) => Some(ShownAccount::LIFETIME),
            Self::Vault(_) => Some(VaultGenerator::LIFETIME),
            Self::Fake(_) | Self::Password(_) | Self::SshKey(_) | Self::Uuid | Self::Webhook(_) => None,
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

    /// The store of the server that it asks, where it asks it as a store is asked: with the same identity, under the same rules.
    fn asked_as(&self) -> Option<&dyn Spec> {
        match self {
            Self::Acr(acr) => Some(&acr.server),
            Self::Gcr(gcp) => Some(gcp.as_ref()),
            Self::Vault(vault) => Some(&vault.server),
            Self::Webhook(webhook) => Some(webhook.as_ref()),
            _ => None,
        }
    }
}

impl Spec for Generator {
    fn location(&self) -> Location {
        // Who is asked, so that one that does not answer holds up no other.
        let aws = || self.aws().map(|aws| format!("aws in {}", aws.region));
        let server = || self.server().map(|url| url.trim_end_matches('/').to_ascii_lowercase());
        let account = self.asked_as().and_then(|store| store.location().account);
        let account = account.or_else(server).or_else(aws);
        Location { provider: Provider::Generator, region: String::new(), account }
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
        if let Some(store) = self.asked_as() {
            return store.proofs();
        }
        match self {
            Self::Github(github) => vec![github.private_key.namespace.as_ref()],
            Self::Mfa(mfa) => vec![mfa.seed.namespace.as_ref()],
            Self::Cloudsmith(_) | Self::Quay(_) => vec![None],
            Self::Ecr(_) | Self::Sts(_) => self.aws().map(|aws| aws.auth.proofs()).unwrap_or_default(),
            Self::Fake(_) | Self::Password(_) | Self::SshKey(_) | Self::Uuid => Vec::new(),
            Self::Acr(_) | Self::Gcr(_) | Self::Vault(_) | Self::Webhook(_) => Vec::new(),
        }
    }

    /// Trust policies of assumed roles can tell tenants apart by the names that sessions carry.
    fn tells_tenants_apart(&self) -> bool {
        self.aws().is_some_and(|aws| aws.role.is_some())
            || self.asked_as().is_some_and(|store| store.tells_tenants_apart())
    }

    fn identity(&self) -> Identity<'_> {
        if let Some(store) = self.asked_as() {
            return store.identity();
        }
        match self.aws() {
            Some(AwsIdentitySpec { auth: AwsAuth::Ambient, role, .. }) => match role {
                Some(role) => Identity::Roles(vec![role]),
                None => Identity::Pawls,
            },
            _ => Identity::Own,
        }
    }

    fn claims(&self) -> Claims<'_> {
        if let Some(store) = self.asked_as() {
            return store.claims();
        }
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
