//! Kinds of store, and what is particular to each.
//!
//! Everything that differs by provider and needs no I/O stands in its [`Profile`], one file each. No other code asks
//! which provider it has to do with (`tests/scenarios/tests/tidy.rs` looks for it): it asks the profile. So a new provider
//! cannot be forgotten anywhere: a profile that lacks an answer does not compile. What its manifest adds to that is in
//! [`store`](crate::store), by the same rule.

mod arn;
pub(crate) mod azurekv;
mod barbican;
mod beyondtrust;
mod beyondtrust_workload_credentials;
pub(crate) mod bitwarden;
mod capabilities;
mod chef;
pub(crate) mod conjur;
mod crd;
mod delinea;
mod doppler;
mod dvls;
mod fake;
mod fortanix;
mod gcpsm;
mod generator;
pub(crate) mod gitlab;
pub(crate) mod ibm;
mod infisical;
mod kubernetes;
mod one_password;
mod open_bao;
mod oracle;
mod ovh;
mod parameter_store;
mod password_depot;
mod previder;
mod profile;
mod pulumi;
mod scaleway;
mod secret_server;
pub(crate) mod secrets_manager;
mod selector;
mod senhasegura;
mod vault;
mod volcengine;
mod webhook;
mod yandex_certificate_manager;
mod yandex_lockbox;

pub use arn::Arn;
pub use capabilities::{Capabilities, Changes, SweepCost};
pub use profile::{Extract, Lookup, Order, Place, Profile, SpecName};
pub use secret_server::SecretServerKey;
pub use selector::VersionSelector;

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of store that Pawl reads.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Azure Key Vault.
    #[serde(rename = "azurekv")]
    AzureKv,
    /// OpenStack Barbican.
    Barbican,
    /// BeyondTrust Password Safe.
    Beyondtrust,
    /// BeyondTrust Workload Credentials.
    BeyondtrustWorkloadCredentials,
    /// Bitwarden Secrets Manager.
    #[serde(rename = "bitwardensecretsmanager")]
    Bitwarden,
    /// Chef Infra Server.
    Chef,
    /// CyberArk Conjur.
    #[serde(rename = "conjur")]
    Conjur,
    /// Objects of any kind of a Kubernetes cluster.
    Crd,
    /// Delinea DevOps Secrets Vault.
    Delinea,
    /// Doppler.
    Doppler,
    /// Devolutions Server.
    Dvls,
    /// A store whose values stand in its manifest.
    Fake,
    /// Fortanix Data Security Manager.
    Fortanix,
    /// Google Secret Manager.
    #[serde(rename = "gcpsm")]
    GcpSecretManager,
    /// What makes values instead of reading them.
    Generator,
    /// GitLab.
    #[serde(rename = "gitlab")]
    GitLab,
    /// IBM Cloud Secrets Manager.
    Ibm,
    /// Infisical.
    Infisical,
    /// Secrets of a Kubernetes cluster.
    Kubernetes,
    /// 1Password, by a Connect server.
    #[serde(rename = "onepassword")]
    OnePassword,
    /// OpenBao.
    #[serde(rename = "openbao")]
    OpenBao,
    /// Oracle Cloud Infrastructure Vault.
    Oracle,
    /// OVHcloud Secret Manager.
    Ovh,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
    /// Password Depot.
    #[serde(rename = "passworddepot")]
    PasswordDepot,
    /// Previder Vault.
    Previder,
    /// Pulumi ESC.
    Pulumi,
    /// Scaleway Secret Manager.
    Scaleway,
    /// Delinea Secret Server and Platform.
    #[serde(rename = "secretserver")]
    SecretServer,
    /// AWS Secrets Manager.
    SecretsManager,
    /// senhasegura DSM.
    Senhasegura,
    /// HashiCorp Vault.
    Vault,
    /// Volcengine KMS.
    Volcengine,
    /// An API that is asked over HTTP.
    Webhook,
    /// Yandex Certificate Manager.
    #[serde(rename = "yandexcertificatemanager")]
    YandexCertificateManager,
    /// Yandex Lockbox.
    #[serde(rename = "yandexlockbox")]
    YandexLockbox,
}

impl Provider {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 36] = [
        Self::AzureKv,
        Self::Barbican,
        Self::Beyondtrust,
        Self::BeyondtrustWorkloadCredentials,
        Self::Bitwarden,
        Self::Chef,
        Self::Conjur,
        Self::Crd,
        Self::Delinea,
        Self::Doppler,
        Self::Dvls,
        Self::Fake,
        Self::Fortanix,
        Self::GcpSecretManager,
        Self::Generator,
        Self::GitLab,
        Self::Ibm,
        Self::Infisical,
        Self::Kubernetes,
        Self::OnePassword,
        Self::OpenBao,
        Self::Oracle,
        Self::Ovh,
        Self::ParameterStore,
        Self::PasswordDepot,
        Self::Previder,
        Self::Pulumi,
        Self::Scaleway,
        Self::SecretServer,
        Self::SecretsManager,
        Self::Senhasegura,
        Self::Vault,
        Self::Volcengine,
        Self::Webhook,
        Self::YandexCertificateManager,
        Self::YandexLockbox,
    ];

    /// What is particular to it.
    pub fn profile(self) -> &'static Profile {
        match self {
            Self::AzureKv => &azurekv::PROFILE,
            Self::Barbican => &barbican::PROFILE,
            Self::Beyondtrust => &beyondtrust::PROFILE,
            Self::BeyondtrustWorkloadCredentials => &beyondtrust_workload_credentials::PROFILE,
            Self::Bitwarden => &bitwarden::PROFILE,
            Self::Chef => &chef::PROFILE,
            Self::Conjur => &conjur::PROFILE,
            Self::Crd => &crd::PROFILE,
            Self::Delinea => &delinea::PROFILE,
            Self::Doppler => &doppler::PROFILE,
            Self::Dvls => &dvls::PROFILE,
            Self::Fake => &fake::PROFILE,
            Self::Fortanix => &fortanix::PROFILE,
            Self::GcpSecretManager => &gcpsm::PROFILE,
            Self::Generator => &generator::PROFILE,
            Self::GitLab => &gitlab::PROFILE,
            Self::Ibm => &ibm::PROFILE,
            Self::Infisical => &infisical::PROFILE,
            Self::Kubernetes => &kubernetes::PROFILE,
            Self::OnePassword => &one_password::PROFILE,
            Self::OpenBao => &open_bao::PROFILE,
            Self::Oracle => &oracle::PROFILE,
            Self::Ovh => &ovh::PROFILE,
            Self::ParameterStore => &parameter_store::PROFILE,
            Self::PasswordDepot => &password_depot::PROFILE,
            Self::Previder => &previder::PROFILE,
            Self::Pulumi => &pulumi::PROFILE,
            Self::Scaleway => &scaleway::PROFILE,
            Self::SecretServer => &secret_server::PROFILE,
            Self::SecretsManager => &secrets_manager::PROFILE,
            Self::Senhasegura => &senhasegura::PROFILE,
            Self::Vault => &vault::PROFILE,
            Self::Volcengine => &volcengine::PROFILE,
            Self::Webhook => &webhook::PROFILE,
            Self::YandexCertificateManager => &yandex_certificate_manager::PROFILE,
            Self::YandexLockbox => &yandex_lockbox::PROFILE,
        }
    }

    /// The provider's name as in index keys, metrics, documents and `pawl.dev` events.
    pub fn as_str(self) -> &'static str {
        self.profile().name
    }

    /// The provider of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_has_one_name() {
        for provider in Provider::ALL {
            assert_eq!(Provider::named(provider.as_str()), Some(provider));
            assert_eq!(
                serde_json::to_value(provider).unwrap(),
                provider.as_str(),
                "in jobs and events as well"
            );
        }
        let mut sorted = Provider::ALL;
        sorted.sort_unstable();
        assert_eq!(sorted, Provider::ALL);
        assert_eq!(Provider::named("Vault"), None);
    }
}
