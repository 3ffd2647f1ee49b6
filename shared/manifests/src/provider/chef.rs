//! `spec.provider.chef` of a store.
//!
//! Source of fields, defaults and rules: ESO's Chef provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, ChefStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let server_url = served::url(&mut fields, "serverUrl", None);
    if server_url.as_deref().is_some_and(|url| !url.ends_with('/')) {
        fields.error(
            "serverUrl",
            "does not end with a slash; write it as https://<host>/organizations/<name>/",
        );
    }
    let username = fields.required("username", "who signs requests").map(str::to_owned);
    let private_key =
        served::auth(&mut fields, |inner| served::credential(inner, "privateKeySecretRef", references));
    fields.close();
    Some(ChefStore { server_url: server_url?, username: username?, private_key: private_key? }.into())
}
