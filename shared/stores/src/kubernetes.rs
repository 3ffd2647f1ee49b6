//! Kubernetes: Secrets of one namespace, and what stores of other kinds of objects share with that.
//!
//! | module | holds |
//! |---|---|
//! | `session` | the way to an API server, proven |
//! | `kubeconfig` | kubeconfigs in Secrets, without anything in them that runs a program or reads a file |
//! | `api` | the calls of Kubernetes' API, and what its answers mean |
//! | `secrets` | what of a Secret is read, and what a search finds |
//! | `push` | what PushSecrets write and delete |
//! | `watch` | what changes, as it happens |

pub(crate) mod api;
mod kubeconfig;
mod push;
mod secrets;
pub(crate) mod session;
pub(crate) mod watch;

use crate::kit::{Batch, Bounds};
use api::{Api, Metadata};
use jiff::Timestamp;
use pawl_domain::store::KubernetesStore;
use pawl_domain::{
    Access, DigestKey, Fetched, Find, Keep, Kind, Provider, PushOutcome, Pushed, RemoteEntry, Step, Version,
};
use pawl_ports::{Answer, Clock, ClusterCredentials, Error, Listing, Sink, Sources, StoreSighting, Wanted};
use secrets::Secrets;
use session::{Session, Sessions};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use watch::Teller;

/// Secrets of Kubernetes as [`Sources`].
///
/// The identity needs `get` on the Secrets that are read, and `list` for searches and for sweeps in one call per 500 Secrets;
/// without it each key is asked for. With `list` and `watch` the namespace can be watched. Values are read one by one: a list
/// of them would be as long as the namespace is full. To push it needs `get`, `create`, `update` and `delete`.
///
/// The version of a Secret is its uid and resourceVersion. That moves with labels and annotations too, which costs a needless
/// look. That a Secret does not exist counts only where the API server says so of the Secret itself.
pub struct KubernetesSources<C> {
    sessions: Sessions<C>,
    digest_key: DigestKey,
}

impl<C: ClusterCredentials> KubernetesSources<C> {
    /// Sources that take credentials and the addresses of clusters from `clusters`. The digest key is the ledger's.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self {
        Self { sessions: Sessions::new(clusters, clock), digest_key }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { sessions: self.sessions.bounded(bounds), ..self }
    }

    async fn asked<T, A>(&self, access: &Access, step: Step, ask: impl Fn(Secrets) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let store = store(access)?;
        let identity = identity(access, store);
        let secrets = |session: Arc<Session>| Secrets {
            api: Api { session, step },
            store: store.clone(),
            digest_key: self.digest_key.clone(),
        };
        self.sessions.asked(&identity, &store.api, |session| ask(secrets(session))).await
    }
}

impl<C: ClusterCredentials> Sources for KubernetesSources<C> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::Kubernetes]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.asked(access, Step::Authenticate, |secrets| async move { secrets.check().await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes", keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let distinct = &batch.distinct;
        batch.answers(
            self.asked(access, Step::Fetch, |secrets| async move { secrets.values(distinct).await }).await,
        )
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes"))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.asked(access, Step::Fetch, |secrets| async move { secrets.find(find, keep).await }).await
    }

    /// All Secrets of the namespace: nothing tells which of them changed since.
    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes"))]
    async fn changed_since(&self, access: &Access, _: Option<Timestamp>) -> Result<Listing, Error> {
        self.asked(access, Step::Fetch, |secrets| async move { secrets.listing().await }).await
    }

    async fn account(&self, access: &Access) -> Option<String> {
        let store = store(access).ok()?;
        self.sessions.address(&identity(access, store), &store.api).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes", keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let distinct = &batch.distinct;
        batch.answers(
            self.asked(access, Step::Fetch, |secrets| async move { secrets.versions(distinct).await }).await,
        )
    }

    fn watched(&self) -> Vec<Provider> {
        Sources::providers(self)
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes"))]
    async fn watch(
        &self,
        access: &Access,
        from: &mut Option<String>,
        told: &Sender<StoreSighting>,
    ) -> Result<(), Error> {
        let begun = self.asked(access, Step::Fetch, |secrets| secrets.watch(from.clone())).await?;
        let Some(watch) = begun else {
            *from = None;
            return Ok(());
        };
        let (store, now) = (store(access)?, || self.sessions.now());
        let key = |_: &Api, metadata: &Metadata| secrets::key_of(store, &metadata.name);
        watch.follow(&Teller { access, now: &now, key: &key, tells_versions: true }, from, told).await
    }
}

impl<C: ClusterCredentials> Sink for KubernetesSources<C> {
    fn providers(&self) -> Vec<Provider> {
        Sources::providers(self)
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes"))]
    fn push<'a>(&'a self, access: &'a Access, pushed: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>> {
        let ask = move |secrets: Secrets| async move { secrets.push(pushed).await };
        Box::pin(async move { self.asked(access, Step::Push, ask).await })
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes"))]
    fn exists<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>> {
        let ask = move |secrets: Secrets| async move { secrets.exists(entry).await };
        Box::pin(async move { self.asked(access, Step::Push, ask).await })
    }

    #[tracing::instrument(skip_all, fields(store.provider = "kubernetes"))]
    fn remove<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<(), Error>> {
        let ask = move |secrets: Secrets| async move { secrets.remove(entry).await };
        Box::pin(async move { self.asked(access, Step::Push, ask).await })
    }
}

/// The access without what plays no part in proving it.
fn identity(access: &Access, store: &KubernetesStore) -> Access {
    let Ok(any) = "default".parse() else { return access.clone() };
    let store = KubernetesStore { remote_namespace: any, api: store.api.clone() };
    Access { backend: store.into(), ..access.clone() }
}

fn store(access: &Access) -> Result<&KubernetesStore, Error> {
    access.backend.as_kubernetes().ok_or_else(|| {
        let message = format!("{} is not a Kubernetes", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}
