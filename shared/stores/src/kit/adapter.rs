//! The frame of every adapter. It proves each identity once and shares the session, proves it anew after a refusal, and asks
//! for each key once. A [`Dialect`] adds what is particular to a provider.

use super::{Asked, Batch, Bounds, Cells, Proof, Proofs, Proving, Server};
use futures::{StreamExt, stream};
use pawl_domain::grant::Origin;
use pawl_domain::store::Backend;
use pawl_domain::{Access, DigestKey, Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Listing, Sources, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is particular to the stores of one provider; [`Adapter`] makes [`Sources`] of it.
///
/// An error of step `Authenticate` and kind `Denied`, be it one answer of many, means that the server does not take the proof of
/// the identity: then the identity is proven anew and everything is asked for once more.
pub trait Dialect: Send + Sync + Sized + 'static {
    /// The store's own spec.
    type Spec: Clone + Into<Backend> + Send + Sync;
    /// What a proven identity asks with.
    type Session: Send + Sync;

    /// Whose stores they are.
    const PROVIDER: Provider;

    /// The spec, where the store is one of these.
    fn spec(backend: &Backend) -> Option<&Self::Spec>;

    /// The spec without what plays no part in proving an identity. Stores that differ in nothing else share a session.
    fn identity(spec: &Self::Spec) -> Self::Spec {
        spec.clone()
    }

    /// What messages call the server.
    fn server<'a>(&'a self, spec: &'a Self::Spec) -> Server<'a>;

    /// The bounds of every call.
    fn bounds() -> Bounds {
        Bounds::default()
    }

    /// Proves an identity.
    ///
    /// # Errors
    /// Of step `Authenticate`.
    fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> impl Future<Output = Result<Proof<Self::Session>, Error>> + Send;

    /// What a check of the store looks at beside the proof of the identity: as far as ESO's check looks.
    ///
    /// # Errors
    /// Why the store cannot be read.
    fn check(_asked: &Asked<'_, Self>) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// The values of these keys, each wanted once: one answer for each, in order.
    ///
    /// # Errors
    /// As for [`Sources::fetch`]; one for all of them where all fail alike.
    fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Fetched, Error>>, Error>> + Send;

    /// The versions of these keys. Unless a dialect says otherwise, nothing but the values tells them: these are read and
    /// dropped.
    ///
    /// # Errors
    /// As for [`Dialect::values`].
    fn versions(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Version, Error>>, Error>> + Send {
        async {
            let read = Self::values(asked, wanted).await?;
            Ok(read.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect())
        }
    }

    /// What a search finds. What the store refuses ([`Backend::refuses`]) is not handed to it, which is every search of stores
    /// that cannot be searched.
    ///
    /// # Errors
    /// As for [`Sources::find`].
    fn find(
        asked: &Asked<'_, Self>,
        _find: &Find,
        _keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send {
        async { Err(asked.call("search", "find").error(Kind::Invalid, "such a store cannot be searched")) }
    }

    /// The list of all keys, with their versions in force.
    ///
    /// # Errors
    /// As for [`Sources::changed_since`]: of every store, unless a dialect says otherwise.
    fn listing(asked: &Asked<'_, Self>) -> impl Future<Output = Result<Listing, Error>> + Send {
        let what = "it does not tell what changed; ask for the versions of known keys";
        async move { Err(asked.call("list", "changes").error(Kind::Invalid, what)) }
    }
}

/// The stores of one provider as [`Sources`].
pub struct Adapter<D: Dialect, C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    digest_key: DigestKey,
    bounds: Bounds,
    dialect: D,
    sessions: Cells<D::Session>,
}

impl<D: Dialect, C: ClusterCredentials> Adapter<D, C> {
    /// Sources that take what proves identities from `clusters`. The digest key is the ledger's.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self
    where
        D: Default,
    {
        Self::of(D::default(), clusters, clock, digest_key)
    }

    /// The same of a dialect that is set up already.
    pub fn of(dialect: D, clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self {
        Self { clusters, clock, digest_key, bounds: D::bounds(), dialect, sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same, which asks these servers on other machines without TLS where their address is one of `http`.
    #[must_use]
    pub fn without_tls(self, servers: &Arc<[Origin]>) -> Self {
        let bounds = Bounds { plain_http: Arc::clone(servers), ..self.bounds.clone() };
        self.bounded(bounds)
    }

    /// Asks with the identity's session; where its proof is refused, once more with a new one.
    async fn asked<'s, T, A>(
        &'s self,
        access: &'s Access,
        step: Step,
        ask: impl Fn(Asked<'s, D>) -> A,
    ) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let (spec, clock) = (spec::<D>(access)?, self.clock.as_ref());
        let identity = Access { backend: D::identity(spec).into(), ..access.clone() };
        let (dialect, digest_key) = (&self.dialect, &self.digest_key);
        let ask = |session| ask(Asked { dialect, spec, session, now: clock.now(), step, digest_key });
        let prove = |last| self.prove(&identity, last);
        self.sessions.asked(clock, &identity, prove, is_of_proof, ask).await
    }

    async fn prove(
        &self,
        identity: &Access,
        last: Option<Arc<D::Session>>,
    ) -> Result<Proof<D::Session>, Error> {
        let spec = spec::<D>(identity)?;
        let server = self.dialect.server(spec);
        let proofs = Proofs { clusters: self.clusters.as_ref(), access: identity, server };
        let (now, bounds) = (self.clock.now(), &self.bounds);
        self.dialect.prove(Proving { proofs, spec, last, now, bounds }).await
    }
}

impl<D: Dialect, C: ClusterCredentials> Sources for Adapter<D, C> {
    fn providers(&self) -> Vec<Provider> {
        vec![D::PROVIDER]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.asked(access, Step::Authenticate, |asked| async move { D::check(&asked).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str(), keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = &Batch::of(wanted);
        let ask = |asked| async move { unless_refused(D::values(&asked, &batch.distinct).await?) };
        batch.answers(self.asked(access, Step::Fetch, ask).await)
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str()))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        if let Some(refusal) = access.backend.refuses(find) {
            let message = format!("{}: find: {refusal}", self.dialect.server(spec::<D>(access)?));
            return Err(Error::new(Step::Fetch, Kind::Invalid, message));
        }
        self.asked(access, Step::Fetch, |asked| async move { D::find(&asked, find, keep).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str()))]
    async fn changed_since(&self, access: &Access, _: Option<jiff::Timestamp>) -> Result<Listing, Error> {
        self.asked(access, Step::Fetch, |asked| async move { D::listing(&asked).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str(), keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = &Batch::of(wanted);
        let ask = |asked| async move { unless_refused(D::versions(&asked, &batch.distinct).await?) };
        batch.answers(self.asked(access, Step::Fetch, ask).await)
    }
}

/// Makes many calls, so many at a time, and gives their answers in order.
pub async fn together<F: Future>(bounds: &Bounds, calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let calls: Vec<F> = calls.into_iter().collect();
    stream::iter(calls).buffered(bounds.concurrency.max(1)).collect().await
}

fn spec<D: Dialect>(access: &Access) -> Result<&D::Spec, Error> {
    D::spec(&access.backend).ok_or_else(|| {
        let message = format!("{} is no store of {}", access.backend.location(), D::PROVIDER);
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}

/// Whether the server does not take what proves the identity.
fn is_of_proof(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

/// The answers, unless one of them is that the proof was refused: then all are asked for again.
///
/// # Errors
/// That answer's.
pub fn unless_refused<T>(answers: Vec<Result<T, Error>>) -> Result<Vec<Result<T, Error>>, Error> {
    match answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_of_proof(error)) {
        Some(refused) => Err(refused.shared()),
        None => Ok(answers),
    }
}
