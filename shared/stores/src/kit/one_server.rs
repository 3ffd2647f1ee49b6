//! Adapters of stores on one server, which differ only in what is asked there and what the answers mean.

use super::{
    Adapter, Ask, Asked, Call, Dialect, Link, Material, PlainHttp, Proof, Proofs, Proving, READ_AGAIN, Reply,
    Server, Whole, together, unless_refused,
};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::grant::Reach;
use pawl_domain::store::Backend;
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// How one kind of store is asked: a [`Dialect`] whose session is one connection and one proof.
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
        PlainHttp::Listed
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

    /// As [`Dialect::check`].
    ///
    /// # Errors
    /// Why the store cannot be read.
    fn check(_api: &Api<'_, Self>) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// As [`Dialect::values`].
    ///
    /// # Errors
    /// As there.
    fn values(
        api: &Api<'_, Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Fetched, Error>>, Error>> + Send;

    /// As [`Dialect::versions`].
    ///
    /// # Errors
    /// As there.
    fn versions(
        api: &Api<'_, Self>,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Result<Version, Error>>, Error>> + Send {
        async {
            let read = Self::values(api, wanted).await?;
            Ok(read.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect())
        }
    }

    /// As [`Dialect::find`].
    ///
    /// # Errors
    /// As there.
    fn find(
        api: &Api<'_, Self>,
        _find: &Find,
        _keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send {
        async { Err(api.call("search", "find").error(Kind::Invalid, "such a store cannot be searched")) }
    }
}

/// Stores of such a kind as [`Sources`](pawl_ports::Sources).
pub type OneServerSources<D, C> = Adapter<One<D>, C>;

/// One store, asked with a proven identity.
pub type Api<'a, D> = Asked<'a, One<D>>;

/// The [`Dialect`] of a [`OneServer`].
#[derive(Debug)]
pub struct One<D>(PhantomData<D>);

/// A connection, and what proves the identity on it.
#[derive(Debug)]
pub struct Session<P> {
    link: Arc<Link>,
    proof: P,
}

impl<D> Default for One<D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<D: OneServer> Dialect for One<D> {
    type Spec = D::Spec;
    type Session = Session<D::Proof>;

    const PROVIDER: Provider = D::PROVIDER;

    fn spec(backend: &Backend) -> Option<&D::Spec> {
        D::spec(backend)
    }

    fn identity(spec: &D::Spec) -> D::Spec {
        D::identity(spec)
    }

    fn server<'a>(&'a self, spec: &'a D::Spec) -> Server<'a> {
        D::server(spec)
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Self::Session>, Error> {
        let Proving { proofs, spec, last, now, bounds } = &proving;
        let material = D::material(spec, proofs).await?;
        let (server, reach) = (proofs.server, &proofs.access.grant.reach);
        let last = last.as_ref().map(|last| &last.link);
        let link = Link::kept(last, server, material, bounds, reach, D::plain(spec)).await?;
        let door = Door { link: &link, server, reach, now: *now };
        let Proven { proof, lasts } = D::prove(spec, proofs, &door).await?;
        Ok(proving.lasting(Session { link, proof }, lasts))
    }

    async fn check(asked: &Asked<'_, Self>) -> Result<(), Error> {
        D::check(asked).await
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        D::values(asked, wanted).await
    }

    async fn versions(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        D::versions(asked, wanted).await
    }

    async fn find(
        asked: &Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        D::find(asked, find, keep).await
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

impl<D: OneServer> Api<'_, D> {
    /// What proves the identity.
    pub fn proof(&self) -> &D::Proof {
        &self.session.proof
    }

    /// The connection.
    pub fn link(&self) -> &Link {
        &self.session.link
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

    /// One answer for each of these, in order, some at a time.
    ///
    /// # Errors
    /// When one of them says that the proof was refused.
    pub async fn each<'w, I, T, A>(
        &self,
        wanted: &'w [I],
        ask: impl Fn(&'w I) -> A,
    ) -> Result<Vec<Result<T, Error>>, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        unless_refused(together(self.link().bounds(), wanted.iter().map(ask)).await)
    }
}
