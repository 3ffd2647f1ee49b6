//! `spec.provider.yandexcertificatemanager` of a store.

use super::{Setting, yandex};
use crate::reader::Fields;
use pawl_domain::store::{Backend, YandexCertificateManagerStore};

/// The backend of a store.
pub(super) fn read(fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    yandex::read(fields, setting).map(|at| YandexCertificateManagerStore { at }.into())
}
