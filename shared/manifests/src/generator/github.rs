//! `spec` of a GithubAccessToken.

use super::server;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::generator::GithubGenerator;

pub(super) fn read(spec: &mut Fields<'_>) -> Option<GithubGenerator> {
    let url = server(spec, "url", GithubGenerator::URL);
    let app_id = number(spec, "appID", "the App's number");
    let install_id = number(spec, "installID", "the installation's number");
    let auth = spec.present("auth", "is missing; write privateKey.secretRef in it");
    let private_key = auth.and_then(|mut auth| {
        let key = auth.present("privateKey", "is missing; write secretRef in it");
        auth.close();
        let mut key = key?;
        let at = References::Generator.required(&mut key, "secretRef");
        key.close();
        at
    });
    let (repositories, permissions) = (spec.texts("repositories"), spec.text_map("permissions"));
    let (app_id, install_id) = (app_id?, install_id?);
    Some(GithubGenerator { url, app_id, install_id, private_key: private_key?, repositories, permissions })
}

/// It stands in the address and in the token, so it can be nothing else.
fn number(spec: &mut Fields<'_>, field: &'static str, what: &str) -> Option<String> {
    let text = spec.required(field, what)?;
    let is_id = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    if !is_id {
        spec.error(field, format!("must be {what}, in digits"));
    }
    Some(text.to_owned())
}
