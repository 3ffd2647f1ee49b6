//! Trades one identity for another at STS: a token for a role, a role for the next.

use super::sts_call;
use crate::clients::Clients;
use aws_credential_types::Credentials;
use aws_sdk_sts as sts;
use pawl_domain::store::{AwsStore, SessionTagsPolicy};
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_pipeline::Error;
use std::time::SystemTime;

/// Trades a service account's token for credentials of a role.
pub(super) async fn web_identity(
    clients: &Clients,
    store: &AwsStore,
    role: &str,
    token: &SecretValue,
) -> Result<Credentials, Error> {
    let call = sts_call(store, "sts:AssumeRoleWithWebIdentity", role);
    let token = token.expose_str().ok_or_else(|| {
        Error::new(
            Step::Authenticate,
            Kind::Invalid,
            format!("{call}: the service account's token is not text"),
        )
    })?;
    let answer = clients
        .sts(&store.region)
        .assume_role_with_web_identity()
        .role_arn(role)
        .role_session_name(WEB_IDENTITY_SESSION)
        .web_identity_token(token)
        .send()
        .await;
    let answer = call.counted(answer)?;
    answer.credentials.map(credentials).ok_or_else(|| call.incomplete("credentials"))
}

/// Assumes the store's further roles in order, then its role, starting from `first` or from Pawl's own identity. Gives back
/// `first` where there is no role.
pub(super) async fn assume_roles(
    clients: &Clients,
    access: &Access,
    store: &AwsStore,
    first: Option<Credentials>,
) -> Result<Option<Credentials>, Error> {
    let mut held = first;
    for role in &store.additional_roles {
        held = Some(assume(clients, store, role, held, None).await?);
    }
    if let Some(role) = &store.role {
        held = Some(assume(clients, store, role, held, Some(access)).await?);
    }
    Ok(held)
}

/// The name that ESO gives these sessions; trust policies may demand it.
const WEB_IDENTITY_SESSION: &str = "external-secrets-provider-aws";

/// The name of sessions of assumed roles, as CloudTrail shows it. ESO gives them names of the moment.
const ROLE_SESSION: &str = "pawl";

async fn assume(
    clients: &Clients,
    store: &AwsStore,
    role: &str,
    held: Option<Credentials>,
    last: Option<&Access>,
) -> Result<Credentials, Error> {
    let call = sts_call(store, "sts:AssumeRole", role);
    let mut request = clients.sts(&store.region).assume_role().role_arn(role).role_session_name(ROLE_SESSION);
    if let Some(access) = last {
        request = request
            .set_external_id(store.external_id.clone())
            .set_tags(Some(tags(access, store, &call)?).filter(|tags| !tags.is_empty()))
            .set_transitive_tag_keys(Some(store.transitive_tag_keys.clone()).filter(|keys| !keys.is_empty()));
    }
    let mut request = request.customize();
    if let Some(held) = held {
        request = request.config_override(sts::config::Builder::new().credentials_provider(held));
    }
    let answer = call.counted(request.send().await)?;
    answer.credentials.map(credentials).ok_or_else(|| call.incomplete("credentials"))
}

fn tags(
    access: &Access,
    store: &AwsStore,
    call: &crate::error::Call<'_>,
) -> Result<Vec<sts::types::Tag>, Error> {
    let mut pairs = store.session_tags.clone();
    if let (SessionTagsPolicy::Simple, Some((namespace, id))) = (store.session_tags_policy, &access.tags) {
        let kind = if id.namespace.is_some() { "SecretStore" } else { "ClusterSecretStore" };
        pairs.extend([
            ("esoNamespace".to_owned(), namespace.to_string()),
            ("esoStoreName".to_owned(), id.name.to_string()),
            ("esoStoreKind".to_owned(), kind.to_owned()),
        ]);
    }
    let tag = |(key, value)| sts::types::Tag::builder().key(key).value(value).build();
    pairs.into_iter().map(tag).collect::<Result<_, _>>().map_err(|error| {
        Error::new(Step::Authenticate, Kind::Invalid, format!("{call}: the session tags are not usable"))
            .caused_by(error)
    })
}

fn credentials(answer: sts::types::Credentials) -> Credentials {
    let ends = SystemTime::try_from(answer.expiration).ok();
    Credentials::new(answer.access_key_id, answer.secret_access_key, Some(answer.session_token), ends, "sts")
}
