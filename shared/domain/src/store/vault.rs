//! `spec.provider.vault` and `spec.provider.openBao`: KV engines, and whatever else answers a read.

use super::{AwsAuth, SecretKeyRef};
use crate::declaration::Find;
use crate::key::{Location, Provider};
use crate::name::{Namespace, ObjectName};
use pawl_golang::regexp::Regexp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// `spec.provider.vault` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
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
    pub headers: BTreeMap<String, String>,
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
        /// `roleId`, or where it stands: exactly one of both.
        role_id: Result<String, SecretKeyRef>,
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
        /// How long it lives.
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
    pub(super) fn location(&self) -> Location {
        let address = self.server.trim_end_matches('/').to_ascii_lowercase();
        Location { provider: Provider::Vault, region: String::new(), account: Some(address) }
    }

    /// `<namespace>/<mount>/<path>`, without the `data/` of KV version 2: what audit records name as well.
    pub(super) fn remote_key(&self, key: &str) -> String {
        let key = key.trim_matches('/');
        let within = match self.mount() {
            Some(mount) => format!("{mount}/{}", self.within_mount(key)),
            None if self.version == KvVersion::V2 => key.replacen("/data/", "/", 1),
            None => key.to_owned(),
        };
        self.in_namespace(&within)
    }

    /// The part of a key below the mount. Source: ESO strips a mount that the key begins with, and in KV version 2 the
    /// `data/` behind it.
    pub fn within_mount<'a>(&self, key: &'a str) -> &'a str {
        let Some(mount) = self.mount() else { return key };
        let Some(rest) = key.strip_prefix(mount).and_then(|rest| rest.strip_prefix('/')) else { return key };
        match self.version {
            KvVersion::V2 => rest.strip_prefix("data/").unwrap_or(rest),
            KvVersion::V1 => rest,
        }
    }

    fn mount(&self) -> Option<&str> {
        self.path.as_deref().map(|path| path.trim_matches('/')).filter(|path| !path.is_empty())
    }

    fn in_namespace(&self, within: &str) -> String {
        match self.namespace.as_deref().map(|namespace| namespace.trim_matches('/')) {
            Some(namespace) if !namespace.is_empty() => format!("{namespace}/{within}"),
            _ => within.to_owned(),
        }
    }

    /// Names are `<namespace>/<mount>/<path>`; the pattern sees the path below the mount.
    pub(super) fn finds(&self, find: &Find, name: &str) -> bool {
        let root = self.in_namespace(self.mount().unwrap_or_default());
        let Some(path) = name.trim_matches('/').strip_prefix(root.trim_end_matches('/')) else {
            return false;
        };
        let path = path.trim_start_matches('/');
        let below = find.path.as_deref().unwrap_or_default().trim_matches('/');
        let in_path = below.is_empty() || path.strip_prefix(below).is_some_and(|rest| rest.starts_with('/'));
        let pattern = find.name.as_deref().map(Regexp::new);
        in_path && pattern.is_none_or(|pattern| pattern.map_or(true, |pattern| pattern.is_match(path)))
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
                secrets.extend(role_id.as_ref().err());
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
