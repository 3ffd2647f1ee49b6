//! Trades one identity for another at STS: a token for a role, a role for the next.

use super::sts_call;
use crate::clients::Clients;
use aws_credential_types::Credentials;
use aws_sdk_sts as sts;
use pawl_domain::provider::Arn;
use pawl_domain::store::{AwsStore, SessionTagsPolicy};
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_ports::Error;
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
    credentials(answer.credentials, answer.assumed_role_user).ok_or_else(|| call.incomplete("credentials"))
}

/// The account of these credentials, or of Pawl's own identity.
pub(super) async fn caller_account(
    clients: &Clients,
    store: &AwsStore,
    held: Option<&Credentials>,
) -> Result<Option<String>, Error> {
    let call = sts_call(store, "sts:GetCallerIdentity", "the account");
    let mut request = clients.sts(&store.region).get_caller_identity().customize();
    if let Some(held) = held {
        request = request.config_override(sts::config::Builder::new().credentials_provider(held.clone()));
    }
    Ok(call.counted(request.send().await)?.account)
}

/// The roles of a store, assumed one after the other.
pub(super) struct Chain<'a> {
    pub(super) clients: &'a Clients,
    pub(super) access: &'a Access,
    pub(super) store: &'a AwsStore,
    /// The operator's external id, given to every role in place of the store's.
    pub(super) external_id: Option<&'a str>,
}

impl Chain<'_> {
    /// Assumes the store's further roles in order, then its role, starting from `first` or from Pawl's own identity. Gives
    /// back `first` where there is no role.
    pub(super) async fn assume(&self, first: Option<Credentials>) -> Result<Option<Credentials>, Error> {
        let mut held = first;
        for role in &self.store.additional_roles {
            held = Some(self.next(role, held, Place::Between).await?);
        }
        if let Some(role) = &self.store.role {
            held = Some(self.next(role, held, Place::Last).await?);
        }
        Ok(held)
    }

    async fn next(&self, role: &str, held: Option<Credentials>, place: Place) -> Result<Credentials, Error> {
        let Self { access, store, .. } = *self;
        let call = sts_call(store, "sts:AssumeRole", role);
        let tags = tags(access, store, place, &call)?;
        let own = store.external_id.as_deref().filter(|_| place == Place::Last);
        let transitive = store.transitive_tag_keys.clone();
        let transitive = Some(transitive).filter(|keys| !keys.is_empty() && place == Place::Last);
        let request = self
            .clients
            .sts(&store.region)
            .assume_role()
            .role_arn(role)
            .role_session_name(session_name(access))
            .set_external_id(self.external_id.or(own).map(str::to_owned))
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .set_transitive_tag_keys(transitive);
        let mut request = request.customize();
        if let Some(held) = held {
            request = request.config_override(sts::config::Builder::new().credentials_provider(held));
        }
        let answer = call.counted(request.send().await)?;
        credentials(answer.credentials, answer.assumed_role_user)
            .ok_or_else(|| call.incomplete("credentials"))
    }
}

/// The name that ESO gives these sessions; trust policies may demand it.
const WEB_IDENTITY_SESSION: &str = "external-secrets-provider-aws";

/// Where a role stands in a store's chain: external id and the store's own tags are for the last one.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Between,
    Last,
}

/// The name of a session, as CloudTrail shows it and trust policies may demand it: `pawl-<cluster>-<namespace>` as far as the
/// identity depends on them. ESO gives sessions names of the moment.
fn session_name(access: &Access) -> String {
    let namespace = access.tags.as_ref().map(|(namespace, _)| namespace).or(access.namespace.as_ref());
    let parts =
        [Some("pawl"), access.cluster.as_ref().map(|it| it.as_str()), namespace.map(|it| it.as_str())];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join("-");
    // Source: API reference of AssumeRole, RoleSessionName.
    let allowed = |each: char| each.is_ascii_alphanumeric() || "_=,.@-".contains(each);
    name.chars().map(|each| if allowed(each) { each } else { '-' }).take(64).collect()
}

/// The session tags: of the last role those that the store lists, then Pawl's own, which no manifest can set
/// (`pawl:cluster`, `pawl:namespace`, `pawl:store`), as far as the identity depends on them.
fn tags(
    access: &Access,
    store: &AwsStore,
    place: Place,
    call: &crate::error::Call<'_>,
) -> Result<Vec<sts::types::Tag>, Error> {
    let mut pairs = Vec::new();
    if place == Place::Last {
        pairs.extend(store.session_tags.iter().filter(|(key, _)| !key.starts_with("pawl:")).cloned());
        if let (SessionTagsPolicy::Simple, Some((namespace, id))) = (store.session_tags_policy, &access.tags)
        {
            pairs.extend([
                ("esoNamespace".to_owned(), namespace.to_string()),
                ("esoStoreName".to_owned(), id.name.to_string()),
                ("esoStoreKind".to_owned(), id.kind().to_owned()),
            ]);
        }
    }
    if let (Some(cluster), Some((namespace, id))) = (&access.cluster, &access.tags) {
        let store = match &id.namespace {
            Some(namespace) => format!("{namespace}/{}", id.name),
            None => id.name.to_string(),
        };
        pairs.extend([
            ("pawl:cluster".to_owned(), cluster.to_string()),
            ("pawl:namespace".to_owned(), namespace.to_string()),
            ("pawl:store".to_owned(), store),
        ]);
    }
    let tag = |(key, value)| sts::types::Tag::builder().key(key).value(value).build();
    pairs.into_iter().map(tag).collect::<Result<_, _>>().map_err(|error| {
        Error::new(Step::Authenticate, Kind::Invalid, format!("{call}: the session tags are not usable"))
            .caused_by(error)
    })
}

/// What STS gave, with the account of the role.
fn credentials(
    given: Option<sts::types::Credentials>,
    user: Option<sts::types::AssumedRoleUser>,
) -> Option<Credentials> {
    let given = given?;
    let account = user.and_then(|user| Some(Arn::parse(&user.arn)?.account.to_owned()));
    let mut credentials = Credentials::builder()
        .access_key_id(given.access_key_id)
        .secret_access_key(given.secret_access_key)
        .session_token(given.session_token)
        .provider_name("sts");
    credentials.set_expiry(SystemTime::try_from(given.expiration).ok());
    credentials.set_account_id(account.filter(|account| !account.is_empty()).map(Into::into));
    Some(credentials.build())
}
