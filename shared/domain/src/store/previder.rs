//! `spec.provider.previder`: secrets of Previder Vault.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.previder` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PreviderStore {
    /// The server's address, such as `https://vault.previder.io`.
    pub base_uri: String,
    /// The access token.
    pub access_token: SecretKeyRef,
}

impl Served for PreviderStore {
    const PROVIDER: Provider = Provider::Previder;

    fn server(&self) -> &str {
        &self.base_uri
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.access_token.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("Previder cannot be searched; name its secrets in data or extract")
    }
}
