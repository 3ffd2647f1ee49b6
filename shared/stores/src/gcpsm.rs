//! Google Secret Manager.
//!
//! | module | holds |
//! |---|---|
//! | `hosts` | which servers are Google's |
//! | `login` | how a store's identity is proven: by keys, and by service accounts of Google's clusters |
//! | `federation`, `config` | how one is proven that a project trusts, and what a configuration of it says |
//! | `own` | how Pawl's own is proven, which reads no store |
//! | `desk`, `post` | the calls that trade one proof for another |
//! | `api`, `payload` | the calls of Secret Manager, and what its answers mean |
//! | `made` | the generator GCRAccessToken |
//! | `read` | which version a key means, what a search finds, how versions are told |
//! | `subscription` | messages of Pub/Sub that tell of changes |

mod api;
mod config;
mod desk;
mod federation;
mod hosts;
mod login;
mod made;
mod own;
mod payload;
mod post;
mod read;
mod subscription;

pub use own::OwnIdentity;
pub use subscription::{Pulled, Subscription};

use crate::kit::{Batch, Bounds, Cells, Link, Proof};
use api::Api;
use desk::{Desk, Token};
use hosts::Hosts;
use jiff::{SignedDuration, Timestamp};
use login::Login;
use pawl_domain::store::GcpStore;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{CallerIdentity, Clock, ClusterCredentials, Error, Sources, Wanted};
use post::Links;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Google Secret Manager as [`Sources`].
///
/// Reading values needs the role `roles/secretmanager.secretAccessor`. With `roles/secretmanager.viewer` beside it versions are
/// told without their values, as long as few are asked for; searches and `metadataPolicy: Fetch` need it.
///
/// Nothing tells what changed: not even a secret's etag changes with its versions. A sweep asks for each key.
pub struct GcpSmSources<C, A> {
    clusters: Arc<C>,
    aws: Arc<A>,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    hosts: Hosts,
    sessions: Cells<Session>,
}

/// A proven identity at one server.
#[derive(Debug)]
struct Session {
    link: Arc<Link>,
    token: SecretValue,
    /// The connections of the proof, for the next one.
    links: Links,
    /// Whether the identity may not see versions without their values.
    hidden: AtomicBool,
}

/// A token is had anew this long before it ends.
const MARGIN: i64 = 60;
/// And after this time in any case: whom an identity stands for may have changed.
const LONGEST: i64 = 900;

impl<C: ClusterCredentials, A: CallerIdentity> GcpSmSources<C, A> {
    /// Sources that take what proves identities from `clusters`, and let `aws` sign for keys of AWS that a project trusts.
    pub fn new(clusters: Arc<C>, aws: Arc<A>, clock: Arc<dyn Clock>) -> Self {
        let (bounds, hosts) = (Bounds::default(), Hosts::default());
        Self { clusters, aws, clock, bounds, hosts, sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same with all of Google's services at one address, for tests. Nothing is then asked of Google.
    #[must_use]
    pub fn at(self, address: &str) -> Self {
        Self { hosts: Hosts::At(address.to_owned()), ..self }
    }

    /// Asks with the identity's session; where its token is refused, once more with a new one.
    async fn asked<T, F>(
        &self,
        access: &Access,
        step: Step,
        ask: impl Fn(Api, Arc<Session>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let store = gcpsm(access)?;
        let identity = identity(access, store);
        let api = |session: &Session| Api {
            store: store.clone(),
            address: self.hosts.secret_manager(store.location.as_deref()),
            link: Arc::clone(&session.link),
            token: session.token.clone(),
            step,
        };
        let prove = |last| self.prove(&identity, last);
        let ask = |session: Arc<Session>| ask(api(&session), session);
        self.sessions.asked(self.clock.as_ref(), &identity, prove, is_of_token, ask).await
    }

    async fn session(&self, identity: &Access) -> Result<Arc<Session>, Error> {
        let prove = |last| self.prove(identity, last);
        self.sessions.of(identity).session(self.clock.as_ref(), prove).await
    }

    fn login<'a>(&'a self, identity: &'a Access, now: Timestamp) -> Login<'a, C, A> {
        let (hosts, bounds, reach) = (&self.hosts, &self.bounds, &identity.grant.reach);
        let desk = Desk { hosts, bounds, reach, now, field: "auth" };
        Login { clusters: self.clusters.as_ref(), aws: self.aws.as_ref(), access: identity, desk }
    }

    async fn prove(&self, identity: &Access, last: Option<Arc<Session>>) -> Result<Proof<Session>, Error> {
        let store = gcpsm(identity)?;
        let since = self.clock.now();
        let mut links = last.map(|last| last.links.clone()).unwrap_or_default();
        let login = self.login(identity, since);
        let token = login.token(store, &mut links).await?;
        let address = self.hosts.secret_manager(store.location.as_deref());
        let call = login.desk.call(&address, "connection");
        let link = links.to(&call, &self.bounds, &identity.grant.reach).await?;
        let until = until(since, &token);
        let session = Session { link, token: token.value, links, hidden: AtomicBool::new(false) };
        Ok(Proof { session: Arc::new(session), since, until })
    }
}

impl<C: ClusterCredentials, A: CallerIdentity> Sources for GcpSmSources<C, A> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::GcpSecretManager]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.session(&identity(access, gcpsm(access)?)).await.map(|_| ())
    }

    #[tracing::instrument(skip_all, fields(store.provider = "gcpsm", keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let wanted = &batch.distinct;
        batch.answers(self.asked(access, Step::Fetch, |api, _| async move { api.fetch(wanted).await }).await)
    }

    #[tracing::instrument(skip_all, fields(store.provider = "gcpsm"))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.asked(access, Step::Fetch, |api, _| async move { api.find(find, keep).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = "gcpsm", keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let wanted = &batch.distinct;
        let ask =
            |api: Api, session: Arc<Session>| async move { api.versions(wanted, &session.hidden).await };
        batch.answers(self.asked(access, Step::Fetch, ask).await)
    }
}

/// The end of a token's use.
fn until(since: Timestamp, token: &Token) -> Timestamp {
    let life = SignedDuration::from_secs((token.seconds - MARGIN).clamp(0, LONGEST));
    since.saturating_add(life).unwrap_or(since)
}

/// The access without what plays no part in proving it.
fn identity(access: &Access, store: &GcpStore) -> Access {
    let store = GcpStore { project: String::new(), falls_back: false, ..store.clone() };
    Access { backend: store.into(), ..access.clone() }
}

fn gcpsm(access: &Access) -> Result<&GcpStore, Error> {
    access.backend.as_gcpsm().ok_or_else(|| {
        let message = format!("{} is not a Google Secret Manager", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}

/// Whether the server does not take the token.
fn is_of_token(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}
