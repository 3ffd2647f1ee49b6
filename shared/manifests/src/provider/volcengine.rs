//! `spec.provider.volcengine` of a store.
//!
//! Source of fields, defaults and rules: ESO's Volcengine provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, VolcengineStore, is_region};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let region = fields.required("region", "the region, such as cn-beijing").map(str::to_owned);
    if region.as_deref().is_some_and(|region| !is_region(region)) {
        fields.error("region", "is none; write it whole, such as cn-beijing");
    }
    if !fields.has("auth") {
        let what = "is missing: ESO would take the role of the pod that it runs in, and Pawl runs in none of Volcengine's; write \
                    accessKeyID and secretAccessKey in its secretRef";
        fields.error("auth", what);
        fields.close();
        return None;
    }
    let keys = served::auth(&mut fields, |inner| {
        let (id, secret) =
            (references.required(inner, "accessKeyID"), references.required(inner, "secretAccessKey"));
        let token = inner.has("token").then(|| references.required(inner, "token"));
        Some((id?, secret?, token))
    });
    fields.close();
    let (access_key_id, secret_access_key, token) = keys?;
    let token = match token {
        Some(token) => Some(token?),
        None => None,
    };
    Some(VolcengineStore { region: region?, access_key_id, secret_access_key, token }.into())
}
