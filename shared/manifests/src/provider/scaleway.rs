//! `spec.provider.scaleway` of a store.
//!
//! Source of fields, defaults and rules: ESO's Scaleway provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, ScalewayStore, SecretKeyRef};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let api_url = served::url(&mut fields, "apiUrl", Some("https://api.scaleway.com"));
    let region = fields.required("region", "the region, such as fr-par").map(str::to_owned);
    let project_id = fields.required("projectId", "the project's id").map(str::to_owned);
    for field in ["accessKey", "secretKey"] {
        if !fields.has(field) {
            fields.error(field, "is missing; write name and key of a Secret in its secretRef");
        }
    }
    access_key(&mut fields, references);
    let secret_key = fields.object("secretKey").and_then(|inner| secret_key(inner, references));
    fields.close();
    let (api_url, region, project_id) = (api_url?, region?, project_id?);
    Some(ScalewayStore { api_url, region, project_id, secret_key: secret_key? }.into())
}

/// Scaleway's API asks for the secret part alone, so this part is looked at and not kept.
fn access_key(fields: &mut Fields<'_>, references: References<'_>) {
    let Some(mut inner) = fields.object("accessKey") else { return };
    match inner.exactly_one(&["value", "secretRef"]) {
        Some("value") => _ = inner.text("value"),
        Some(_) => {
            let reference = inner.object("secretRef").and_then(|it| references.secret_key(it, None));
            served::names_its_namespace(&inner, "secretRef", reference.as_ref(), references);
        }
        None => {}
    }
    inner.close();
}

fn secret_key(mut fields: Fields<'_>, references: References<'_>) -> Option<SecretKeyRef> {
    if fields.filled("value").is_some() {
        let what = "is a secret that everybody sees who sees the store; put it in a Secret, and name that in secretRef";
        fields.error("value", what);
    }
    let key = served::credential(&mut fields, "secretRef", references);
    fields.close();
    key
}
