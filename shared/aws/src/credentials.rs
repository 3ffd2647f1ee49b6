//! Proves identities to AWS, as ESO does it for a store.
//!
//! The store's `auth` gives the first credentials: a service account's token traded for a role, static keys of a Secret, or
//! what Pawl itself runs with. `additionalRoles` are assumed with them one after the other, then `role`. What comes out
//! serves as a [`Session`] until shortly before it ends; whoever needs it then renews it, alone, and the others wait.
//!
//! Source: ESO's AWS provider, its order of credentials and its defaults.

mod exchange;

use crate::clients::Clients;
use crate::error::Call;
use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{AwsAuth, AwsStore, SecretKeyRef, SessionTagsPolicy};
use pawl_domain::{Access, ClusterName, Kind, Namespace, ObjectName, Step};
use pawl_ports::{Clock, ClusterCredentials, Error};
use pawl_stores::kit::{Cells, Proof, REFUSED};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A proven identity, for as long as its credentials hold.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// What calls are signed with; `None` leaves it to the SDK's default chain.
    pub(crate) credentials: Option<Credentials>,
    /// This identity may not read keys in batches: it is not asked again with these credentials.
    pub(crate) no_batches: AtomicBool,
    /// It has been said that a listing comes out of order.
    pub(crate) disorder_told: AtomicBool,
    /// The account, once somebody asked for it; `None` in it when nobody could say.
    account: OnceCell<Option<String>>,
}

/// The identities of all accesses.
pub(crate) struct Identities<C> {
    clients: Arc<Clients>,
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    cells: Cells<Session>,
    /// Whether sessions of roles carry the names of cluster, namespace and store.
    pub(crate) tenant_tags: bool,
    /// Given to every role in place of what manifests say.
    pub(crate) external_id: Option<String>,
}

impl<C: ClusterCredentials> Identities<C> {
    /// No identity is proven yet.
    pub(crate) fn new(clients: Arc<Clients>, clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        Self { clients, clusters, clock, cells: Cells::default(), tenant_tags: true, external_id: None }
    }

    /// The identity's session. Of callers at the same time one proves it and all get the outcome.
    ///
    /// # Errors
    /// Of step `Authenticate`, and never of kind `NotFound`: that a Secret with credentials is missing says nothing about
    /// keys. A failure stands for a few seconds.
    pub(crate) async fn session(&self, access: &Access) -> Result<Arc<Session>, Error> {
        let identity = self.identity(access);
        let access = identity.as_ref();
        self.cells.of(access).session(self.clock.as_ref(), |_| self.prove(access)).await
    }

    /// The account of the identity: STS names it when it gives out a role, and is asked otherwise. A failure stands as long as
    /// the session, so that a network without STS costs one pause and not one for each change.
    pub(crate) async fn account(&self, access: &Access) -> Option<String> {
        let store = aws_store(access).ok()?;
        let session = self.session(access).await.ok()?;
        let ask = || async {
            let held = session.credentials.as_ref();
            if let Some(account) = held.and_then(Credentials::account_id) {
                return Some(account.as_str().to_owned());
            }
            let asked = exchange::caller_account(&self.clients, store, held);
            match tokio::time::timeout(WHO_AM_I, asked).await {
                Ok(Ok(account)) => account,
                Ok(Err(error)) => {
                    tracing::debug!(
                        "the account is not known, changes of all accounts are looked at: {error}"
                    );
                    None
                }
                Err(_) => None,
            }
        };
        session.account.get_or_init(ask).await.clone()
    }

    /// Gives up a session that the store refused, so that the next caller proves the identity anew. False when that would
    /// bring nothing else.
    pub(crate) async fn give_up(&self, access: &Access, session: &Arc<Session>) -> bool {
        let identity = self.identity(access);
        let access = identity.as_ref();
        // What the SDK's default chain gives is renewed by the SDK.
        session.credentials.is_some()
            && self.cells.of(access).give_up(self.clock.as_ref(), session, REFUSED).await
    }

    /// The access without what plays no part in proving it: without tenants' tags, one session of a role serves all.
    fn identity<'a>(&self, access: &'a Access) -> Cow<'a, Access> {
        let named = aws_store(access).is_ok_and(|store| store.session_tags_policy != SessionTagsPolicy::None);
        if self.tenant_tags || access.tags.is_none() {
            return Cow::Borrowed(access);
        }
        Cow::Owned(Access {
            cluster: access.cluster.clone().filter(|_| access.namespace.is_some()),
            tags: access.tags.clone().filter(|_| named),
            ..access.clone()
        })
    }

    /// What stands in target clusters.
    pub(crate) fn clusters(&self) -> &C {
        &self.clusters
    }

    /// The time, by the clock that sessions end by.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn prove(&self, access: &Access) -> Result<Proof<Session>, Error> {
        let store = aws_store(access)?;
        let now = self.clock.now();
        let first = match &store.auth {
            AwsAuth::Ambient => None,
            AwsAuth::Static { access_key_id, secret_access_key, session_token } => {
                let id = self.secret_text(access, store, access_key_id).await?;
                let secret = self.secret_text(access, store, secret_access_key).await?;
                let token = match session_token {
                    Some(at) => Some(self.secret_text(access, store, at).await?),
                    None => None,
                };
                Some(Credentials::new(id, secret, token, None, "store"))
            }
            AwsAuth::ServiceAccount { name, audiences, .. } => {
                Some(self.web_identity(access, store, name, audiences).await?)
            }
        };
        let external_id = self.external_id.as_deref();
        let chain = exchange::Chain { clients: &self.clients, access, store, external_id };
        let credentials = chain.assume(first).await?;
        let ends = credentials.as_ref().and_then(Credentials::expiry);
        let ends = ends.and_then(|ends| Timestamp::try_from(ends).ok());
        let until = match ends {
            Some(ends) => renewal(now, ends),
            None if matches!(store.auth, AwsAuth::Static { .. }) => {
                now.saturating_add(STATIC_KEYS).unwrap_or(now)
            }
            None => now.saturating_add(ENDLESS).unwrap_or(now),
        };
        Ok(Proof { session: Arc::new(Session { credentials, ..Session::default() }), since: now, until })
    }

    async fn secret_text(
        &self,
        access: &Access,
        store: &AwsStore,
        at: &SecretKeyRef,
    ) -> Result<String, Error> {
        let (cluster, namespace) = proof_of(access, store)?;
        let place = format!("key {:?} of Secret {namespace}/{}", at.key, at.name);
        if at.namespace.as_ref().is_some_and(|named| named != namespace) {
            let what =
                format!("{place}: another namespace than the access key's; keep all keys in one namespace");
            return Err(unusable(store, cluster, &what));
        }
        let named = SecretKeyAt { namespace: namespace.clone(), name: at.name.clone(), key: at.key.clone() };
        let value = self
            .clusters
            .secret_key(cluster, &named)
            .await
            .map_err(|error| not_proven(store, cluster, &place, error))?;
        let text =
            value.expose_str().ok_or_else(|| unusable(store, cluster, &format!("{place}: not text")))?;
        Ok(text.to_owned())
    }

    async fn web_identity(
        &self,
        access: &Access,
        store: &AwsStore,
        name: &ObjectName,
        audiences: &[String],
    ) -> Result<Credentials, Error> {
        let (cluster, namespace) = proof_of(access, store)?;
        let place = format!("service account {namespace}/{name}");
        let annotations = self
            .clusters
            .service_account(cluster, namespace, name)
            .await
            .map_err(|error| not_proven(store, cluster, &place, error))?;
        let Some(role) = annotations.get(ROLE).filter(|role| !role.is_empty()) else {
            return Err(unusable(
                store,
                cluster,
                &format!("{place}: lacks the annotation {ROLE}; name the role there"),
            ));
        };
        let audience = annotations.get(AUDIENCE).filter(|text| !text.is_empty());
        let audience = audience.map_or(DEFAULT_AUDIENCE, String::as_str).to_owned();
        let audiences: Vec<_> = std::iter::once(audience).chain(audiences.iter().cloned()).collect();
        let token = self
            .clusters
            .service_account_token(cluster, namespace, name, &audiences)
            .await
            .map_err(|error| not_proven(store, cluster, &place, error))?;
        exchange::web_identity(&self.clients, store, role, &token).await
    }
}

/// Source: EKS pod identity webhook, whose annotations ESO reads.
const ROLE: &str = "eks.amazonaws.com/role-arn";
const AUDIENCE: &str = "eks.amazonaws.com/audience";
const DEFAULT_AUDIENCE: &str = "sts.amazonaws.com";

/// How long STS may take to say whose an identity is: a change waits for it.
const WHO_AM_I: Duration = Duration::from_secs(2);

/// Static keys are read again after this time, so that rotating or removing them needs nobody to tell Pawl. Shorter than
/// most intervals, so that a sweep sees what became of them.
const STATIC_KEYS: SignedDuration = SignedDuration::from_secs(15);

/// How long credentials without an end are used.
const ENDLESS: SignedDuration = SignedDuration::from_mins(15);

/// How long before their end credentials are renewed: longer than any call takes.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// When credentials that end then are renewed: five minutes before, or half way for those that live shorter.
fn renewal(now: Timestamp, ends: Timestamp) -> Timestamp {
    let left = ends.duration_since(now);
    let used = (left - MARGIN).max(left / 2).max(SignedDuration::ZERO);
    now.saturating_add(used).unwrap_or(now)
}

/// The declared store behind an identity.
pub(crate) fn aws_store(access: &Access) -> Result<&AwsStore, Error> {
    access.backend.as_aws().ok_or_else(|| {
        let message = format!("{} is not a store of AWS", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}

/// The cluster and namespace whose Secrets and service accounts prove this identity.
fn proof_of<'a>(access: &'a Access, store: &AwsStore) -> Result<(&'a ClusterName, &'a Namespace), Error> {
    match (&access.cluster, &access.namespace) {
        (Some(cluster), Some(namespace)) => Ok((cluster, namespace)),
        _ => Err(Error::new(
            Step::Authenticate,
            Kind::Invalid,
            format!("{} in {}: no cluster to read credentials from", store.service.provider(), store.region),
        )),
    }
}

/// A failure of the cluster's, as one of the identity's.
fn not_proven(store: &AwsStore, cluster: &ClusterName, place: &str, error: Error) -> Error {
    let kind = if error.kind == Kind::NotFound { Kind::Invalid } else { error.kind };
    let message =
        format!("{} in {}: {place} of cluster {cluster}: {error}", store.service.provider(), store.region);
    Error::new(Step::Authenticate, kind, message).caused_by(error)
}

fn unusable(store: &AwsStore, cluster: &ClusterName, what: &str) -> Error {
    let message = format!("{} in {}: cluster {cluster}: {what}", store.service.provider(), store.region);
    Error::new(Step::Authenticate, Kind::Invalid, message)
}

/// A call of STS, as messages and metrics name it.
fn sts_call<'a>(store: &'a AwsStore, action: &'static str, role: &'a str) -> Call<'a> {
    Call { step: Step::Authenticate, service: "sts", region: &store.region, action, subject: role }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_before_they_end() {
        let now = Timestamp::UNIX_EPOCH;
        let after = |seconds: i64| now + SignedDuration::from_secs(seconds);
        for (ends, renewed) in [(3600, 3300), (900, 600), (600, 300), (60, 30), (0, 0), (-10, 0)] {
            assert_eq!(renewal(now, after(ends)), after(renewed), "ends after {ends} s");
        }
    }
}
