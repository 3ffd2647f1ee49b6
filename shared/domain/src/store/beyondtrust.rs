//! `spec.provider.beyondtrust`: secrets and managed accounts of BeyondTrust Password Safe.

use super::spec::Served;
use super::{Given, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.beyondtrust` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct BeyondtrustStore {
    /// The address of the API, such as `https://safe.example.com/BeyondTrust/api/public/v3`.
    pub api_url: String,
    /// The version of the API that secrets are asked in; the server's own where it is absent.
    pub api_version: Option<String>,
    /// What keys name.
    pub keys: BeyondtrustKeys,
    /// What stands between the parts of a key.
    pub separator: String,
    /// How the identity is proven.
    pub auth: BeyondtrustAuth,
    /// The client certificate of the connection.
    pub certificate: Option<BeyondtrustCertificate>,
}

/// What keys name in Password Safe.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum BeyondtrustKeys {
    /// Secrets, by the folders that they are in.
    Secrets,
    /// The same, which the server does not decrypt: all but files are empty.
    Encrypted,
    /// Accounts of managed systems.
    ManagedAccounts,
}

/// How an identity is proven to Password Safe.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum BeyondtrustAuth {
    /// By an API key.
    ApiKey(SecretKeyRef),
    /// By a client of OAuth.
    Client {
        /// Its id.
        id: Given,
        /// Its secret.
        secret: SecretKeyRef,
    },
}

/// A client certificate, which is no secret, and its key, which is one.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct BeyondtrustCertificate {
    /// The certificate, as PEM.
    pub certificate: Given,
    /// Its key, as PEM.
    pub key: SecretKeyRef,
}

impl Served for BeyondtrustStore {
    const PROVIDER: Provider = Provider::Beyondtrust;

    fn server(&self) -> &str {
        &self.api_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let auth = match &self.auth {
            BeyondtrustAuth::ApiKey(key) => vec![key],
            BeyondtrustAuth::Client { id, secret } => id.secret().into_iter().chain([secret]).collect(),
        };
        let client = self.certificate.iter();
        let client = client.flat_map(|client| client.certificate.secret().into_iter().chain([&client.key]));
        auth.into_iter().chain(client).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("Password Safe is not searched, as in ESO; name its secrets in data")
    }
}
