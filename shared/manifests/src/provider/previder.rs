//! `spec.provider.previder` of a store.
//!
//! Source of fields, defaults and rules: ESO's Previder provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, PreviderStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let base_uri = served::url(&mut fields, "baseUri", Some("https://vault.previder.io"));
    let access_token = served::auth(&mut fields, |inner| references.required(inner, "accessToken"));
    fields.close();
    Some(PreviderStore { base_uri: base_uri?, access_token: access_token? }.into())
}
