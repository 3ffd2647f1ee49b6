//! `spec.provider.ovh`: secrets of one OKMS domain of OVHcloud.

use super::spec::Served;
use super::{CaProvider, ClientCertificate, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.ovh` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct OvhStore {
    /// The server's address, such as `https://eu-west-rbx.okms.ovh.net`.
    pub server: String,
    /// The id of the OKMS domain.
    pub okms_id: String,
    /// What proves the identity.
    pub auth: OvhAuth,
}

/// What proves an identity to OVHcloud.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum OvhAuth {
    /// A token.
    Token(SecretKeyRef),
    /// A client certificate.
    Certificate {
        /// The certificate and its key.
        client: ClientCertificate,
        /// CA certificates as PEM, `caBundle`.
        ca_bundle: Option<String>,
        /// CA certificates in the target cluster.
        ca_provider: Option<CaProvider>,
    },
}

impl Served for OvhStore {
    const PROVIDER: Provider = Provider::Ovh;

    fn server(&self) -> &str {
        &self.server
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let (mut own, ca) = match &self.auth {
            OvhAuth::Token(token) => (vec![token], None),
            OvhAuth::Certificate { client, ca_provider, .. } => {
                (vec![&client.certificate, &client.key], ca_provider.as_ref())
            }
        };
        own.extend(ca.map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at));
        own.into_iter().map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        if !find.tags.is_empty() {
            return Some("OVHcloud's secrets are not searched by tags; write find.name.regexp or find.path");
        }
        let path = find.path.as_deref().unwrap_or_default();
        (path.starts_with('/') || path.contains("//"))
            .then_some("find.path begins with / or holds //; write it without")
    }
}
