//! `spec.provider.secretserver` of a store.
//!
//! Source of fields, defaults and rules: ESO's Secret Server provider, version 2.9. Passwords and tokens that stand in the
//! manifest are refused: the registry would hold them unencrypted.

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, Given, SecretKeyRef, SecretServerAuth, SecretServerStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = url(&mut fields);
    let token = fields.has("token").then(|| secret(&mut fields, "token", references));
    let domain = fields.filled("domain").unwrap_or_default().to_owned();
    let auth = match token {
        Some(token) => {
            fields.without_effect(&["username", "password"]);
            token.map(SecretServerAuth::Token)
        }
        None => {
            let user = given(&mut fields, "username", references);
            let password = secret(&mut fields, "password", references);
            user.zip(password).map(|(user, password)| SecretServerAuth::Password { user, password, domain })
        }
    };
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    fields.close();
    Some(SecretServerStore { url: url?, auth: auth?, ca_bundle, ca_provider }.into())
}

fn url(fields: &mut Fields<'_>) -> Option<String> {
    let url = fields
        .required("serverURL", "the server's address, such as https://example.secretservercloud.com")?;
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields
                .error("serverURL", "is not encrypted, so others on the way could read secrets; write https");
        }
        None => fields.error("serverURL", "is not a URL; write it as https://<host>"),
    }
    Some(url.to_owned())
}

/// A text of the manifest or of a Secret.
pub(super) fn given(
    fields: &mut Fields<'_>,
    field: &'static str,
    references: References<'_>,
) -> Option<Given> {
    if !fields.has(field) {
        fields.error(field, "is missing; write value or secretRef in it");
    }
    let mut inner = fields.object(field)?;
    let given = match inner.exactly_one(&["value", "secretRef"]) {
        Some("value") => {
            inner.required("value", "the text itself").map(|text| Given::Written(text.to_owned()))
        }
        Some(_) => reference(&mut inner, references).map(Given::At),
        None => None,
    };
    inner.close();
    given
}

/// The same of what must not stand in a manifest.
pub(super) fn secret(
    fields: &mut Fields<'_>,
    field: &'static str,
    references: References<'_>,
) -> Option<SecretKeyRef> {
    if !fields.has(field) {
        fields.error(field, "is missing; write secretRef in it");
    }
    let mut inner = fields.object(field)?;
    if inner.has("value") {
        let what = "proves an identity, and would stand unencrypted in the registry; put it in a Secret, and write secretRef";
        inner.error("value", what);
        return None;
    }
    let at = reference(&mut inner, references);
    inner.close();
    at
}

fn reference(fields: &mut Fields<'_>, references: References<'_>) -> Option<SecretKeyRef> {
    let at = references.required(fields, "secretRef");
    if references.must_name_namespaces() && at.as_ref().is_some_and(|at| at.namespace.is_none()) {
        let what = "is missing; a ClusterSecretStore has none of its own, so write it";
        fields.error("secretRef.namespace", what);
    }
    at
}
