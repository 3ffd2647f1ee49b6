//! `spec.provider.pulumi` of a store.
//!
//! Source of fields, defaults and rules: ESO's Pulumi provider, version 2.9.

use super::{Setting, served};
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, PulumiAuth, PulumiStore, SecretKeyRef};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let api_url = served::url(&mut fields, "apiUrl", Some("https://api.pulumi.com/api/esc"));
    let mut named = |field, what| fields.required(field, what).map(str::to_owned);
    let organization = named("organization", "the organisation's name");
    let project = named("project", "the project's name");
    let environment = named("environment", "the environment's name");
    // `accessToken` beside `auth` is the older form.
    let auth = match fields.exactly_one(&["auth", "accessToken"]) {
        Some("auth") => fields.object("auth").and_then(|inner| auth(inner, references)),
        Some(_) => token(&mut fields, references).map(PulumiAuth::AccessToken),
        None => None,
    };
    fields.close();
    let (organization, project, environment) = (organization?, project?, environment?);
    Some(PulumiStore { api_url: api_url?, organization, project, environment, auth: auth? }.into())
}

fn auth(mut fields: Fields<'_>, references: References<'_>) -> Option<PulumiAuth> {
    let auth = match fields.exactly_one(&["accessToken", "oidcConfig"]) {
        Some("accessToken") => token(&mut fields, references).map(PulumiAuth::AccessToken),
        Some(_) => fields.object("oidcConfig").and_then(|inner| account(inner, references)),
        None => None,
    };
    fields.close();
    auth
}

fn token(fields: &mut Fields<'_>, references: References<'_>) -> Option<SecretKeyRef> {
    let mut inner = fields.object("accessToken")?;
    let token = served::credential(&mut inner, "secretRef", references);
    inner.close();
    token
}

/// The least that ESO's schema allows, and its default.
const SECONDS: u32 = 600;

fn account(mut fields: Fields<'_>, references: References<'_>) -> Option<PulumiAuth> {
    let organization =
        fields.required("organization", "the organisation that trusts the cluster").map(str::to_owned);
    let seconds = fields.count("expirationSeconds").unwrap_or(SECONDS);
    if seconds < SECONDS {
        fields.error("expirationSeconds", "is less than 600; write at least that");
    }
    if !fields.has("serviceAccountRef") {
        fields.error("serviceAccountRef", "is missing; write the service account's name");
    }
    let account = fields.object("serviceAccountRef").and_then(|inner| references.service_account(inner));
    if references.must_name_namespaces()
        && account.as_ref().is_some_and(|account| account.namespace.is_none())
    {
        let what = "is missing; a ClusterSecretStore has none of its own, so write it";
        fields.error("serviceAccountRef.namespace", what);
    }
    fields.close();
    let account = account?;
    let (name, namespace, audiences) = (account.name, account.namespace, account.audiences);
    Some(PulumiAuth::ServiceAccount { organization: organization?, name, namespace, audiences, seconds })
}
