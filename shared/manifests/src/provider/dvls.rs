//! `spec.provider.dvls` of a store.
//!
//! Source of fields, defaults and rules: ESO's DVLS provider, version 2.9.

use super::{Setting, served};
use crate::address::Way;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, DvlsStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let insecure = fields.flag("insecure");
    let server_url = match insecure {
        true => plain(&mut fields),
        false => served::url(&mut fields, "serverUrl", None),
    };
    let vault = fields.filled("vault").map(str::to_owned);
    if vault.as_deref().is_some_and(|vault| vault.trim() != vault) {
        fields.error("vault", "begins or ends with a blank; write it without");
    }
    let app = served::auth(&mut fields, |inner| {
        let id = served::credential(inner, "appId", references);
        let secret = served::credential(inner, "appSecret", references);
        Some((id?, secret?))
    });
    fields.close();
    let (app_id, app_secret) = app?;
    Some(DvlsStore { server_url: server_url?, vault, insecure, app_id, app_secret }.into())
}

/// An address that may be of plain HTTP, for the manifest says so.
fn plain(fields: &mut Fields<'_>) -> Option<String> {
    let url = fields.required("serverUrl", "the server's address")?;
    if Way::to(url).is_none() {
        fields.error("serverUrl", "is not a URL; write it as https://<host>");
    }
    Some(url.to_owned())
}
