//! `spec.provider.fortanix` of a store.
//!
//! Source of fields, defaults and rules: ESO's Fortanix provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, FortanixStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let api_url = served::url(&mut fields, "apiUrl", Some("https://sdkms.fortanix.com"));
    let api_key = served::within(&mut fields, "apiKey", |inner| references.required(inner, "secretRef"));
    fields.close();
    Some(FortanixStore { api_url: api_url?, api_key: api_key? }.into())
}
