//! `spec.provider.oracle` of a store.
//!
//! Source of fields, defaults and rules: ESO's Oracle provider, version 2.9.

use super::Setting;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, OracleStore, SecretKeyRef, is_region};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let region = fields.required("region", "the vault's region, such as eu-frankfurt-1").map(str::to_owned);
    if region.as_deref().is_some_and(|region| !is_region(region)) {
        fields.error("region", "is none; write it whole, such as eu-frankfurt-1");
    }
    let vault = fields.required("vault", "the vault's OCID").map(str::to_owned);
    let compartment = fields.filled("compartment").map(str::to_owned);
    // It is for pushes.
    fields.without_effect(&["encryptionKey"]);
    let refused = match fields.filled("principalType") {
        None | Some("UserPrincipal") => None,
        Some("Workload") => Some(
            "is an identity that Oracle gives only to pods of its own clusters, from an address inside of them",
        ),
        Some("InstancePrincipal") => Some("is an identity that Oracle gives only to its own machines"),
        Some(_) => Some("is none that ESO knows"),
    };
    if let Some(why) = refused {
        fields.error("principalType", format!("{why}; write UserPrincipal, and auth with the key of a user"));
    }
    if !fields.has("auth") {
        let what = "is missing: ESO would take the identity of the machine that it runs on, and Pawl runs on none of \
                    Oracle's; write tenancy, user and secretRef in it";
        fields.error("auth", what);
    }
    fields.without_effect(&["serviceAccountRef"]);
    let auth = fields.object("auth").and_then(|auth| user(auth, references));
    fields.close();
    let (tenancy, user, private_key, fingerprint) = auth?;
    let (region, vault) = (region?, vault?);
    Some(OracleStore { region, vault, compartment, tenancy, user, private_key, fingerprint }.into())
}

type User = (String, String, SecretKeyRef, SecretKeyRef);

fn user(mut auth: Fields<'_>, references: References<'_>) -> Option<User> {
    let tenancy = auth.required("tenancy", "the tenancy's OCID").map(str::to_owned);
    let user = auth.required("user", "the user's OCID").map(str::to_owned);
    if !auth.has("secretRef") {
        auth.error("secretRef", "is missing; write privatekey and fingerprint in it");
    }
    let proofs = auth.object("secretRef").and_then(|mut inner| {
        let mut at = |field| {
            let at = references.required(&mut inner, field);
            if references.must_name_namespaces() && at.as_ref().is_some_and(|at| at.namespace.is_none()) {
                let what = "needs a namespace; a ClusterSecretStore has none of its own";
                inner.error(field, what);
            }
            at
        };
        let (private_key, fingerprint) = (at("privatekey"), at("fingerprint"));
        inner.close();
        private_key.zip(fingerprint)
    });
    auth.close();
    let (private_key, fingerprint) = proofs?;
    Some((tenancy?, user?, private_key, fingerprint))
}
