//! `spec.provider.barbican` of a store.
//!
//! Source of fields, defaults and rules: ESO's Barbican provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, BarbicanStore, BarbicanUser};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let auth_url = served::url(&mut fields, "authURL", None);
    let mut named = |field| fields.filled(field).unwrap_or_default().to_owned();
    let (tenant_name, domain_name, region) = (named("tenantName"), named("domainName"), named("region"));
    let auth = served::within(&mut fields, "auth", |auth| {
        let user = served::within(auth, "username", |inner| user(inner, references));
        let password =
            served::within(auth, "password", |inner| served::credential(inner, "secretRef", references));
        Some((user?, password?))
    });
    fields.close();
    let (user, password) = auth?;
    Some(BarbicanStore { auth_url: auth_url?, tenant_name, domain_name, region, user, password }.into())
}

/// In ESO the name in the manifest counts before the Secret.
fn user(fields: &mut Fields<'_>, references: References<'_>) -> Option<BarbicanUser> {
    match fields.filled("value") {
        Some(name) => {
            fields.without_effect(&["secretRef"]);
            Some(BarbicanUser::Named(name.to_owned()))
        }
        None => served::credential(fields, "secretRef", references).map(BarbicanUser::Secret),
    }
}
