//! `spec.provider.bitwardensecretsmanager` of a store.
//!
//! Source of fields, defaults and rules: ESO's Bitwarden provider, version 2.9.

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, BitwardenStore, SecretKeyRef};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let server = server(&mut fields);
    let mut told = |field| fields.filled(field).unwrap_or_default().trim_end_matches('/').to_owned();
    let (api, identity) = (told("apiURL"), told("identityURL"));
    let organization = fields.required("organizationID", "the organization's id").map(str::to_owned);
    let project = fields.required("projectID", "the project's id").map(str::to_owned);
    if !fields.has("auth") {
        fields.error("auth", "is missing; write secretRef.credentials in it");
    }
    let token = fields.object("auth").and_then(|auth| credentials(auth, references));
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    fields.close();
    let store = BitwardenStore {
        server: server?,
        api,
        identity,
        organization: organization?,
        project: project?,
        token: token?,
        ca_bundle,
        ca_provider,
    };
    Some(store.into())
}

fn server(fields: &mut Fields<'_>) -> Option<String> {
    let what = "the address of Bitwarden's SDK server, such as https://bitwarden-sdk-server.example.com:9998";
    let url = fields.required("bitwardenServerSDKURL", what)?;
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => fields.error(
            "bitwardenServerSDKURL",
            "is not encrypted, so others on the way could read secrets; write https",
        ),
        None => fields.error("bitwardenServerSDKURL", "is not a URL; write it as https://<host>"),
    }
    Some(url.to_owned())
}

fn credentials(mut auth: Fields<'_>, references: References<'_>) -> Option<SecretKeyRef> {
    if !auth.has("secretRef") {
        auth.error("secretRef", "is missing; write credentials in it");
    }
    let token = auth.object("secretRef").and_then(|mut inner| {
        let token = references.required(&mut inner, "credentials");
        inner.close();
        token
    });
    auth.close();
    token
}
