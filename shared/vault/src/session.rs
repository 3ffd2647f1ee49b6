//! Identities: proven once, kept, renewed before they end, revoked when they are no longer needed.
//!
//! Stores that differ only in what they read share one [`Session`]: one login serves every mount of a server. A token
//! that a login gave is renewed while the server lets it, which needs no credentials of the cluster; then the store logs in
//! anew. A token that stands in a Secret is read again every minute and never revoked.
//!
//! | module | holds |
//! |---|---|
//! | `lease` | a token that a login gave: renewed, and revoked once nobody uses it |
//! | `login` | the auth methods |
//! | `audience` | for whom a service account's token is made |
//! | `proofs` | what stands in target clusters: passwords, tokens, certificates |
//! | `gcp` | the signed statement that Google's service accounts log in with |

mod gcp;
mod lease;
mod login;
mod proofs;

use crate::answer::Auth;
use crate::call::LOGIN;
use crate::link::Link;
use crate::options::Options;
use crate::rules::Rules;
use jiff::{SignedDuration, Timestamp};
use lease::Lease;
use pawl_domain::store::{KvVersion, OpenBaoStore, VaultAuth, VaultStore};
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_ports::{CallerIdentity, Clock, ClusterCredentials, Error};
use pawl_stores::kit::{self, Call, Cells, Proof};
use proofs::Proofs;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// A proven identity at one server.
#[derive(Debug)]
pub(crate) struct Session {
    /// The way to the server.
    pub(crate) link: Arc<Link>,
    /// What requests carry; nothing for a store without `auth`.
    pub(crate) token: Option<SecretValue>,
    /// This identity may not read metadata: it is not asked again with this token.
    pub(crate) no_metadata: AtomicBool,
    /// Paths whose data is made anew for each read.
    pub(crate) leased: Mutex<BTreeSet<String>>,
    lease: Option<Arc<Lease>>,
}

/// The identities of all accesses.
pub(crate) struct Identities<C, A> {
    clusters: Arc<C>,
    aws: Arc<A>,
    clock: Arc<dyn Clock>,
    options: Options,
    cells: Cells<Session>,
}

impl<C: ClusterCredentials, A: CallerIdentity> Identities<C, A> {
    /// No identity is proven yet.
    pub(crate) fn new(clusters: Arc<C>, aws: Arc<A>, clock: Arc<dyn Clock>, options: Options) -> Self {
        Self { clusters, aws, clock, options, cells: Cells::default() }
    }

    /// The identity's session. Of callers at the same time one proves it and all get the outcome.
    ///
    /// # Errors
    /// Of step `Authenticate`, and never of kind `NotFound`: that a Secret with credentials is missing says nothing about
    /// keys. A failure stands for a few seconds.
    pub(crate) async fn session(&self, access: &Access) -> Result<Arc<Session>, Error> {
        let identity = identity(access)?;
        let prove = |last| self.prove(&identity, last);
        self.cells.of(&identity).session(self.clock.as_ref(), prove).await
    }

    /// Gives up a session that the store refused with this error, so that the next caller logs in anew. False when that would
    /// bring nothing else.
    pub(crate) async fn give_up(&self, access: &Access, session: &Arc<Session>, refusal: &Error) -> bool {
        let Ok(identity) = identity(access) else { return false };
        if engine(access).is_ok_and(|store| store.auth.is_none()) {
            return false;
        }
        let token_refused = refusal.step == Step::Authenticate;
        if token_refused && let Some(lease) = &session.lease {
            lease.is_over();
        }
        // A refusal by policy may be one of a token that an older server does not know any more, or one that a new login
        // with new policies mends. Neither is likely, so it is not tried for every such key.
        let age = if token_refused { REFUSED_TOKEN } else { REFUSED_ACCESS };
        self.cells.of(&identity).give_up(self.clock.as_ref(), session, age).await
    }

    /// Revokes every token that a login gave, within the time that one call may take. Nothing is proven any more after that,
    /// until somebody asks again.
    pub(crate) async fn close(&self) {
        let revoked = self.cells.take().into_iter().map(|cell| async move {
            if let Some(lease) = cell.take().await.and_then(|session| session.lease.clone()) {
                lease.revoke().await;
            }
        });
        futures::future::join_all(revoked).await;
    }

    async fn prove(&self, identity: &Access, last: Option<Arc<Session>>) -> Result<Proof<Session>, Error> {
        let store = engine(identity)?;
        let server = Rules::of(identity).server(store);
        let now = self.clock.now();
        if let Some(renewed) = renew(last.as_deref(), now).await {
            return Ok(renewed);
        }
        let proofs = Proofs {
            read: kit::Proofs { clusters: self.clusters.as_ref(), access: identity, server },
            store,
            options: &self.options,
        };
        let material = proofs.material().await?;
        let call = Call { step: Step::Authenticate, server, action: LOGIN, subject: &login::place(store) };
        let link = match last.filter(|last| *last.link.material() == material) {
            Some(last) => Arc::clone(&last.link),
            None => Arc::new(Link::open(store, material, &self.options, &identity.grant.reach, &call).await?),
        };
        let (token, lease, until) = match &store.auth {
            None => (None, None, after(now, LONGEST)),
            Some(VaultAuth::Token(at)) => {
                (Some(proofs.read.secret(at).await?), None, after(now, STATIC_TOKEN))
            }
            Some(auth) => {
                let gave = self.log_in(&proofs, auth, &link, &call).await?;
                let until = renewal(now, gave.lease_duration);
                let lease = Lease::new(&gave, Arc::clone(&link), login::namespace(store), &call);
                (Some(lease.token().clone()), Some(Arc::new(lease)), until)
            }
        };
        Ok(Proof { session: Arc::new(Session::new(link, token, lease)), since: now, until })
    }

    async fn log_in(
        &self,
        proofs: &Proofs<'_, C>,
        auth: &VaultAuth,
        link: &Link,
        call: &Call<'_>,
    ) -> Result<Auth, Error> {
        let request = login::request(proofs, auth, self.aws.as_ref(), self.clock.now(), call).await?;
        call.counted(request.send(proofs.store, link, call).await)
    }
}

impl Session {
    fn new(link: Arc<Link>, token: Option<SecretValue>, lease: Option<Arc<Lease>>) -> Self {
        Self { link, token, no_metadata: AtomicBool::new(false), leased: Mutex::default(), lease }
    }
}

/// The same token for longer, where it is one that can be renewed and the server does so.
async fn renew(last: Option<&Session>, now: Timestamp) -> Option<Proof<Session>> {
    let last = last?;
    let lease = last.lease.as_ref()?;
    let left = lease.renew().await?;
    let session = Session {
        leased: Mutex::new(last.leased.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        ..Session::new(Arc::clone(&last.link), last.token.clone(), Some(Arc::clone(lease)))
    };
    Some(Proof { session: Arc::new(session), since: now, until: renewal(now, left) })
}

/// How old a session must be before a refusal of its token is a reason to log in anew.
const REFUSED_TOKEN: SignedDuration = SignedDuration::from_secs(5);
/// The same for a refusal that may be the policies'.
const REFUSED_ACCESS: SignedDuration = SignedDuration::from_mins(1);

/// A token in a Secret is read again after this time, so that rotating it needs nobody to tell Pawl.
const STATIC_TOKEN: SignedDuration = SignedDuration::from_secs(60);

/// How long before its end a token is renewed: longer than any call takes.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The longest that a token is used without a word about it, and the time that one without an end gets.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// When a token that lives for so many seconds is renewed: five minutes before its end, half way where it lives shorter.
fn renewal(now: Timestamp, seconds: u64) -> Timestamp {
    let left = i64::try_from(seconds).map_or(LONGEST, SignedDuration::from_secs);
    let used = match left {
        SignedDuration::ZERO => LONGEST,
        left => (left - MARGIN).max(left / 2).min(LONGEST),
    };
    after(now, used)
}

fn after(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.saturating_add(time).unwrap_or(now)
}

/// The access without what plays no part in proving it.
fn identity(access: &Access) -> Result<Access, Error> {
    let store = VaultStore { path: None, version: KvVersion::default(), ..engine(access)?.clone() };
    let backend = match access.backend.as_open_bao() {
        Some(_) => OpenBaoStore::new(store).into(),
        None => store.into(),
    };
    Ok(Access { backend, ..access.clone() })
}

/// The declared engine behind an identity.
pub(crate) fn engine(access: &Access) -> Result<&VaultStore, Error> {
    access.backend.as_engine().ok_or_else(|| {
        let message = format!("{} has no KV engines", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_before_they_end() {
        let now = Timestamp::UNIX_EPOCH;
        for (lives, used) in [
            (2_764_800, 3600),
            (3900, 3600),
            (3600, 3300),
            (900, 600),
            (600, 300),
            (60, 30),
            (1, 0),
            (0, 3600),
        ] {
            assert_eq!(renewal(now, lives).as_second(), used, "lives for {lives} s");
        }
    }
}
