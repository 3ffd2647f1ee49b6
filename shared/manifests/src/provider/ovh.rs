//! `spec.provider.ovh` of a store.
//!
//! Source of fields, defaults and rules: ESO's OVH provider, version 2.9.

use super::{Setting, served};
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, ClientCertificate, OvhAuth, OvhStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let server = served::url(&mut fields, "server", None);
    let okms_id = fields.required("okmsid", "the id of the OKMS domain").map(str::to_owned);
    if okms_id.as_deref().is_some_and(|id| !served::is_uuid(id)) {
        fields.error("okmsid", "is no UUID; write the id of the OKMS domain");
    }
    // The former is about writing, the latter about how long ESO waits.
    fields.without_effect(&["casRequired"]);
    if fields.count("okmsTimeout") == Some(0) {
        fields.error("okmsTimeout", "is 0; leave it out, for Pawl has times of its own");
    }
    let auth = served::within(&mut fields, "auth", |auth| match auth.exactly_one(&["mtls", "token"]) {
        Some("token") => served::within(auth, "token", |inner| {
            references.required(inner, "tokenSecretRef").map(OvhAuth::Token)
        }),
        Some(_) => served::within(auth, "mtls", |inner| certificate(inner, references)),
        None => None,
    });
    fields.close();
    Some(OvhStore { server: server?, okms_id: okms_id?, auth: auth? }.into())
}

fn certificate(fields: &mut Fields<'_>, references: References<'_>) -> Option<OvhAuth> {
    let certificate = references.required(fields, "certSecretRef");
    let key = references.required(fields, "keySecretRef");
    let ca_bundle = certificate::authorities(fields, "caBundle");
    let ca_provider = certificate::provider(fields, references);
    let client = ClientCertificate { certificate: certificate?, key: key? };
    Some(OvhAuth::Certificate { client, ca_bundle, ca_provider })
}
