//! `spec.provider.barbican`: secrets of one project of OpenStack Barbican.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.barbican` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct BarbicanStore {
    /// The address of Keystone, such as `https://keystone.example.com/v3`.
    pub auth_url: String,
    /// The project that tokens are for.
    pub tenant_name: String,
    /// The domain of user and project.
    pub domain_name: String,
    /// The region that the key manager is in; any where it is empty.
    pub region: String,
    /// The user.
    pub user: BarbicanUser,
    /// The password.
    pub password: SecretKeyRef,
}

/// Who reads.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum BarbicanUser {
    /// By the name in the manifest.
    Named(String),
    /// By the name in a Secret.
    Secret(SecretKeyRef),
}

impl Served for BarbicanStore {
    const PROVIDER: Provider = Provider::Barbican;

    fn server(&self) -> &str {
        &self.auth_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let user = match &self.user {
            BarbicanUser::Named(_) => None,
            BarbicanUser::Secret(at) => Some(at),
        };
        user.into_iter().chain([&self.password]).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        find.name
            .as_deref()
            .unwrap_or_default()
            .is_empty()
            .then_some("secrets are searched by name; write find.name.regexp")
    }
}
