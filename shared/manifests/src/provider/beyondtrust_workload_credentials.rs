//! `spec.provider.beyondtrustworkloadcredentials` of a store.
//!
//! Source of fields, defaults and rules: ESO's provider, version 2.9.

use super::{Setting, served};
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, BeyondtrustWorkloadCredentialsStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let server = served::within(&mut fields, "server", |server| {
        let api_url = served::url(server, "apiUrl", None);
        let site_id = server.required("siteId", "the site's id").map(str::to_owned);
        if site_id.as_deref().is_some_and(|id| !served::is_uuid(id)) {
            server.error("siteId", "is no UUID; write the site's id");
        }
        Some((api_url?, site_id?))
    });
    let token = served::within(&mut fields, "auth", |auth| {
        served::within(auth, "apikey", |inner| served::credential(inner, "token", references))
    });
    let folder_path = fields.filled("folderPath").unwrap_or_default().to_owned();
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    fields.close();
    let ((api_url, site_id), token) = (server?, token?);
    let store =
        BeyondtrustWorkloadCredentialsStore { api_url, site_id, token, folder_path, ca_bundle, ca_provider };
    Some(store.into())
}
