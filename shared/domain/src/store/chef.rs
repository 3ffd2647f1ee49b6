//! `spec.provider.chef`: data bags of Chef Infra Server.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.chef` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ChefStore {
    /// The address of the organisation, such as `https://chef.example.com/organizations/shop/`.
    pub server_url: String,
    /// Who signs requests.
    pub username: String,
    /// Its private key, as PEM.
    pub private_key: SecretKeyRef,
}

impl Served for ChefStore {
    const PROVIDER: Provider = Provider::Chef;

    fn server(&self) -> &str {
        &self.server_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.private_key.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("data bags are not searched, as in ESO; name a data bag in extract, which takes all its items")
    }
}
