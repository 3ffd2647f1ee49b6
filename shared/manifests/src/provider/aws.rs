//! `spec.provider.aws` of a store.
//!
//! Source of fields and rules: ESO's AWS provider, version 2.9.

use super::Setting;
use crate::reader::Fields;
use crate::references::{References, ServiceAccount};
use pawl_domain::Namespace;
use pawl_domain::store::{AwsAuth, AwsDeletion, AwsService, AwsStore, Backend, SessionTagsPolicy, is_region};

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let Setting { own, max_retries } = setting;
    let service = service(&mut fields);
    let region = fields.required("region", "the region, such as eu-central-1").map(str::to_owned);
    if region.as_deref().is_some_and(|region| !is_region(region)) {
        fields.error("region", "is not a region; write one such as eu-central-1");
    }
    let auth = match fields.object("auth") {
        Some(auth) => read_auth(auth, own),
        None => Some(AwsAuth::Ambient),
    };
    let text = |value: Option<&str>| value.map(str::to_owned);
    let store = AwsStore {
        service: service.unwrap_or(AwsService::SecretsManager),
        region: region.clone().unwrap_or_default(),
        auth: auth.clone().unwrap_or(AwsAuth::Ambient),
        role: text(fields.filled("role")),
        additional_roles: fields.texts("additionalRoles"),
        external_id: text(fields.filled("externalID")),
        session_tags: fields.objects("sessionTags").into_iter().filter_map(tag).collect(),
        transitive_tag_keys: fields.texts("transitiveTagKeys"),
        session_tags_policy: session_tags_policy(&mut fields),
        prefix: text(fields.filled("prefix")),
        max_retries,
        deletion: deletion(&mut fields),
    };
    fields.unsupported("customSessionTags");
    fields.close();
    (service.is_some() && region.is_some() && auth.is_some()).then(|| store.into())
}

/// How PushSecrets delete. Source of what is refused: ESO's `ValidateDeleteSecretInput`.
fn deletion(fields: &mut Fields<'_>) -> AwsDeletion {
    let Some(mut fields) = fields.object("secretsManager") else { return AwsDeletion::Default };
    let forced = fields.flag("forceDeleteWithoutRecovery");
    let days = fields.count("recoveryWindowInDays").filter(|days| *days > 0);
    if days.is_some_and(|days| !AwsDeletion::DAYS.contains(&days)) {
        fields.error("recoveryWindowInDays", "AWS takes 7 to 30 days; write one of these");
    }
    if forced && days.is_some() {
        fields
            .error("forceDeleteWithoutRecovery", "conflicts with recoveryWindowInDays; write one of the two");
    }
    fields.close();
    match days {
        Some(days) if !forced => AwsDeletion::After(days),
        _ if forced => AwsDeletion::Forced,
        _ => AwsDeletion::Default,
    }
}

fn service(fields: &mut Fields<'_>) -> Option<AwsService> {
    fields.required("service", "SecretsManager or ParameterStore")?;
    let known = [
        ("SecretsManager", Some(AwsService::SecretsManager)),
        ("ParameterStore", Some(AwsService::ParameterStore)),
        ("CertificateManager", None),
    ];
    let service = fields.choice("service", &known)?;
    if service.is_none() {
        fields.error("service", "CertificateManager is not supported yet; leave this object to ESO");
    }
    service
}

fn session_tags_policy(fields: &mut Fields<'_>) -> SessionTagsPolicy {
    let known = [
        ("None", Some(SessionTagsPolicy::None)),
        ("Simple", Some(SessionTagsPolicy::Simple)),
        ("Custom", None),
    ];
    match fields.choice("sessionTagsPolicy", &known) {
        Some(None) => {
            fields.error("sessionTagsPolicy", "Custom is not supported yet; leave this object to ESO");
            SessionTagsPolicy::None
        }
        Some(Some(policy)) => policy,
        None => SessionTagsPolicy::None,
    }
}

/// The session tags by which trust policies tell Pawl's tenants apart.
const OWN_TAGS: &str = "pawl:";

fn tag(mut fields: Fields<'_>) -> Option<(String, String)> {
    let key = fields.required("key", "the tag's key").map(str::to_owned);
    let value = fields.text("value").unwrap_or_default().to_owned();
    if key.as_deref().is_some_and(|key| key.starts_with(OWN_TAGS)) {
        fields.error("key", "begins with pawl:, which only Pawl itself may say; choose another key");
    }
    fields.close();
    Some((key?, value))
}

/// What proves the identity; without a proof, the identity that Pawl runs with is used.
fn read_auth(mut auth: Fields<'_>, own: Option<&Namespace>) -> Option<AwsAuth> {
    let identity = identity(&mut auth, References::Store(own));
    auth.close();
    identity.unwrap_or(Some(AwsAuth::Ambient))
}

/// `jwt` and `secretRef`: a token of a service account comes before static keys. `Some(None)` is one that is wrong.
pub(crate) fn identity(auth: &mut Fields<'_>, references: References<'_>) -> Option<Option<AwsAuth>> {
    let account = auth.object("jwt").and_then(|mut jwt| {
        let account = jwt.object("serviceAccountRef").map(|fields| references.service_account(fields));
        jwt.close();
        account
    });
    let account = account.map(|account| {
        let ServiceAccount { name, namespace, audiences } = account?;
        Some(AwsAuth::ServiceAccount { name, namespace, audiences })
    });
    let keys = auth.object("secretRef").map(|fields| static_keys(fields, references));
    account.or(keys)
}

fn static_keys(mut fields: Fields<'_>, references: References<'_>) -> Option<AwsAuth> {
    let access_key_id = references.required(&mut fields, "accessKeyIDSecretRef");
    let secret_access_key = references.required(&mut fields, "secretAccessKeySecretRef");
    let session_token =
        fields.object("sessionTokenSecretRef").map(|fields| references.secret_key(fields, None));
    fields.close();
    Some(AwsAuth::Static {
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
        session_token: match session_token {
            Some(token) => Some(token?),
            None => None,
        },
    })
}
