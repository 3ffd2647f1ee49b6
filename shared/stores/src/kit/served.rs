//! Stores that are asked with one session for each identity: what their adapters have alike, once.

use super::{
    Ask, Batch, Bounds, Call, Cells, Link, Material, PlainHttp, Proof, Proofs, Reply, Server, sealed,
};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::grant::Reach;
use pawl_domain::store::{Backend, SecretKeyRef};
use pawl_domain::{Access, DigestKey, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Sources, Wanted};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a store's adapter says for itself; [`Served`] makes [`Sources`] of it.
pub trait Reads: Send + Sync + Sized + 'static {
    /// The spec of such a store.
    type Spec: Clone + Into<Backend> + Send + Sync;
    /// What it is asked with when an identity is proven.
    type Session: Send + Sync;

    /// Which kind of store it is.
    const PROVIDER: Provider;

    /// The spec, where the store is of this kind.
    fn spec(backend: &Backend) -> Option<&Self::Spec>;

    /// The spec without what plays no part in proving an identity. Stores that differ in nothing else share a session.
    fn identity(spec: &Self::Spec) -> Self::Spec;

    /// What messages call its server.
    fn server<'a>(&'a self, spec: &'a Self::Spec) -> Server<'a>;

    /// The connection of a session.
    fn link(session: &Self::Session) -> &Arc<Link>;

    /// Proves an identity.
    ///
    /// # Errors
    /// Of step `Authenticate`.
    fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> impl Future<Output = Result<Proof<Self::Session>, Error>> + Send;

    /// Whether the store can be read, as far as ESO's check of it looks.
    ///
    /// # Errors
    /// Why it cannot.
    fn check(asked: Asked<'_, Self>) -> impl Future<Output = Result<(), Error>> + Send;

    /// The values of these keys, each of which is there once; one answer for each, in order.
    ///
    /// # Errors
    /// As for [`Sources::fetch`]; for all of them where the proof is refused.
    fn values(
        asked: Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Fetched, Error>>, Error>> + Send;

    /// What a search finds.
    ///
    /// # Errors
    /// As for [`Sources::find`].
    fn find(
        asked: Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send;

    /// The versions of these keys. Where nothing else tells them, values are read and dropped.
    ///
    /// # Errors
    /// As for [`Reads::values`].
    fn versions(
        asked: Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Version, Error>>, Error>> + Send {
        async move {
            let values = Self::values(asked, wanted).await?;
            Ok(values.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect())
        }
    }
}

/// What an identity is proven with.
pub struct Proving<'a, C, R: Reads> {
    /// What stands in the target cluster.
    pub proofs: Proofs<'a, C>,
    /// The spec, as [`Reads::identity`] left it.
    pub spec: &'a R::Spec,
    /// The last session, which may be of use.
    pub last: Option<Arc<R::Session>>,
    /// This moment.
    pub now: Timestamp,
    /// The bounds of every call.
    pub bounds: &'a Bounds,
    /// Where connections may go.
    pub reach: &'a Reach,
}

/// What a question is asked with.
pub struct Asked<'a, R: Reads> {
    /// The adapter.
    pub reads: &'a R,
    /// The store.
    pub spec: &'a R::Spec,
    /// The session.
    pub session: Arc<R::Session>,
    /// The ledger's key, for versions that are digests.
    pub digest_key: &'a DigestKey,
    /// The step of the flow that it is asked for.
    pub step: Step,
}

/// A session of a token that stands in a Secret.
#[derive(Debug)]
pub struct Bearer {
    /// The connection.
    pub link: Arc<Link>,
    /// The token.
    pub token: SecretValue,
}

impl Bearer {
    /// The header that shows the token.
    ///
    /// # Errors
    /// `Invalid` when no header may hold it.
    pub fn headers(&self, call: &Call<'_>) -> Result<HeaderMap, Error> {
        let shown = SecretValue::new([b"Bearer ", self.token.expose()].concat());
        Ok(HeaderMap::from_iter([(AUTHORIZATION, sealed(&shown, call)?)]))
    }
}

/// What stands in Secrets is read again after this time, so that rotating it needs nobody to tell Pawl.
const SECRETS: SignedDuration = SignedDuration::from_secs(60);

impl<C: ClusterCredentials, R: Reads> Proving<'_, C, R> {
    /// The connection to the store's server: the last one, where that was made of the same.
    ///
    /// # Errors
    /// As for [`Link::kept`].
    pub async fn link(&self, ca: Option<String>) -> Result<Arc<Link>, Error> {
        let material = Material { ca, ..Material::default() };
        let last = self.last.as_ref().map(|last| R::link(last));
        let plain = PlainHttp::Refused(None);
        Link::kept(last, self.proofs.server, material, self.bounds, self.reach, plain).await
    }

    /// A session of a token out of a Secret.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn bearer(&self, token: &SecretKeyRef) -> Result<Bearer, Error> {
        let token = self.proofs.secret(token).await?;
        Ok(Bearer { link: self.link(None).await?, token })
    }

    /// A proof by what stands in Secrets.
    pub fn of_secrets<S>(&self, session: S) -> Proof<S> {
        self.until(session, SECRETS)
    }

    /// A proof that is good for some time.
    pub fn until<S>(&self, session: S, life: SignedDuration) -> Proof<S> {
        let until = self.now.saturating_add(life).unwrap_or(self.now);
        Proof { session: Arc::new(session), since: self.now, until }
    }
}

impl<'a, R: Reads> Asked<'a, R> {
    /// The connection.
    pub fn link(&self) -> &Link {
        R::link(&self.session)
    }

    /// A call of the store's server.
    pub fn call<'c>(&self, action: &'static str, subject: &'c str) -> Call<'c>
    where
        'a: 'c,
    {
        Call { step: self.step, server: self.reads.server(self.spec), action, subject }
    }

    /// Asks for something, and again where `again` says so of the answer; [`may_pass`] does in most cases.
    ///
    /// # Errors
    /// As for [`Link::send`].
    pub async fn get(
        &self,
        call: &Call<'_>,
        path: &[&str],
        query: &[(&str, &str)],
        headers: &HeaderMap,
        again: &(dyn Fn(&Reply) -> bool + Sync),
    ) -> Result<Reply, Error> {
        let (link, method) = (self.link(), Method::GET);
        let ask = || {
            let (method, path, query, headers) =
                (method.clone(), path.to_vec(), query.to_vec(), headers.clone());
            Ok(Ask { method, path, query, headers, body: None, largest: link.bounds().largest_list })
        };
        link.send(call, &ask, again).await
    }

    /// A value whose version nothing tells but the value itself: it is a digest, which tells nothing of it.
    pub fn digested(&self, value: SecretValue) -> Fetched {
        let id = self.digest_key.parts().with(value.expose()).digest();
        Fetched { provider: R::PROVIDER, value, version: Version { id, since: None }, labels: Vec::new() }
    }
}

impl Link {
    /// Sends a JSON body, and again where the server is busy or failed: for what changes nothing, such as logins and questions
    /// that are asked by `POST`.
    ///
    /// # Errors
    /// As for [`Link::send`].
    pub async fn post(
        &self,
        call: &Call<'_>,
        path: &[&str],
        headers: &HeaderMap,
        body: &SecretValue,
    ) -> Result<Reply, Error> {
        let ask = || {
            let (method, path, headers) = (Method::POST, path.to_vec(), headers.clone());
            let largest = self.bounds().largest_list;
            Ok(Ask { method, path, query: Vec::new(), headers, body: Some(body), largest })
        };
        self.send(call, &ask, &may_pass).await
    }
}

/// What several tasks share, for a moment each. A panic of another leaves it whole.
pub fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores of one kind as [`Sources`].
pub struct Served<C, R: Reads> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    digest_key: DigestKey,
    bounds: Bounds,
    reads: R,
    sessions: Cells<R::Session>,
}

impl<C: ClusterCredentials, R: Reads> Served<C, R> {
    /// Sources that take what stores name from `clusters`. The digest key is the ledger's.
    pub fn of(reads: R, clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self {
        Self { clusters, clock, digest_key, bounds: Bounds::default(), reads, sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Asks with the identity's session; where its proof is refused, once more with a new one.
    async fn asked<'s, T, A>(
        &'s self,
        access: &'s Access,
        step: Step,
        ask: impl Fn(Asked<'s, R>) -> A,
    ) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let spec = Self::spec(access)?;
        let identity = Access { backend: R::identity(spec).into(), ..access.clone() };
        let prove = |last| self.prove(&identity, last);
        let ask =
            |session| ask(Asked { reads: &self.reads, spec, session, digest_key: &self.digest_key, step });
        self.sessions.asked(self.clock.as_ref(), &identity, prove, is_of_proof, ask).await
    }

    async fn prove(
        &self,
        access: &Access,
        last: Option<Arc<R::Session>>,
    ) -> Result<Proof<R::Session>, Error> {
        let spec = Self::spec(access)?;
        let proofs = Proofs { clusters: self.clusters.as_ref(), access, server: self.reads.server(spec) };
        let (now, bounds, reach) = (self.clock.now(), &self.bounds, &access.grant.reach);
        self.reads.prove(Proving { proofs, spec, last, now, bounds, reach }).await
    }

    fn spec(access: &Access) -> Result<&R::Spec, Error> {
        R::spec(&access.backend).ok_or_else(|| {
            let message = format!("{} is no store of {}", access.backend.location(), R::PROVIDER);
            Error::new(Step::Fetch, Kind::Invalid, message)
        })
    }
}

impl<C: ClusterCredentials, R: Reads> Sources for Served<C, R> {
    fn providers(&self) -> Vec<Provider> {
        vec![R::PROVIDER]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.asked(access, Step::Authenticate, |asked| R::check(asked)).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = R::PROVIDER.as_str(), keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        batch.answers(self.asked(access, Step::Fetch, |asked| R::values(asked, &batch.distinct)).await)
    }

    #[tracing::instrument(skip_all, fields(store.provider = R::PROVIDER.as_str()))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        if let Some(refusal) = access.backend.refuses(find) {
            let message = format!("{}: {refusal}", access.backend.location());
            return Err(Error::new(Step::Fetch, Kind::Invalid, message));
        }
        self.asked(access, Step::Fetch, |asked| R::find(asked, find, keep)).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = R::PROVIDER.as_str(), keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        batch.answers(self.asked(access, Step::Fetch, |asked| R::versions(asked, &batch.distinct)).await)
    }
}

/// Whether the server does not take what proves the identity.
pub fn is_of_proof(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

impl Call<'_> {
    /// What an answer means that is no success and of which the store's own rules say nothing. `proof` is what to check where
    /// the proof is refused, `rights` what to give the identity where it may not read.
    pub fn refusal(&self, reply: &Reply, proof: &str, rights: &str) -> Error {
        reply.failure(match reply.status.as_u16() {
            401 => {
                let message = format!("{self}: the credentials were refused; check {proof}");
                Error::new(Step::Authenticate, Kind::Denied, message)
            }
            403 => self.error(Kind::Denied, format_args!("access denied; {rights}")),
            429 => self.error(Kind::Throttled, "throttled"),
            300..=399 => self.redirected(),
            status @ 500.. => self.error(Kind::Transient, format_args!("the server failed with {status}")),
            status => self.error(Kind::Invalid, format_args!("not accepted with {status}")),
        })
    }
}

/// Whether the same may go well in a moment: the server is busy, or failed.
pub fn may_pass(reply: &Reply) -> bool {
    matches!(reply.status.as_u16(), 429 | 500..600)
}

/// The first of many answers that says that the proof was refused: then all are asked for again.
///
/// # Errors
/// That answer's.
pub fn unless_refused<T>(answers: Vec<Result<T, Error>>) -> Result<Vec<Result<T, Error>>, Error> {
    match answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_of_proof(error)) {
        Some(refused) => Err(refused.shared()),
        None => Ok(answers),
    }
}
