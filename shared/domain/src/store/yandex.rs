//! What the specs of Yandex's stores have alike.

use super::SecretKeyRef;
use crate::name::Namespace;
use serde::{Deserialize, Serialize};

/// Where one of Yandex's stores is, and who reads it. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct YandexStore {
    /// The address that tells where each service is.
    pub endpoint: String,
    /// The authorized key of a service account.
    pub key: SecretKeyRef,
    /// CA certificates as PEM.
    pub ca: Option<SecretKeyRef>,
    /// The folder that keys are names in; where there is none, they are ids.
    pub folder: Option<String>,
}

impl YandexStore {
    /// The namespaces of the Secrets that the connection needs.
    pub(crate) fn references(&self) -> Vec<Option<&Namespace>> {
        std::iter::once(&self.key).chain(&self.ca).map(|at| at.namespace.as_ref()).collect()
    }
}
