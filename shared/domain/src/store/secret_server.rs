//! `spec.provider.secretserver`: Delinea Secret Server and Platform.

use super::spec::Served;
use super::{CaProvider, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.secretserver` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SecretServerStore {
    /// The address of the server or the platform.
    pub url: String,
    /// How the identity is proven.
    pub auth: SecretServerAuth,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

/// How an identity is proven to a Secret Server.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum SecretServerAuth {
    /// By a token that somebody had.
    Token(SecretKeyRef),
    /// By a password, for which the server gives out tokens.
    Password {
        /// The user, or of a platform the client.
        user: Given,
        /// The password, or of a platform the client's secret.
        password: SecretKeyRef,
        /// The user's domain; empty for none.
        domain: String,
    },
}

/// A text that is no secret: it stands in the manifest or in a Secret.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Given {
    /// It stands in the manifest.
    Written(String),
    /// It stands in a Secret.
    At(SecretKeyRef),
}

impl Given {
    /// The Secret that it stands in.
    pub fn secret(&self) -> Option<&SecretKeyRef> {
        match self {
            Self::Written(_) => None,
            Self::At(at) => Some(at),
        }
    }
}

impl Served for SecretServerStore {
    const PROVIDER: Provider = Provider::SecretServer;

    fn server(&self) -> &str {
        &self.url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        let auth = match &self.auth {
            SecretServerAuth::Token(token) => vec![token],
            SecretServerAuth::Password { user, password, .. } => {
                user.secret().into_iter().chain([password]).collect()
            }
        };
        auth.into_iter().chain(ca).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("ESO finds nothing in Secret Server; name each secret in spec.data")
    }
}
