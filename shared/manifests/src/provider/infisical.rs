//! `spec.provider.infisical` of a store.
//!
//! Source of fields, defaults and rules: ESO's provider, version 2.9.

use super::{Setting, served};
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, InfisicalAuth, InfisicalStore};

/// What proves an identity, in the order in which ESO takes the first.
const WAYS: [&str; 10] = [
    "universalAuthCredentials",
    "azureAuthCredentials",
    "gcpIdTokenAuthCredentials",
    "gcpIamAuthCredentials",
    "jwtAuthCredentials",
    "ldapAuthCredentials",
    "ociAuthCredentials",
    "kubernetesAuthCredentials",
    "awsAuthCredentials",
    "tokenAuthCredentials",
];

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let host_api = served::url(&mut fields, "hostAPI", Some("https://app.infisical.com/api")).map(api);
    if !fields.has("secretsScope") {
        fields.error("secretsScope", "is missing; write projectSlug and environmentSlug in it");
    }
    let scope = fields.object("secretsScope").and_then(|mut scope| {
        let project = scope.required("projectSlug", "the project's slug").map(str::to_owned);
        let environment = scope.required("environmentSlug", "the environment's slug").map(str::to_owned);
        let path = scope.filled("secretsPath").unwrap_or("/").to_owned();
        let recursive = scope.flag("recursive");
        let expands = !scope.has("expandSecretReferences") || scope.flag("expandSecretReferences");
        let organization = scope.filled("organizationSlug").map(str::to_owned);
        scope.close();
        Some((project?, environment?, path, recursive, expands, organization))
    });
    let auth = served::within(&mut fields, "auth", |auth| way(auth, references));
    let ca_bundle = certificate::authorities(&mut fields, "caBundle");
    let ca_provider = certificate::provider(&mut fields, references);
    fields.close();
    let (project, environment, path, recursive, expands, organization) = scope?;
    let store = InfisicalStore {
        host_api: host_api?,
        project,
        environment,
        path,
        recursive,
        expands,
        organization,
        auth: auth?,
        ca_bundle,
        ca_provider,
    };
    Some(store.into())
}

/// The address of the API, which Infisical's client finds below that of the server as well.
fn api(url: String) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with("/api") { url.to_owned() } else { format!("{url}/api") }
}

fn way(auth: &mut Fields<'_>, references: References<'_>) -> Option<InfisicalAuth> {
    let name = auth.exactly_one(&WAYS)?;
    if let Some(why) = refused(name) {
        auth.error(name, why);
        return None;
    }
    served::within(auth, name, |inner| {
        let mut at = |field| references.required(inner, field);
        match name {
            "universalAuthCredentials" => {
                let (id, secret) = (at("clientId"), at("clientSecret"));
                Some(InfisicalAuth::Universal { id: id?, secret: secret? })
            }
            "jwtAuthCredentials" => {
                let (identity, jwt) = (at("identityId"), at("jwt"));
                Some(InfisicalAuth::Jwt { identity: identity?, jwt: jwt? })
            }
            "ldapAuthCredentials" => {
                let (identity, username, password) =
                    (at("identityId"), at("ldapUsername"), at("ldapPassword"));
                Some(InfisicalAuth::Ldap { identity: identity?, username: username?, password: password? })
            }
            _ => at("accessToken").map(InfisicalAuth::Token),
        }
    })
}

/// Why nobody can be proven so here, with what to write instead.
fn refused(way: &str) -> Option<&'static str> {
    match way {
        "kubernetesAuthCredentials" => Some(
            "is not served: it reads a file of ESO's own pod; write universalAuthCredentials, or a token in jwtAuthCredentials",
        ),
        "gcpIamAuthCredentials" => {
            Some("is not served: it reads a file of ESO's own pod; write universalAuthCredentials")
        }
        "azureAuthCredentials" | "gcpIdTokenAuthCredentials" | "awsAuthCredentials" => Some(
            "is not served: it proves the machine that ESO runs on, and Pawl runs on another; write universalAuthCredentials",
        ),
        "ociAuthCredentials" => Some("is not served yet; write universalAuthCredentials"),
        _ => None,
    }
}
