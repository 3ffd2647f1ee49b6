//! `spec.provider.doppler` of a store.
//!
//! Source of fields, defaults and rules: ESO's Doppler provider, version 2.9.

use super::Setting;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, DopplerAuth, DopplerStore};

/// The key of the token where the manifest names none.
const KEY: &str = "dopplerToken";
const TRANSFORMERS: [&str; 6] =
    ["upper-camel", "camel", "lower-snake", "tf-var", "dotnet-env", "lower-kebab"];
const FORMATS: [&str; 5] = ["json", "dotnet-json", "env", "yaml", "docker"];

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let auth = fields
        .present("auth", "is missing; write secretRef.dopplerToken in it, or oidcConfig")
        .and_then(|auth| read_auth(auth, references));
    let name_transformer = one_of(&mut fields, "nameTransformer", &TRANSFORMERS);
    let format = one_of(&mut fields, "format", &FORMATS);
    let project = fields.filled("project").map(str::to_owned);
    let config = fields.filled("config").map(str::to_owned);
    fields.close();
    Some(DopplerStore { auth: auth?, project, config, name_transformer, format }.into())
}

fn one_of(fields: &mut Fields<'_>, field: &'static str, words: &[&'static str]) -> Option<String> {
    let choices: Vec<(&str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
    fields.choice(field, &choices).map(str::to_owned)
}

fn read_auth(mut auth: Fields<'_>, references: References<'_>) -> Option<DopplerAuth> {
    let read = match auth.exactly_one(&["secretRef", "oidcConfig"])? {
        "secretRef" => {
            let mut inner = auth.object("secretRef")?;
            let token = references.of_store(&mut inner, "dopplerToken", Some(KEY));
            inner.close();
            token.map(DopplerAuth::Token)
        }
        _ => {
            let mut inner = auth.object("oidcConfig")?;
            let identity = inner.required("identity", "the id of the identity at Doppler").map(str::to_owned);
            let account = inner
                .present("serviceAccountRef", "is missing; write the name of a service account in it")
                .and_then(|account| references.service_account(account));
            if references.must_name_namespaces()
                && account.as_ref().is_some_and(|account| account.namespace.is_none())
            {
                let what = "is missing; a ClusterSecretStore has none of its own, so write it";
                inner.error("serviceAccountRef.namespace", what);
            }
            // Pawl's tokens of service accounts are good for ten minutes, which is the default here.
            inner.without_effect(&["expirationSeconds"]);
            inner.close();
            account.and_then(|account| {
                let (namespace, audiences) = (account.namespace, account.audiences);
                Some(DopplerAuth::Oidc { identity: identity?, account: account.name, namespace, audiences })
            })
        }
    };
    auth.close();
    read
}
