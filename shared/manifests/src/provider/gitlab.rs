//! `spec.provider.gitlab` of a store.
//!
//! Source of fields, defaults and rules: ESO's GitLab provider, version 2.9.

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, GitLabStore, SecretKeyRef};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let references = References::Store(setting.own);
    let url = url(&mut fields);
    if !fields.has("auth") {
        fields.error("auth", "is missing; write SecretRef.accessToken in it");
    }
    let access_token = fields.object("auth").and_then(|auth| access_token(auth, references));
    let project_id = fields.filled("projectID").map(str::to_owned);
    let inherit_from_groups = fields.flag("inheritFromGroups");
    let group_ids = fields.texts("groupIDs");
    if project_id.is_none() && group_ids.is_empty() {
        fields.error("projectID", "is missing, and groupIDs too; write a project, groups, or both");
    }
    if inherit_from_groups && !group_ids.is_empty() {
        fields.error("groupIDs", "does not go with inheritFromGroups; write one of them");
    }
    let store = GitLabStore {
        url,
        access_token: access_token?,
        project_id,
        inherit_from_groups,
        group_ids,
        environment: fields.filled("environment").map(str::to_owned),
        ca_bundle: certificate::authorities(&mut fields, "caBundle"),
        ca_provider: certificate::provider(&mut fields, references),
    };
    fields.close();
    Some(store.into())
}

const DEFAULT_URL: &str = "https://gitlab.com";

fn url(fields: &mut Fields<'_>) -> String {
    let url = fields.filled("url").unwrap_or(DEFAULT_URL);
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields.error("url", "is not encrypted, so others on the way could read the token; write https");
        }
        None => fields.error("url", "is not a URL; write it as https://<host>"),
    }
    url.to_owned()
}

/// ESO's name of the field begins with a capital letter.
fn access_token(mut auth: Fields<'_>, references: References<'_>) -> Option<SecretKeyRef> {
    if !auth.has("SecretRef") {
        auth.error("SecretRef", "is missing; write accessToken in it");
    }
    let token = auth.object("SecretRef").and_then(|mut inner| {
        let token = references.required(&mut inner, "accessToken");
        if references.must_name_namespaces() && token.as_ref().is_some_and(|token| token.namespace.is_none())
        {
            let what = "is missing; a ClusterSecretStore has none of its own, so write it";
            inner.error("accessToken.namespace", what);
        }
        inner.close();
        token
    });
    auth.close();
    token
}
