//! What all adapters do around what is particular to each: identities are proven once and shared, a token that is refused is had
//! anew, each key is asked for once.

use super::{Batch, Bounds, Cells, Link, Material, PlainHttp, Proof, Proofs, Server};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::Backend;
use pawl_domain::{Access, DigestKey, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Listing, Sources, Wanted};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What is particular to the stores of one provider. Its calls are given the identity's session; those that fail because the
/// session's token is refused ([`Call::denied`](super::Call::denied)) are made once more with a new one.
pub trait Dialect: Send + Sync + Sized + 'static {
    /// Whose stores they are.
    const PROVIDER: Provider;
    /// What a proven identity asks with.
    type Session: fmt::Debug + Send + Sync + 'static;

    /// Proves an identity, and says how long it counts as proven; `last` is what was proven before.
    fn prove<C: ClusterCredentials>(
        proving: Prover<'_, C>,
        last: Option<Arc<Self::Session>>,
    ) -> impl Future<Output = Result<(Self::Session, SignedDuration), Error>> + Send;

    /// The values of these, each once, one answer for each, in order.
    ///
    /// # Errors
    /// Where all fail alike. Each answer has failures of its own.
    fn values(
        asking: &Asking<Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Fetched, Error>>, Error>> + Send;

    /// The versions of these, in the same way. Unless a dialect says otherwise, the values are read and dropped.
    ///
    /// # Errors
    /// As for [`Dialect::values`].
    fn versions(
        asking: &Asking<Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Version, Error>>, Error>> + Send {
        async {
            let read = Self::values(asking, wanted).await?;
            Ok(read.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect())
        }
    }

    /// As [`Sources::find`]. What the store refuses ([`Backend::refuses`]) is not handed to it.
    ///
    /// # Errors
    /// Where it cannot be searched.
    fn find(
        asking: &Asking<Self>,
        find: &Find,
        keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send;

    /// As [`Sources::changed_since`].
    ///
    /// # Errors
    /// Where nothing can be listed, as it is unless a dialect says otherwise.
    fn listing(
        asking: &Asking<Self>,
        since: Option<Timestamp>,
    ) -> impl Future<Output = Result<Listing, Error>> + Send {
        let _ = since;
        let what = "it does not tell what changed; ask for the versions of known keys";
        let refused =
            Error::new(Step::Fetch, Kind::Invalid, format!("{}: {what}", asking.access.backend.location()));
        async { Err(refused) }
    }
}

/// The stores of a provider as [`Sources`].
pub struct Adapter<D: Dialect, C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    digest_key: DigestKey,
    bounds: Bounds,
    at: Option<String>,
    sessions: Cells<D::Session>,
}

/// An identity that is to be proven.
pub struct Prover<'a, C> {
    /// The clusters that hold what proves it.
    pub clusters: &'a C,
    /// The identity.
    pub access: &'a Access,
    /// The bounds of its calls.
    pub bounds: &'a Bounds,
    /// Where the services are whose hosts no manifest names; `None` for their own.
    pub at: Option<&'a str>,
    /// The present time.
    pub now: Timestamp,
}

/// A proven identity that asks.
pub struct Asking<D: Dialect> {
    /// The session.
    pub session: Arc<D::Session>,
    /// The identity.
    pub access: Access,
    /// The present time.
    pub now: Timestamp,
    digest_key: DigestKey,
}

impl<D: Dialect, C: ClusterCredentials> Adapter<D, C> {
    /// Sources that take what proves identities from `clusters`. The digest key is the ledger's.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self {
        let (bounds, sessions) = (Bounds::default(), Cells::default());
        Self { clusters, clock, digest_key, bounds, at: None, sessions }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same with services at one address whose hosts no manifest names, for tests. Nothing is then asked of the real ones.
    #[must_use]
    pub fn at(self, address: &str) -> Self {
        Self { at: Some(address.to_owned()), ..self }
    }

    async fn asked<T, A>(&self, access: &Access, ask: impl Fn(Asking<D>) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let (clock, prove) = (self.clock.as_ref(), |last| self.prove(access, last));
        let ask = |session| {
            let (access, digest_key) = (access.clone(), self.digest_key.clone());
            ask(Asking { session, access, now: clock.now(), digest_key })
        };
        self.sessions.asked(clock, access, prove, is_of_token, ask).await
    }

    async fn prove(
        &self,
        access: &Access,
        last: Option<Arc<D::Session>>,
    ) -> Result<Proof<D::Session>, Error> {
        let since = self.clock.now();
        let proving = Prover {
            clusters: self.clusters.as_ref(),
            access,
            bounds: &self.bounds,
            at: self.at.as_deref(),
            now: since,
        };
        let (session, life) = D::prove(proving, last).await?;
        let until = since.saturating_add(life).unwrap_or(since);
        Ok(Proof { session: Arc::new(session), since, until })
    }
}

impl<D: Dialect, C: ClusterCredentials> Sources for Adapter<D, C> {
    fn providers(&self) -> Vec<Provider> {
        vec![D::PROVIDER]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        let prove = |last| self.prove(access, last);
        self.sessions.of(access).session(self.clock.as_ref(), prove).await.map(|_| ())
    }

    #[tracing::instrument(skip_all, fields(store.provider = %D::PROVIDER, keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let distinct = &batch.distinct;
        let ask = |asking: Asking<D>| async move { whole(D::values(&asking, distinct).await?) };
        batch.answers(self.asked(access, ask).await)
    }

    #[tracing::instrument(skip_all, fields(store.provider = %D::PROVIDER))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        if let Some(refusal) = access.backend.refuses(find) {
            let message = format!("{}: find: {refusal}", access.backend.location());
            return Err(Error::new(Step::Fetch, Kind::Invalid, message));
        }
        self.asked(access, |asking| async move { D::find(&asking, find, keep).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = %D::PROVIDER))]
    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        self.asked(access, |asking| async move { D::listing(&asking, since).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = %D::PROVIDER, keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let distinct = &batch.distinct;
        let ask = |asking: Asking<D>| async move { whole(D::versions(&asking, distinct).await?) };
        batch.answers(self.asked(access, ask).await)
    }
}

impl<C: ClusterCredentials> Prover<'_, C> {
    /// What stands in the identity's cluster.
    pub fn proofs<'s>(&'s self, server: Server<'s>) -> Proofs<'s, C> {
        Proofs { clusters: self.clusters, access: self.access, server }
    }

    /// A connection; the last one where it is made of the same.
    ///
    /// # Errors
    /// As for [`Link::kept`].
    pub async fn link(
        &self,
        server: Server<'_>,
        material: Material,
        last: Option<&Arc<Link>>,
    ) -> Result<Arc<Link>, Error> {
        let (reach, plain) = (&self.access.grant.reach, PlainHttp::Refused(None));
        Link::kept(last, server, material, self.bounds, reach, plain).await
    }
}

impl<D: Dialect> Asking<D> {
    /// A value whose version only it tells: a digest of it, for a version is remembered and must not tell the value.
    pub fn digested(&self, value: SecretValue) -> Fetched {
        let id = self.digest_key.parts().with(value.expose()).digest();
        self.versioned(value, Version { id, since: None })
    }

    /// A value with its version.
    pub fn versioned(&self, value: SecretValue, version: Version) -> Fetched {
        Fetched { provider: D::PROVIDER, value, version, labels: Vec::new() }
    }

    /// The store's spec.
    ///
    /// # Errors
    /// `Invalid` for the store of another provider.
    pub fn store<'s, S>(&'s self, taken: impl FnOnce(&'s Backend) -> Option<&'s S>) -> Result<&'s S, Error> {
        of::<D, S>(&self.access, taken)
    }
}

/// The spec of a store of this provider.
///
/// # Errors
/// `Invalid` for the store of another one.
pub fn of<'s, D: Dialect, S>(
    access: &'s Access,
    taken: impl FnOnce(&'s Backend) -> Option<&'s S>,
) -> Result<&'s S, Error> {
    taken(&access.backend).ok_or_else(|| {
        let message = format!("{} is none of {}", access.backend.location(), D::PROVIDER);
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}

/// Makes many calls, so many at a time, and gives their answers in order.
pub async fn together<T>(bounds: &Bounds, calls: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(calls).buffered(bounds.concurrency.max(1)).collect().await
}

/// Whether the server does not take the token.
fn is_of_token(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

/// The answers, unless one of them is that the token was refused: then all are asked for again.
fn whole<T>(answers: Vec<Result<T, Error>>) -> Result<Vec<Result<T, Error>>, Error> {
    match answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_of_token(error)) {
        Some(refused) => Err(refused.shared()),
        None => Ok(answers),
    }
}
