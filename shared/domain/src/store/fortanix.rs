//! `spec.provider.fortanix`: security objects of Fortanix Data Security Manager.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.fortanix` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct FortanixStore {
    /// The server's address, such as `https://sdkms.fortanix.com`.
    pub api_url: String,
    /// The API key of an app.
    pub api_key: SecretKeyRef,
}

impl Served for FortanixStore {
    const PROVIDER: Provider = Provider::Fortanix;

    fn server(&self) -> &str {
        &self.api_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.api_key.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("Fortanix is not searched, as in ESO; name its security objects in data or extract")
    }
}
