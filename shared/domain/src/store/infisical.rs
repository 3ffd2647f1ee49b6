//! `spec.provider.infisical`: secrets of one environment of a project in Infisical.

use super::spec::Served;
use super::{CaProvider, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.infisical` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct InfisicalStore {
    /// The server's address, which ends with `/api`.
    pub host_api: String,
    /// The project, by its slug.
    pub project: String,
    /// The environment, by its slug.
    pub environment: String,
    /// The folder of keys that name none, `secretsPath`.
    pub path: String,
    /// Whether a search looks into the folders below as well.
    pub recursive: bool,
    /// Whether references to other secrets are replaced by the values of these.
    pub expands: bool,
    /// The organization to log in to, by its slug; the identity's own without one.
    pub organization: Option<String>,
    /// What proves the identity.
    pub auth: InfisicalAuth,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

/// How an identity is proven.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum InfisicalAuth {
    /// A client of Universal Auth.
    Universal {
        /// Its id.
        id: SecretKeyRef,
        /// Its secret.
        secret: SecretKeyRef,
    },
    /// A JWT that the identity trusts.
    Jwt {
        /// The identity's id.
        identity: SecretKeyRef,
        /// The JWT.
        jwt: SecretKeyRef,
    },
    /// A user of LDAP.
    Ldap {
        /// The identity's id.
        identity: SecretKeyRef,
        /// The user's name.
        username: SecretKeyRef,
        /// The user's password.
        password: SecretKeyRef,
    },
    /// A token that somebody else was given.
    Token(SecretKeyRef),
}

impl InfisicalAuth {
    fn references(&self) -> Vec<&SecretKeyRef> {
        match self {
            Self::Universal { id, secret } => vec![id, secret],
            Self::Jwt { identity, jwt } => vec![identity, jwt],
            Self::Ldap { identity, username, password } => vec![identity, username, password],
            Self::Token(token) => vec![token],
        }
    }
}

impl Served for InfisicalStore {
    const PROVIDER: Provider = Provider::Infisical;

    fn server(&self) -> &str {
        &self.host_api
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        self.auth.references().into_iter().chain(ca).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        let why = "Infisical is not searched by tags, as in ESO; search by name or path";
        (!find.tags.is_empty()).then_some(why)
    }
}
