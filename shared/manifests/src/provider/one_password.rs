//! `spec.provider.onepassword` of a store.
//!
//! Source of fields, defaults and rules: ESO's 1Password provider, version 2.9.

use super::Setting;
use crate::address::Way;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, OnePasswordStore, SecretKeyRef};
use std::collections::BTreeMap;

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let connect_host = host(&mut fields);
    let connect_token = fields
        .present("auth", "is missing; write secretRef.connectTokenSecretRef in it")
        .and_then(|auth| token(auth, references));
    let vaults = vaults(&mut fields);
    fields.close();
    Some(OnePasswordStore { connect_host: connect_host?, connect_token: connect_token?, vaults }.into())
}

fn host(fields: &mut Fields<'_>) -> Option<String> {
    let host = fields.required("connectHost", "the Connect server's URL")?;
    match Way::to(host) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            let message = "is not encrypted, so others on the way could read token and secrets; write https";
            fields.error("connectHost", message);
        }
        None => fields.error("connectHost", "is not a URL; write it as https://<host>"),
    }
    Some(host.to_owned())
}

fn token(mut auth: Fields<'_>, references: References<'_>) -> Option<SecretKeyRef> {
    let inner = auth.present("secretRef", "is missing; write connectTokenSecretRef in it");
    let token = inner.and_then(|mut inner| {
        let token = references.of_store(&mut inner, "connectTokenSecretRef", None);
        inner.close();
        token
    });
    auth.close();
    token
}

/// Titles or ids of vaults with the number of each: the lowest counts most.
fn vaults(fields: &mut Fields<'_>) -> Vec<String> {
    let mut ordered: BTreeMap<i64, String> = BTreeMap::new();
    for (vault, number) in fields.numbers("vaults") {
        if let Some(other) = ordered.insert(number, vault.clone()) {
            let message =
                format!("{other} and {vault} have the number {number}; give each vault one of its own");
            fields.error("vaults", message);
        }
    }
    if ordered.is_empty() {
        fields.error(
            "vaults",
            "is missing; write each vault's title or id with the number of its place, as in shop: 1",
        );
    }
    ordered.into_values().collect()
}
