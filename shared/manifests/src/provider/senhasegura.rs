//! `spec.provider.senhasegura` of a store.
//!
//! Source of fields, defaults and rules: ESO's senhasegura provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, SenhaseguraStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = served::url(&mut fields, "url", None);
    fields.required_choice("module", &[("DSM", ())]);
    if fields.flag("ignoreSslCertificate") {
        let what = "is not served: whoever is on the way could read everything; give the server a certificate that is trusted";
        fields.error("ignoreSslCertificate", what);
    }
    let auth = served::within(&mut fields, "auth", |auth| {
        let id = auth.required("clientId", "the application's client id").map(str::to_owned);
        let secret = references.required(auth, "clientSecretSecretRef");
        Some((id?, secret?))
    });
    fields.close();
    let (client_id, client_secret) = auth?;
    Some(SenhaseguraStore { url: url?, client_id, client_secret }.into())
}
