//! `spec.provider.vault` and `spec.provider.openBao`: KV engines, and whatever else answers a read.

use super::{AwsAuth, Headers, SecretKeyRef};
use crate::declaration::Find;
use crate::key::{Location, Provider};
use crate::name::{Namespace, ObjectName};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `spec.provider.vault` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct VaultStore {
    /// The server's address, such as `https://vault.example.com:8200`.
    pub server: String,
    /// The mount of the engine, without slashes around it; absent when each key begins with its mount.
    pub path: Option<String>,
    /// The KV engine's version.
    pub version: KvVersion,
    /// The namespace that keys are read in.
    pub namespace: Option<String>,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
    /// The client certificate of every connection, `tls`.
    pub client_certificate: Option<ClientCertificate>,
    /// Headers of every request.
    pub headers: Headers,
    /// `readYourWrites`.
    pub read_your_writes: bool,
    /// `forwardInconsistent`: reads that a standby cannot answer consistently go on to the active node.
    pub forward_inconsistent: bool,
    /// How a token is had; without it requests carry none.
    pub auth: Option<VaultAuth>,
    /// The namespace to log in at, where it is not that of the keys.
    pub auth_namespace: Option<String>,
    /// `retrySettings.maxRetries`; the adapter's default where it is absent.
    pub max_retries: Option<u32>,
}

/// The KV engine's version. Version 1 reads any engine that answers a plain read.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum KvVersion {
    /// Unversioned.
    V1,
    /// Versioned.
    #[default]
    V2,
}

/// Where CA certificates stand in the target cluster.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum CaProvider {
    /// In a Secret.
    Secret(SecretKeyRef),
    /// In a ConfigMap.
    ConfigMap(SecretKeyRef),
}

/// A client certificate and its key, as PEM in Secrets of the target cluster.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ClientCertificate {
    /// The certificate.
    pub certificate: SecretKeyRef,
    /// The key.
    pub key: SecretKeyRef,
}

/// How a token is had. `path` is the mount of the auth method.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum VaultAuth {
    /// `tokenSecretRef`: the token itself.
    Token(SecretKeyRef),
    /// `appRole`.
    AppRole {
        /// The mount.
        path: String,
        /// Which role.
        role_id: RoleId,
        /// The secret id.
        secret_id: SecretKeyRef,
    },
    /// `kubernetes`.
    Kubernetes {
        /// The mount.
        path: String,
        /// The role.
        role: String,
        /// What proves the identity.
        proof: VaultProof,
    },
    /// `ldap`.
    Ldap {
        /// The mount.
        path: String,
        /// The user.
        username: String,
        /// The password.
        password: SecretKeyRef,
    },
    /// `userPass`.
    UserPass {
        /// The mount.
        path: String,
        /// The user.
        username: String,
        /// The password.
        password: SecretKeyRef,
    },
    /// `jwt`.
    Jwt {
        /// The mount.
        path: String,
        /// The role.
        role: Option<String>,
        /// What proves the identity.
        proof: VaultProof,
    },
    /// `cert`: the client certificate of the login itself.
    Cert {
        /// The mount.
        path: String,
        /// `vaultRole`.
        role: Option<String>,
        /// The certificate.
        certificate: ClientCertificate,
    },
    /// `iam`.
    Iam(VaultIamAuth),
    /// `gcp`.
    Gcp(VaultGcpAuth),
}

/// `roleId` and `roleRef` of the `appRole` method, in ESO's order of precedence.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum RoleId {
    /// The id itself.
    Given(String),
    /// The id stands in a Secret.
    Secret(SecretKeyRef),
}

/// What proves an identity to the `kubernetes` and `jwt` methods.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum VaultProof {
    /// A token that stands in a Secret.
    Secret(SecretKeyRef),
    /// A token of a service account, made for the login.
    ServiceAccount {
        /// The service account.
        name: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// The token's audiences.
        audiences: Vec<String>,
        /// How long it is asked to live. It is used at once, so adapters may ask for less.
        lifetime: Option<Duration>,
    },
}

/// `auth.iam`: an AWS identity.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct VaultIamAuth {
    /// The mount.
    pub path: String,
    /// The region of the signed request.
    pub region: String,
    /// `vaultRole`.
    pub vault_role: String,
    /// The AWS role to assume first, `role`.
    pub role: Option<String>,
    /// `externalID` given with it.
    pub external_id: Option<String>,
    /// `vaultAwsIamServerID`, a header that the server may require.
    pub server_id: Option<String>,
    /// Where the AWS identity comes from.
    pub identity: AwsAuth,
}

/// `auth.gcp`: a Google Cloud identity.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct VaultGcpAuth {
    /// The mount.
    pub path: String,
    /// The role.
    pub role: String,
    /// The service account key, as JSON in a Secret. Without it the ambient identity is used.
    pub key: Option<SecretKeyRef>,
}

impl VaultStore {
    /// The mount of the engine, without slashes around it.
    pub fn mount(&self) -> Option<&str> {
        self.path.as_deref().map(bare).filter(|path| !path.is_empty())
    }

    /// The namespace that keys are read in, without slashes around it; `None` is the root namespace.
    pub fn key_namespace(&self) -> Option<&str> {
        self.namespace.as_deref().map(bare).filter(|namespace| !namespace.is_empty())
    }

    /// The part of [`Store::remote_key`](super::Store::remote_key) below the mount, or behind the namespace where the
    /// store names no mount.
    pub fn local_key<'a>(&self, remote: &'a str) -> &'a str {
        [self.key_namespace(), self.mount()]
            .into_iter()
            .flatten()
            .fold(bare(remote), |rest, root| below(rest, root).unwrap_or(rest))
    }

    /// Why a search cannot be made in this store, with what to write instead; `None` when it can. Source: ESO's Vault
    /// provider, which takes the mount from `find.path` where the store names none.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        let start = find.path.as_deref().map(bare).unwrap_or_default();
        match (self.version, self.mount()) {
            (KvVersion::V1, _) if !find.tags.is_empty() => Some("KV version 1 has no tags; search by name"),
            (KvVersion::V1, None) if start.is_empty() => {
                Some("the store names no mount; begin find.path with it, or set the store's path")
            }
            (KvVersion::V2, None) if Self::mount_of(start).is_none() => Some(
                "the store names no mount; write find.path as <mount>/data/<folder>, or set the store's path",
            ),
            _ => None,
        }
    }

    /// The mount of KV version 2 and what is below it, of a path that has the API's `data` between them.
    pub fn mount_of(path: &str) -> Option<(&str, &str)> {
        path.split_once("/data/").or_else(|| Some((path.strip_suffix("/data")?, "")))
    }

    /// Whether an AWS role is assumed to log in.
    pub(super) fn assumes_role(&self) -> bool {
        matches!(&self.auth, Some(VaultAuth::Iam(iam)) if iam.role.is_some())
    }

    pub(super) fn location(&self) -> Location {
        let address = self.server.trim_end_matches('/').to_ascii_lowercase();
        Location { provider: Provider::Vault, region: String::new(), account: Some(address) }
    }

    /// `<namespace>/<mount>/<path>`, as audit records name it as well. A key without a mount beside it is kept as it is
    /// declared: which of its parts is the `data` of KV version 2, the index tries both ways.
    pub(super) fn remote_key(&self, key: &str) -> String {
        let key = bare(key);
        match self.mount() {
            Some(mount) => self.in_namespace(&format!("{mount}/{}", self.within(mount, key))),
            None => self.in_namespace(key),
        }
    }

    /// Source: ESO strips a mount that a key begins with, and in KV version 2 the `data/` behind it.
    fn within<'a>(&self, mount: &str, key: &'a str) -> &'a str {
        let Some(rest) = below(key, mount) else { return key };
        match self.version {
            KvVersion::V2 => rest.strip_prefix("data/").unwrap_or(rest),
            KvVersion::V1 => rest,
        }
    }

    fn in_namespace(&self, within: &str) -> String {
        self.key_namespace().map_or_else(|| within.to_owned(), |namespace| format!("{namespace}/{within}"))
    }

    /// Whether a search may find this name, `<namespace>/<mount>/<path>`. The pattern sees what ESO calls the key:
    /// `find.path` as it is written, and what is below it.
    pub(super) fn finds(&self, find: &Find, named: impl Fn(&str) -> bool, name: &str) -> bool {
        let Some(mount) = self.mount() else { return self.finds_without_mount(find, named, name) };
        let Some(path) = below(bare(name), &self.in_namespace(mount)) else { return false };
        let key = match find.path.as_deref() {
            None => path.to_owned(),
            Some(start) if bare(start).is_empty() => format!("{start}/{path}"),
            Some(start) => match below(path, bare(start)) {
                Some(rest) => format!("{start}/{rest}"),
                None => return false,
            },
        };
        named(&key)
    }

    /// The same in a store without a mount, where `find.path` begins with it. Senders leave out the `data` of KV version 2.
    fn finds_without_mount(&self, find: &Find, named: impl Fn(&str) -> bool, name: &str) -> bool {
        let Some(path) = find.path.as_deref() else { return false };
        let told = match (self.version, Self::mount_of(bare(path))) {
            (KvVersion::V2, Some((mount, ""))) => mount.to_owned(),
            (KvVersion::V2, Some((mount, folder))) => format!("{mount}/{folder}"),
            (KvVersion::V2, None) => return false,
            (KvVersion::V1, _) => bare(path).to_owned(),
        };
        [told.as_str(), bare(path)]
            .into_iter()
            .filter_map(|start| below(bare(name), &self.in_namespace(start)))
            .any(|rest| named(&format!("{path}/{rest}")))
    }

    /// The namespaces of the Secrets and service accounts that the connection needs; `None` is the declaration's.
    pub(super) fn proofs(&self) -> Vec<Option<&Namespace>> {
        let mut secrets: Vec<&SecretKeyRef> = Vec::new();
        let mut proofs = Vec::new();
        match &self.ca_provider {
            Some(CaProvider::Secret(at) | CaProvider::ConfigMap(at)) => secrets.push(at),
            None => {}
        }
        let mut certificates: Vec<&ClientCertificate> = self.client_certificate.iter().collect();
        match &self.auth {
            None => {}
            Some(VaultAuth::Token(at)) => secrets.push(at),
            Some(VaultAuth::AppRole { role_id, secret_id, .. }) => {
                if let RoleId::Secret(at) = role_id {
                    secrets.push(at);
                }
                secrets.push(secret_id);
            }
            Some(VaultAuth::Kubernetes { proof, .. } | VaultAuth::Jwt { proof, .. }) => match proof {
                VaultProof::Secret(at) => secrets.push(at),
                VaultProof::ServiceAccount { namespace, .. } => proofs.push(namespace.as_ref()),
            },
            Some(VaultAuth::Ldap { password, .. } | VaultAuth::UserPass { password, .. }) => {
                secrets.push(password);
            }
            Some(VaultAuth::Cert { certificate, .. }) => certificates.push(certificate),
            Some(VaultAuth::Iam(iam)) => proofs.extend(iam.identity.proofs()),
            Some(VaultAuth::Gcp(gcp)) => secrets.extend(&gcp.key),
        }
        secrets.extend(certificates.into_iter().flat_map(|each| [&each.certificate, &each.key]));
        proofs.extend(secrets.into_iter().map(|at| at.namespace.as_ref()));
        proofs
    }
}

/// A path without slashes around it.
fn bare(path: &str) -> &str {
    path.trim_matches('/')
}

/// What of a path is below another one.
fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    path.strip_prefix(root)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(namespace: Option<&str>, path: Option<&str>, version: KvVersion) -> VaultStore {
        let text = |text: Option<&str>| text.map(str::to_owned);
        VaultStore { namespace: text(namespace), path: text(path), version, ..VaultStore::default() }
    }

    #[test]
    fn keys_are_named_by_namespace_mount_and_path() {
        use KvVersion::{V1, V2};
        for (namespace, path, version, declared, remote, local) in [
            (None, Some("secret"), V2, "app/db", "secret/app/db", "app/db"),
            (None, Some("secret"), V2, "secret/app/db", "secret/app/db", "app/db"),
            (None, Some("secret"), V2, "secret/data/app/db", "secret/app/db", "app/db"),
            (None, Some("secret"), V2, "data/app", "secret/data/app", "data/app"),
            (None, Some("/team/kv/"), V2, "/team/kv/data/app/", "team/kv/app", "app"),
            (None, Some("secret"), V1, "secret/data/app", "secret/data/app", "data/app"),
            (Some("ns1"), Some("secret"), V2, "app", "ns1/secret/app", "app"),
            (
                Some("/ns1/ns2/"),
                None,
                V1,
                "database/creds/app",
                "ns1/ns2/database/creds/app",
                "database/creds/app",
            ),
            (None, None, V2, "team/kv/data/app", "team/kv/data/app", "team/kv/data/app"),
            (None, None, V2, "secret/app", "secret/app", "secret/app"),
        ] {
            let store = store(namespace, path, version);
            assert_eq!(store.remote_key(declared), remote, "{namespace:?} {path:?} {declared}");
            assert_eq!(store.local_key(remote), local, "{namespace:?} {path:?} {remote}");
        }
    }

    #[test]
    fn a_key_and_the_audit_record_of_it_meet() {
        for (path, declared) in [
            (Some("secret"), "app/db"),
            (Some("secret"), "secret/data/app/db"),
            (None, "secret/app/db"),
            (None, "secret/data/app/db"),
        ] {
            let store = store(Some("ns1"), path, KvVersion::V2);
            let at = store.location();
            let declared = at.index_keys(&store.remote_key(declared));
            assert!(!declared.is_disjoint(&at.index_keys("ns1/secret/app/db")), "{path:?} {declared:?}");
            assert!(declared.is_disjoint(&at.index_keys("secret/app/db")), "of another namespace");
        }
    }

    #[test]
    fn searches_see_the_keys_that_eso_makes() {
        let find = |path: Option<&str>, name: &str| Find {
            path: path.map(str::to_owned),
            name: Some(name.to_owned()),
            ..Find::default()
        };
        let store = store(Some("ns1"), Some("secret"), KvVersion::V2);
        let backend = crate::store::Backend::Vault(Box::new(store));
        for (path, pattern, name, found) in [
            (None, "^app/", "ns1/secret/app/db", true),
            (None, "^db", "ns1/secret/app/db", false),
            (None, "app", "ns1/other/app", false),
            (None, "app", "secret/app", false),
            (Some("app"), "^app/db$", "ns1/secret/app/db", true),
            (Some("app"), "db", "ns1/secret/apples/db", false),
            (Some("/app"), "^/app/db$", "ns1/secret/app/db", true),
            (Some("app"), "(", "ns1/secret/app/db", true),
        ] {
            let find = find(path, pattern);
            assert_eq!(backend.search(&find).finds(name), found, "{path:?} {pattern} {name}");
        }
    }

    #[test]
    fn without_a_mount_a_search_begins_with_it() {
        use KvVersion::{V1, V2};
        let of = |version, path: Option<&str>| {
            let find =
                Find { path: path.map(str::to_owned), name: Some("db$".to_owned()), ..Find::default() };
            (store(Some("ns1"), None, version), find)
        };
        for (version, path, name, found) in [
            (V2, "my_data/data/apps", "ns1/my_data/apps/db", true),
            (V2, "my_data/data/apps", "ns1/my_data/data/apps/db", true),
            (V2, "my_data/data/apps", "ns1/my_data/apps/x/db", true),
            (V2, "my_data/data/apps", "ns1/my_data/other/db", false),
            (V2, "my_data/data/apps", "my_data/apps/db", false),
            (V2, "kv/data", "ns1/kv/db", true),
            (V2, "kv/data", "ns1/kv/web", false),
            (V1, "kv/apps", "ns1/kv/apps/db", true),
            (V1, "kv/apps", "ns1/kv/db", false),
        ] {
            let (store, find) = of(version, Some(path));
            assert_eq!(store.refuses(&find), None, "{path}");
            let backend = crate::store::Backend::Vault(Box::new(store));
            assert_eq!(backend.search(&find).finds(name), found, "{path} {name}");
        }
        for (version, path, said) in [
            (V2, None, "<mount>/data/<folder>"),
            (V2, Some("apps"), "<mount>/data/<folder>"),
            (V2, Some("my_data/apps"), "<mount>/data/<folder>"),
            (V1, None, "begin find.path with it"),
            (V1, Some("/"), "begin find.path with it"),
        ] {
            let (store, find) = of(version, path);
            assert!(store.refuses(&find).unwrap().contains(said), "{path:?}");
            let backend = crate::store::Backend::Vault(Box::new(store));
            assert!(!backend.search(&find).finds("ns1/kv/db") || path == Some("/"), "{path:?}");
        }
    }
}
