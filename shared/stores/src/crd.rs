//! Objects of any kind of a Kubernetes cluster, whole. The way there, and the calls, are those of Secrets.

mod objects;

use crate::kit::{Batch, Bounds};
use crate::kubernetes::api::{Api, Metadata};
use crate::kubernetes::session::{Session, Sessions};
use crate::kubernetes::watch::Teller;
use jiff::Timestamp;
use objects::Objects;
use pawl_domain::store::CrdStore;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Listing, Sources, StoreSighting, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Objects of any kind of Kubernetes as [`Sources`].
///
/// The identity needs `get` on the objects that are read, and `list` for searches and for sweeps in one call per 500 objects;
/// without it each key is asked for. With `list` and `watch` they can be watched. How the kind is served is looked up once for each proof of the identity.
///
/// The version of an object is its uid and resourceVersion, which are part of its value. That it does not exist counts only
/// where the API server says so of the object itself; a kind that is not served is an error.
pub struct CrdSources<C> {
    sessions: Sessions<C>,
}

impl<C: ClusterCredentials> CrdSources<C> {
    /// Sources that take credentials and the addresses of clusters from `clusters`.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        Self { sessions: Sessions::new(clusters, clock) }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { sessions: self.sessions.bounded(bounds) }
    }

    async fn asked<T, A>(&self, access: &Access, step: Step, ask: impl Fn(Objects) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let store = store(access)?;
        let identity = identity(access, store);
        let objects = |session: Arc<Session>| Objects { api: Api { session, step }, store: store.clone() };
        self.sessions.asked(&identity, &store.api, |session| ask(objects(session))).await
    }
}

impl<C: ClusterCredentials> Sources for CrdSources<C> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::Crd]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.asked(access, Step::Authenticate, |objects| async move { objects.check().await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = "crd", keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let keys: &Vec<&str> = &batch.distinct.iter().map(|one| one.key.as_str()).collect();
        batch.answers(
            self.asked(access, Step::Fetch, |objects| async move { objects.values(keys).await }).await,
        )
    }

    #[tracing::instrument(skip_all, fields(store.provider = "crd"))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.asked(access, Step::Fetch, |objects| async move { objects.find(find, keep).await }).await
    }

    /// All objects that the store may read: nothing tells which of them changed since.
    #[tracing::instrument(skip_all, fields(store.provider = "crd"))]
    async fn changed_since(&self, access: &Access, _: Option<Timestamp>) -> Result<Listing, Error> {
        self.asked(access, Step::Fetch, |objects| async move { objects.listing().await }).await
    }

    async fn account(&self, access: &Access) -> Option<String> {
        let store = store(access).ok()?;
        self.sessions.address(&identity(access, store), &store.api).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = "crd", keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let keys: &Vec<&str> = &batch.distinct.iter().map(|one| one.key.as_str()).collect();
        batch.answers(
            self.asked(access, Step::Fetch, |objects| async move { objects.versions(keys).await }).await,
        )
    }

    fn watched(&self) -> Vec<Provider> {
        self.providers()
    }

    #[tracing::instrument(skip_all, fields(store.provider = "crd"))]
    async fn watch(
        &self,
        access: &Access,
        from: &mut Option<String>,
        told: &Sender<StoreSighting>,
    ) -> Result<(), Error> {
        let begun = self.asked(access, Step::Fetch, |objects| objects.watch(from.clone())).await?;
        let Some(watch) = begun else {
            *from = None;
            return Ok(());
        };
        let (store, now) = (store(access)?, || self.sessions.now());
        let key = |api: &Api, metadata: &Metadata| objects::key_of(store, api, metadata);
        watch.follow(&Teller { access, now: &now, key: &key, tells_versions: false }, from, told).await
    }
}

/// The access without what plays no part in proving it, nor in how the kind is served.
fn identity(access: &Access, store: &CrdStore) -> Access {
    let store = CrdStore { whitelist: Vec::new(), namespace: None, ..store.clone() };
    Access { backend: store.into(), ..access.clone() }
}

fn store(access: &Access) -> Result<&CrdStore, Error> {
    access.backend.as_crd().ok_or_else(|| {
        let message = format!("{} does not hold objects of any kind", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}
