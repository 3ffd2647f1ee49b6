//! `spec.provider.yandexcertificatemanager`: certificates of Yandex Certificate Manager.

use super::YandexStore;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.yandexcertificatemanager` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct YandexCertificateManagerStore {
    /// Where it is, and who reads it.
    pub at: YandexStore,
}

impl Served for YandexCertificateManagerStore {
    const PROVIDER: Provider = Provider::YandexCertificateManager;

    fn server(&self) -> &str {
        &self.at.endpoint
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        self.at.references()
    }

    fn part(&self) -> Option<&str> {
        self.at.folder.as_deref()
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some(
            "Yandex Certificate Manager is not searched, as in ESO; name its certificates in data or extract",
        )
    }
}
