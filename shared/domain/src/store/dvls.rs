//! `spec.provider.dvls`: credential entries of Devolutions Server.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.dvls` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct DvlsStore {
    /// The server's address.
    pub server_url: String,
    /// The vault, by id or name; without one each key names its own.
    pub vault: Option<String>,
    /// Whether the server may be asked without TLS.
    pub insecure: bool,
    /// The id of the application.
    pub app_id: SecretKeyRef,
    /// Its secret.
    pub app_secret: SecretKeyRef,
}

impl Served for DvlsStore {
    const PROVIDER: Provider = Provider::Dvls;

    fn server(&self) -> &str {
        &self.server_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.app_id.namespace.as_ref(), self.app_secret.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("Devolutions Server is not searched, as in ESO; name its entries in data or extract")
    }
}
