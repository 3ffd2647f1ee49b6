//! `spec.provider.aws` of a store.
//!
//! Source of fields and rules: ESO's AWS provider, version 2.9.

use super::reader::Fields;
use pawl_domain::store::{AwsAuth, AwsService, AwsStore, Backend, SecretKeyRef, SessionTagsPolicy};
use pawl_domain::{Namespace, ObjectName};

/// The backend of a store in `own` namespace (`None`: a ClusterSecretStore).
pub(super) fn read(
    mut fields: Fields<'_>,
    own: Option<&Namespace>,
    max_retries: Option<u32>,
) -> Option<Backend> {
    let service = service(&mut fields);
    let region = fields.required("region", "the region, such as eu-central-1").map(str::to_owned);
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
    };
    fields.unsupported("customSessionTags");
    // How PushSecrets delete; nothing is pushed.
    fields.without_effect(&["secretsManager"]);
    fields.close();
    (service.is_some() && region.is_some() && auth.is_some()).then_some(Backend::Aws(store))
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

fn tag(mut fields: Fields<'_>) -> Option<(String, String)> {
    let key = fields.required("key", "the tag's key").map(str::to_owned);
    let value = fields.text("value").unwrap_or_default().to_owned();
    fields.close();
    Some((key?, value))
}

/// A token of a service account comes before static keys; without either, the identity that Pawl runs with is used.
fn read_auth(mut auth: Fields<'_>, own: Option<&Namespace>) -> Option<AwsAuth> {
    let account = auth.object("jwt").and_then(|mut jwt| {
        let account = jwt.object("serviceAccountRef").map(|fields| service_account(fields, own));
        jwt.close();
        account
    });
    let keys = auth.object("secretRef").map(|fields| static_keys(fields, own));
    auth.close();
    account.or(keys).unwrap_or(Some(AwsAuth::Ambient))
}

fn service_account(mut fields: Fields<'_>, own: Option<&Namespace>) -> Option<AwsAuth> {
    let name = required_name(&mut fields, "the service account's name");
    let namespace = namespace(&mut fields, own);
    let audiences = fields.texts("audiences");
    fields.close();
    Some(AwsAuth::ServiceAccount { name: name?, namespace, audiences })
}

fn static_keys(mut fields: Fields<'_>, own: Option<&Namespace>) -> Option<AwsAuth> {
    for field in ["accessKeyIDSecretRef", "secretAccessKeySecretRef"] {
        if !fields.has(field) {
            fields.error(field, "is missing; static keys need it");
        }
    }
    let mut key = |field| fields.object(field).map(|fields| secret_key(fields, own));
    let access_key_id = key("accessKeyIDSecretRef");
    let secret_access_key = key("secretAccessKeySecretRef");
    let session_token = key("sessionTokenSecretRef");
    fields.close();
    Some(AwsAuth::Static {
        access_key_id: access_key_id??,
        secret_access_key: secret_access_key??,
        session_token: match session_token {
            Some(token) => Some(token?),
            None => None,
        },
    })
}

fn secret_key(mut fields: Fields<'_>, own: Option<&Namespace>) -> Option<SecretKeyRef> {
    let name = required_name(&mut fields, "the Secret's name");
    let key = fields.required("key", "the key in the Secret").map(str::to_owned);
    let namespace = namespace(&mut fields, own);
    fields.close();
    Some(SecretKeyRef { name: name?, key: key?, namespace })
}

fn required_name(fields: &mut Fields<'_>, what: &str) -> Option<ObjectName> {
    fields.required("name", what)?;
    fields.name("name")
}

/// The namespace of a reference. A SecretStore may only refer to its own: credentials of others are not its to use.
fn namespace(fields: &mut Fields<'_>, own: Option<&Namespace>) -> Option<Namespace> {
    let namespace: Option<Namespace> = fields.name("namespace");
    let Some(own) = own else { return namespace };
    if namespace.as_ref().is_some_and(|namespace| namespace != own) {
        fields.error("namespace", format!("must be the store's own namespace {own}; leave it out"));
    }
    None
}
