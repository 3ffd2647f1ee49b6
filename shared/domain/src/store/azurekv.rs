//! `spec.provider.azurekv`: the secrets, keys and certificates of a vault.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::grant::Origin;
use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::azurekv::{self, CERTIFICATE, KEY, SECRET};
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.azurekv` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AzureKvStore {
    /// The vault's address, such as `https://team.vault.azure.net`.
    pub vault_url: String,
    /// The cloud that the vault is in.
    pub cloud: AzureCloud,
    /// Where tokens are asked for, if not where the cloud gives them out: `customCloudConfig.activeDirectoryEndpoint`.
    pub authority: Option<String>,
    /// The identity.
    pub auth: AzureAuth,
    /// `useAzureSDK`. The newer of ESO's two clients knows no times among tags, and writes the members of keys in
    /// another order.
    pub use_azure_sdk: bool,
}

/// `environmentType`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum AzureCloud {
    /// `PublicCloud`.
    Public,
    /// `USGovernmentCloud`.
    UsGovernment,
    /// `ChinaCloud`.
    China,
    /// `GermanCloud`, which was closed in 2021.
    German,
    /// `AzureStackCloud`: one that the store describes itself.
    Stack,
}

/// What proves the identity.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum AzureAuth {
    /// A service principal that knows a secret.
    Secret {
        /// `tenantId`.
        tenant: String,
        /// `authSecretRef.clientId`.
        client_id: SecretKeyRef,
        /// `authSecretRef.clientSecret`.
        client_secret: SecretKeyRef,
    },
    /// A service principal that has a certificate.
    Certificate {
        /// `tenantId`.
        tenant: String,
        /// `authSecretRef.clientId`.
        client_id: SecretKeyRef,
        /// `authSecretRef.clientCertificate`: certificate and key.
        certificate: SecretKeyRef,
    },
    /// A service account of the target cluster, which Entra ID trusts (workload identity).
    ServiceAccount {
        /// The service account's name.
        name: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// Further audiences of its token.
        audiences: Vec<String>,
        /// `authSecretRef.clientId`; without it an annotation of the service account says which client it is.
        client_id: Option<SecretKeyRef>,
        /// `authSecretRef.tenantId`, which counts before `tenantId`.
        tenant_ref: Option<SecretKeyRef>,
        /// `tenantId`; without any an annotation says it.
        tenant: Option<String>,
    },
}

/// The kinds of object in a vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AzureObject {
    /// A secret.
    Secret,
    /// A key, of which the public part is given out.
    Key,
    /// A certificate, without its private key.
    Certificate,
}

impl AzureObject {
    /// The kind and the name that a key means; `None` for a kind that no vault has.
    pub fn of_key(key: &str) -> Option<(Self, &str)> {
        let (kind, name) = azurekv::object(key);
        let kind = match kind {
            SECRET => Self::Secret,
            KEY => Self::Key,
            CERTIFICATE => Self::Certificate,
            _ => return None,
        };
        Some((kind, name))
    }

    /// The key of an object of this kind, as declarations, listings and senders write it.
    pub fn key(self, name: &str) -> String {
        match self {
            Self::Secret => name.to_owned(),
            Self::Key => format!("{KEY}/{name}"),
            Self::Certificate => format!("{CERTIFICATE}/{name}"),
        }
    }
}

impl AzureCloud {
    /// The domain of its vaults; `None` where only the store's owner knows.
    pub fn vault_domain(self) -> Option<&'static str> {
        match self {
            Self::Public => Some("vault.azure.net"),
            Self::UsGovernment => Some("vault.usgovcloudapi.net"),
            Self::China => Some("vault.azure.cn"),
            Self::German => Some("vault.microsoftazure.de"),
            Self::Stack => None,
        }
    }
}

impl AzureKvStore {
    /// What tells vaults apart: the address without case, path and the port that goes without saying. Stores and senders
    /// write it in several ways.
    pub fn vault(address: &str) -> Option<String> {
        let origin = Origin::of(address)?;
        let (scheme, _) = address.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let usual = if scheme == "https" { 443 } else { 80 };
        let whole = origin.to_string();
        let shown = if origin.port == usual { whole.rsplit_once(':')?.0 } else { whole.as_str() };
        Some(format!("{scheme}://{shown}"))
    }

    /// Whether a text can be the id of a version.
    pub fn is_version(text: &str) -> bool {
        azurekv::is_version(text)
    }

    /// Why a search cannot be made in a vault, with what to write instead; `None` when it can.
    pub fn refuses(find: &Find) -> Option<&'static str> {
        find.path
            .is_some()
            .then_some("a vault has no folders; leave find.path out, and write find.name.regexp")
    }
}

impl Spec for AzureKvStore {
    fn location(&self) -> Location {
        let vault = Self::vault(&self.vault_url).unwrap_or_else(|| self.vault_url.to_ascii_lowercase());
        Location { provider: Provider::AzureKv, region: String::new(), account: Some(vault) }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::AzureKv.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        azurekv::plain(key)
    }

    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        azurekv::object(key).1.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        azurekv::plain(key)
    }

    /// Searches look at secrets alone.
    fn finds(&self, _: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        !name.contains('/') && named(name)
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(find)
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        match &self.auth {
            AzureAuth::Secret { client_id, client_secret: proof, .. }
            | AzureAuth::Certificate { client_id, certificate: proof, .. } => {
                [client_id, proof].map(|at| at.namespace.as_ref()).to_vec()
            }
            AzureAuth::ServiceAccount { namespace, client_id, tenant_ref, .. } => {
                let secrets = client_id.iter().chain(tenant_ref).map(|at| at.namespace.as_ref());
                std::iter::once(namespace.as_ref()).chain(secrets).collect()
            }
        }
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let server = Some(self.vault_url.as_str());
        Claims {
            region: None,
            server,
            authority: self.authority.as_deref(),
            headers: None,
            values: None,
            is_refused: false,
        }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    fn store(vault_url: &str) -> Backend {
        AzureKvStore {
            vault_url: vault_url.to_owned(),
            cloud: AzureCloud::Public,
            authority: None,
            auth: AzureAuth::ServiceAccount {
                name: "pawl".parse().unwrap(),
                namespace: None,
                audiences: Vec::new(),
                client_id: None,
                tenant_ref: None,
                tenant: None,
            },
            use_azure_sdk: false,
        }
        .into()
    }

    #[test]
    fn a_vault_is_one_however_it_is_written() {
        for (written, vault) in [
            ("https://team.vault.azure.net", Some("https://team.vault.azure.net")),
            ("https://TEAM.vault.azure.net/", Some("https://team.vault.azure.net")),
            ("HTTPS://team.vault.azure.net:443/secrets", Some("https://team.vault.azure.net")),
            ("https://team.vault.azure.net:8443", Some("https://team.vault.azure.net:8443")),
            ("http://127.0.0.1:80", Some("http://127.0.0.1")),
            ("http://[::1]:8080/", Some("http://[::1]:8080")),
            ("team.vault.azure.net", None),
        ] {
            assert_eq!(AzureKvStore::vault(written).as_deref(), vault, "{written}");
        }
    }

    #[test]
    fn keys_meet_whatever_their_case_and_prefix() {
        let store = store("https://team.vault.azure.net");
        let at = store.location();
        for (declared, changed) in [("secret/X", "x"), ("X", "secret/x/y"), ("key/A", "key/a")] {
            assert_eq!(at.index_keys(declared), at.index_keys(changed), "{declared} {changed}");
        }
        assert_ne!(at.index_keys("key/x"), at.index_keys("x"), "a key and a secret may share a name");
        assert_eq!(store.spec().remote_key("secret/Db/tail"), "Db");
        assert_eq!(store.spec().remote_key("cert/Tls"), "cert/Tls");
        assert_eq!(store.found_name("secret/Db"), "Db");
    }

    #[test]
    fn searches_look_at_secrets_and_know_no_folders() {
        let store = store("https://team.vault.azure.net");
        let find = Find { name: Some("^d".to_owned()), ..Find::default() };
        let search = store.search(&find);
        assert!(search.finds("db") && !search.finds("web") && !search.finds("key/db"));
        assert_eq!(store.refuses(&find), None);
        assert!(store.refuses(&Find { path: Some("d".to_owned()), ..find }).is_some());
    }
}
