//! `spec.provider.senhasegura`: the secrets of an application of senhasegura DSM.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.senhasegura` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SenhaseguraStore {
    /// The server's address. A path in it is passed over.
    pub url: String,
    /// The application's client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: SecretKeyRef,
}

impl Served for SenhaseguraStore {
    const PROVIDER: Provider = Provider::Senhasegura;

    fn server(&self) -> &str {
        &self.url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.client_secret.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("senhasegura is not searched, as in ESO; name its secrets in data or extract")
    }
}
