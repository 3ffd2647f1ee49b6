//! `spec.provider.openBao` of a store.
//!
//! Source of fields, defaults and rules: ESO's OpenBao provider, version 2.9. It has fewer fields than Vault's, and its schema
//! is stricter: where Vault's takes the first of several, here only one may stand.

use super::Setting;
use super::vault::auth::{Auth, role, token, user_pass};
use super::vault::engine;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, OpenBaoStore, VaultAuth, VaultStore};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    if fields.has("caBundle") && fields.has("caProvider") {
        fields.error("caBundle", "does not go with caProvider; write one of them");
    }
    let engine = engine(&mut fields, references);
    let auth = fields.object("auth").map(|fields| read_auth(fields, references));
    fields.close();
    let (auth, auth_namespace) = auth.map_or((None, None), |auth| (auth.method, auth.namespace));
    let engine = VaultStore { auth, auth_namespace, max_retries: setting.max_retries, ..engine? };
    Some(OpenBaoStore::new(engine).into())
}

type Method = fn(Fields<'_>, References<'_>) -> Option<VaultAuth>;

const METHODS: [(&str, Method); 3] =
    [("tokenSecretRef", token), ("appRole", app_role), ("userPass", user_pass)];

fn read_auth(mut fields: Fields<'_>, references: References<'_>) -> Auth {
    let namespace = fields.filled("namespace").map(str::to_owned);
    let given: Vec<_> = METHODS.into_iter().filter(|(field, _)| fields.has(field)).collect();
    if given.len() != 1 {
        let names = METHODS.map(|(field, _)| field).join(", ");
        let found = if given.is_empty() { "none" } else { "several" };
        let message = format!("must have exactly one of {names}, found {found}");
        fields.notes().error(fields.path(), message);
    }
    let method = given
        .first()
        .and_then(|(field, method)| fields.object(field).and_then(|inner| method(inner, references)));
    fields.close();
    Auth { method, namespace }
}

fn app_role(fields: Fields<'_>, references: References<'_>) -> Option<VaultAuth> {
    role(fields, references, |fields| {
        fields.error("roleId", "does not go with roleRef; write one of them");
    })
}
