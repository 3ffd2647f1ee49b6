//! `spec.provider.passworddepot`: the entries of one database of a Password Depot server.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.passworddepot` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PasswordDepotStore {
    /// The address that `host` makes.
    pub url: String,
    /// The database, by its name or a part of it.
    pub database: String,
    /// The user.
    pub username: SecretKeyRef,
    /// The password, in the same Secret.
    pub password: SecretKeyRef,
}

impl Served for PasswordDepotStore {
    const PROVIDER: Provider = Provider::PasswordDepot;

    fn server(&self) -> &str {
        &self.url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.username.namespace.as_ref(), self.password.namespace.as_ref()]
    }

    fn part(&self) -> Option<&str> {
        Some(&self.database)
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("Password Depot is not searched, as in ESO; name its entries in data or extract")
    }
}
