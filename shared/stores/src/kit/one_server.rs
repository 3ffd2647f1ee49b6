//! Adapters of stores on one server, which differ only in what is asked there and what the answers mean.

use super::{
    Ask, Batch, Bounds, Call, Cells, Link, Material, PlainHttp, Proof, Proofs, Reply, Server, Whole,
};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::grant::Reach;
use pawl_domain::store::Backend;
use pawl_domain::{Access, DigestKey, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Listing, Sources, Wanted};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How one kind of store is asked. What a store cannot has a default here, which says so.
pub trait OneServer: Sized + Send + Sync + 'static {
    /// `spec.provider.<name>` of a store.
    type Spec: Clone + Into<Backend> + Send + Sync;
    /// What proves the identity to the server, beside the connection.
    type Proof: Send + Sync;

    /// Whose stores it reads.
    const PROVIDER: Provider;

    /// The store's own spec.
    fn spec(backend: &Backend) -> Option<&Self::Spec>;

    /// What messages call the server.
    fn server(spec: &Self::Spec) -> Server<'_>;

    /// The spec without what plays no part in proving an identity: what is left shares a session.
    fn identity(spec: &Self::Spec) -> Self::Spec;

    /// Whether the server may be asked without TLS.
    fn plain(_spec: &Self::Spec) -> PlainHttp {
        PlainHttp::Refused(None)
    }

    /// The certificates of the connection.
    fn material<C: ClusterCredentials>(
        _spec: &Self::Spec,
        _proofs: &Proofs<'_, C>,
    ) -> impl Future<Output = Result<Material, Error>> + Send {
        async { Ok(Material::default()) }
    }

    /// Reads the credentials, and trades them for a token where the store wants that. Every failure is of step `Authenticate`.
    fn prove<C: ClusterCredentials>(
        spec: &Self::Spec,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> impl Future<Output = Result<Proven<Self::Proof>, Error>> + Send;

    /// What proves an identity beside [`OneServer::prove`], as ESO does to validate a store.
    fn check(_api: &Api<Self>) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// The values of these keys, each wanted once: one answer for each, in order. An error of step `Authenticate` and kind
    /// `Denied` stands for all, and makes the identity be proven anew.
    fn fetch(
        api: &Api<Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Fetched, Error>>, Error>> + Send;

    /// The versions of these keys. Where only the values tell them, they are read and dropped.
    fn versions(
        api: &Api<Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Version, Error>>, Error>> + Send {
        async {
            Ok(Self::fetch(api, wanted)
                .await?
                .into_iter()
                .map(|answer| answer.map(|it| it.version))
                .collect())
        }
    }

    /// What a search finds that the spec does not refuse.
    fn find(
        api: &Api<Self>,
        _find: &Find,
        _keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send {
        async { Err(api.call("search", "find").error(Kind::Invalid, "such a store cannot be searched")) }
    }

    /// The list of all keys, with their versions in force.
    fn listing(api: &Api<Self>) -> impl Future<Output = Result<Listing, Error>> + Send {
        let what = "it does not tell what changed; ask for the versions of known keys";
        async move { Err(api.call("list", "changes").error(Kind::Invalid, what)) }
    }
}

/// An identity, proven for so long.
#[derive(Debug)]
pub struct Proven<P> {
    /// What proves it.
    pub proof: P,
    /// How long it is used: for credentials that rotate until they are read again, for a token until a moment before its end.
    pub lasts: SignedDuration,
}

/// Credentials are read again after this time, so that rotating them needs nobody to tell Pawl.
pub const READ_AGAIN: SignedDuration = SignedDuration::from_secs(60);

impl<P> Proven<P> {
    /// Proven by what stands in a Secret.
    pub fn by_secret(proof: P) -> Self {
        Self { proof, lasts: READ_AGAIN }
    }

    /// Proven by a token that the server gave for so many seconds, less a tenth or a minute, whichever is less.
    pub fn by_token(proof: P, seconds: u32) -> Self {
        let early = (seconds / 10).min(60);
        Self { proof, lasts: SignedDuration::from_secs(i64::from(seconds.saturating_sub(early))) }
    }
}

/// A server, before an identity is proven to it.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// The connection.
    pub link: &'a Link,
    /// Whose it is.
    pub server: Server<'a>,
    /// Where other connections of the identity may go.
    pub reach: &'a Reach,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Door<'a> {
    /// A call that is part of proving an identity.
    pub fn call(&self, action: &'static str) -> Call<'a> {
        Call { step: Step::Authenticate, server: self.server, action, subject: "login" }
    }

    /// Asks for a token, and reads the answer.
    ///
    /// # Errors
    /// When the server gives none.
    pub async fn token<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<T, Error> {
        let call = self.call("login");
        call.counted(self.link.ask(&call, ask).await.and_then(|reply| token(&call, &reply)))
    }

    /// The same, of an address that is written out whole.
    ///
    /// # Errors
    /// When the server gives none; `Invalid` for an address of another server.
    pub async fn token_at<T: DeserializeOwned>(&self, ask: Whole<'_>) -> Result<T, Error> {
        let call = self.call("login");
        let reply = self.link.ask_whole(&call, ask).await;
        call.counted(reply.and_then(|reply| token(&call, &reply)))
    }
}

fn token<T: DeserializeOwned>(call: &Call<'_>, reply: &Reply) -> Result<T, Error> {
    match reply.status.as_u16() {
        200..=299 => reply.object().ok_or_else(|| call.unreadable()),
        400 => {
            let what = "the credentials were not accepted; check the Secret that the store's auth names";
            Err(call.error(Kind::Denied, what))
        }
        _ => Err(reply.failure(call.refused(reply, "the right to log in"))),
    }
}

/// Whether the server seems to be busy or broken for a moment only.
fn is_passing(reply: &Reply) -> bool {
    matches!(reply.status.as_u16(), 429 | 500..600)
}

/// One store, asked with a proven identity.
#[derive(Debug)]
pub struct Api<D: OneServer> {
    /// The store.
    pub spec: D::Spec,
    session: Arc<Session<D::Proof>>,
    digest_key: DigestKey,
    step: Step,
}

#[derive(Debug)]
struct Session<P> {
    link: Arc<Link>,
    proof: P,
}

impl<D: OneServer> Api<D> {
    /// What proves the identity.
    pub fn proof(&self) -> &D::Proof {
        &self.session.proof
    }

    /// The connection.
    pub fn link(&self) -> &Link {
        &self.session.link
    }

    /// A call of this store's.
    pub fn call<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        Call { step: self.step, server: D::server(&self.spec), action, subject }
    }

    /// Asks, and reads an answer of JSON. What is no success means what `refused` says.
    ///
    /// # Errors
    /// When no answer came, none that can be read, and those of `refused`.
    pub async fn json<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        ask: Ask<'_>,
        refused: impl Fn(&Call<'_>, &Reply) -> Error,
    ) -> Result<T, Error> {
        let reply = self.link().ask(call, ask).await;
        call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => reply.json().ok_or_else(|| call.unreadable()),
            false => Err(reply.failure(refused(call, &reply))),
        }))
    }

    /// A value of which nothing else tells the version: a digest under the ledger's key does, for it is remembered and must not
    /// tell the value.
    pub fn valued(&self, value: SecretValue) -> Fetched {
        let id = self.digest_key.parts().with(value.expose()).digest();
        self.versioned(value, id, None)
    }

    /// A value in this version.
    pub fn versioned(&self, value: SecretValue, id: impl Into<String>, since: Option<Timestamp>) -> Fetched {
        let version = Version { id: id.into(), since };
        Fetched { provider: D::PROVIDER, value, version, labels: Vec::new() }
    }

    /// One answer for each of these, in order, some at a time.
    ///
    /// # Errors
    /// When the identity is refused.
    pub async fn each<'w, I, T, A>(
        &self,
        wanted: &'w [I],
        ask: impl Fn(&'w I) -> A,
    ) -> Result<Vec<Result<T, Error>>, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let calls: Vec<A> = wanted.iter().map(ask).collect();
        let concurrency = self.link().bounds().concurrency.max(1);
        let answers: Vec<_> = stream::iter(calls).buffered(concurrency).collect().await;
        match answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_of_identity(error)) {
            Some(refused) => Err(refused.shared()),
            None => Ok(answers),
        }
    }
}

/// Whether the server does not take the proof of the identity.
fn is_of_identity(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

impl<'a> Ask<'a> {
    /// `GET` of this path with these headers.
    pub fn read(path: Vec<&'a str>, headers: HeaderMap, bounds: &Bounds) -> Self {
        let largest = bounds.largest_answer;
        Self { method: Method::GET, path, query: Vec::new(), headers, body: None, largest }
    }

    /// `POST` to this path.
    pub fn post(path: Vec<&'a str>, headers: HeaderMap, body: &'a SecretValue, bounds: &Bounds) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::read(path, headers, bounds) }
    }
}

impl Link {
    /// Asks, and asks again where the server seems to be busy or broken for a moment only.
    ///
    /// # Errors
    /// As for [`Link::send`].
    pub async fn ask(&self, call: &Call<'_>, ask: Ask<'_>) -> Result<Reply, Error> {
        self.send(call, &|| Ok(ask.clone()), &is_passing).await
    }

    /// The same, of an address that is written out whole.
    ///
    /// # Errors
    /// As for [`Link::send_whole`].
    pub async fn ask_whole(&self, call: &Call<'_>, ask: Whole<'_>) -> Result<Reply, Error> {
        self.send_whole(call, &|| Ok(ask.clone()), &is_passing).await
    }
}

/// Stores of one dialect as [`Sources`].
pub struct OneServerSources<D: OneServer, C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    digest_key: DigestKey,
    bounds: Bounds,
    sessions: Cells<Session<D::Proof>>,
}

impl<D: OneServer, C: ClusterCredentials> OneServerSources<D, C> {
    /// Sources that take the credentials that stores name from `clusters`. The digest key is the ledger's.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self {
        Self { clusters, clock, digest_key, bounds: Bounds::default(), sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Asks with the identity's session; where its proof is refused, once more with the one that is there now.
    async fn asked<T, A>(&self, access: &Access, step: Step, ask: impl Fn(Api<D>) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let spec = spec::<D>(access)?;
        let identity = Access { backend: D::identity(spec).into(), ..access.clone() };
        let api = |session| Api { spec: spec.clone(), session, digest_key: self.digest_key.clone(), step };
        let prove = |last| self.prove(&identity, last);
        let ask = |session| ask(api(session));
        self.sessions.asked(self.clock.as_ref(), &identity, prove, is_of_identity, ask).await
    }

    async fn prove(
        &self,
        identity: &Access,
        last: Option<Arc<Session<D::Proof>>>,
    ) -> Result<Proof<Session<D::Proof>>, Error> {
        let spec = spec::<D>(identity)?;
        let (server, since) = (D::server(spec), self.clock.now());
        let proofs = Proofs { clusters: self.clusters.as_ref(), access: identity, server };
        let material = D::material(spec, &proofs).await?;
        let (bounds, reach) = (&self.bounds, &identity.grant.reach);
        // The server's address is part of the identity, so it is the same.
        let link = match last.filter(|last| *last.link.material() == material) {
            Some(last) => Arc::clone(&last.link),
            None => {
                let call = Call { step: Step::Authenticate, server, action: "open", subject: "connection" };
                Arc::new(Link::open(&call, material, bounds, reach, D::plain(spec)).await?)
            }
        };
        let Proven { proof, lasts } =
            D::prove(spec, &proofs, &Door { link: &link, server, reach, now: since }).await?;
        let until = since.saturating_add(lasts).unwrap_or(since);
        Ok(Proof { session: Arc::new(Session { link, proof }), since, until })
    }
}

impl<D: OneServer, C: ClusterCredentials> Sources for OneServerSources<D, C> {
    fn providers(&self) -> Vec<Provider> {
        vec![D::PROVIDER]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.asked(access, Step::Authenticate, |api| async move { D::check(&api).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str(), keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = &Batch::of(wanted);
        let ask = |api| async move { D::fetch(&api, &batch.distinct).await };
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
            let message = format!("{}: find: {refusal}", D::server(spec::<D>(access)?));
            return Err(Error::new(Step::Fetch, Kind::Invalid, message));
        }
        self.asked(access, Step::Fetch, |api| async move { D::find(&api, find, keep).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str()))]
    async fn changed_since(&self, access: &Access, _since: Option<Timestamp>) -> Result<Listing, Error> {
        self.asked(access, Step::Fetch, |api| async move { D::listing(&api).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = D::PROVIDER.as_str(), keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = &Batch::of(wanted);
        let ask = |api| async move { D::versions(&api, &batch.distinct).await };
        batch.answers(self.asked(access, Step::Fetch, ask).await)
    }
}

fn spec<D: OneServer>(access: &Access) -> Result<&D::Spec, Error> {
    D::spec(&access.backend).ok_or_else(|| {
        let message = format!("{} is no store of {}", access.backend.location(), D::PROVIDER);
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}
