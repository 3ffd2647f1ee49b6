//! `spec.provider.vault`: KV engines, and whatever else answers a read.

mod spec;

use super::{AwsAuth, Backend, Headers, OpenBaoStore, SecretKeyRef};
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

impl Backend {
    /// How a server's KV engine is read, where the store is one.
    pub fn as_engine(&self) -> Option<&VaultStore> {
        self.as_vault().or_else(|| self.as_open_bao().map(OpenBaoStore::engine))
    }
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
