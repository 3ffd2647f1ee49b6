//! Azure Key Vault: secrets, the public part of keys, certificates.
//!
//! | module | holds |
//! |---|---|
//! | `cloud` | where each cloud gives out tokens, and for what; how a vault says whose tokens it takes |
//! | `identity` | who is proven, and what proves it: secrets, certificates, service accounts of the target cluster |
//! | `assertion` | the statement that a certificate's key signs |
//! | `entra` | how Entra ID trades a proof for a token |
//! | `api` | the calls of a vault's REST API, and what its answers mean |
//! | `jwk` | keys as ESO writes them |
//! | `made` | the generator ACRAccessToken |
//! | `read` | what a key means, what a search finds, what a listing tells |

mod api;
mod assertion;
mod cloud;
mod entra;
mod identity;
mod jwk;
mod made;
mod read;

use crate::kit::{Batch, Bounds, Call, Cells, Link, Material, PlainHttp, Proof, Proofs};
use api::Api;
use cloud::Cloud;
use entra::Token;
use identity::Identity;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::AzureKvStore;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Listing, Sources, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Azure Key Vault as [`Sources`].
///
/// The identity needs *get* of each kind of object that is read (roles Key Vault Secrets User, Crypto User, Certificate User),
/// and *list* of the same for searches and cheap sweeps. Managed identities exist only on machines of Azure; manifests that ask
/// for one are refused.
///
/// Each key is one call. A sweep lists secrets, keys and certificates, 25 a call, with tags and times and without values. The
/// lists do not tell versions, so they are told apart by when they came to be, which is counted in seconds.
pub struct AzureKvSources<C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    sessions: Cells<Session>,
}

/// A proven identity at one vault.
#[derive(Debug)]
struct Session {
    link: Arc<Link>,
    identity: Identity,
    token: SecretValue,
    /// When another token is asked for.
    until: Timestamp,
}

/// What proves an identity is read again after this time, so that changing it needs nobody to tell Pawl.
const PROOF: SignedDuration = SignedDuration::from_secs(60);

impl<C: ClusterCredentials> AzureKvSources<C> {
    /// Sources that take what proves an identity from `clusters`.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        Self { clusters, clock, bounds: Bounds::default(), sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Asks with the identity's session; where its token is refused, once more with a new one.
    async fn asked<T, A>(&self, access: &Access, step: Step, ask: impl Fn(Api) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let store = azurekv(access)?;
        let api = |session: &Session| Api {
            store: store.clone(),
            link: Arc::clone(&session.link),
            token: session.token.clone(),
            now: self.clock.now(),
            step,
        };
        let prove = |last| self.prove(access, last);
        let ask = |session: Arc<Session>| ask(api(&session));
        self.sessions.asked(self.clock.as_ref(), access, prove, api::is_of_token, ask).await
    }

    async fn session(&self, access: &Access) -> Result<Arc<Session>, Error> {
        let prove = |last| self.prove(access, last);
        self.sessions.of(access).session(self.clock.as_ref(), prove).await
    }

    /// A token lives for an hour. What proves the identity is looked at each minute, and a token of the same proof is kept.
    async fn prove(&self, access: &Access, last: Option<Arc<Session>>) -> Result<Proof<Session>, Error> {
        let store = azurekv(access)?;
        let (server, since) = (api::server(store), self.clock.now());
        let proofs = Proofs { clusters: self.clusters.as_ref(), access, server };
        let identity = identity::read(&proofs, store).await?;
        let soon = since.saturating_add(PROOF).unwrap_or(since);
        if let Some(last) = last.as_ref().filter(|last| since < last.until && last.identity == identity) {
            let until = last.until.min(soon);
            return Ok(Proof { session: Arc::clone(last), since, until });
        }
        let link = match last {
            Some(last) => Arc::clone(&last.link),
            None => {
                let call = Call { step: Step::Authenticate, server, action: "open", subject: "connection" };
                Arc::new(self.open(&call, access).await?)
            }
        };
        let cloud = Cloud::of(store);
        let resource = match cloud.resource {
            Some(resource) => resource.to_owned(),
            None => cloud::told_resource(store, &link).await?,
        };
        let token = self.token(&proofs, store, &identity, &resource, since).await?;
        let until = since.saturating_add(token.good_for).unwrap_or(since);
        let session = Session { link, identity, token: token.value, until };
        Ok(Proof { session: Arc::new(session), since, until: until.min(soon) })
    }

    /// A token of this identity for a resource.
    async fn token(
        &self,
        proofs: &Proofs<'_, C>,
        store: &AzureKvStore,
        identity: &Identity,
        resource: &str,
        now: Timestamp,
    ) -> Result<Token, Error> {
        let cloud = Cloud::of(store);
        let proof = identity::proof(proofs, store, identity, &cloud, now).await?;
        let (step, server) = (Step::Authenticate, cloud.server());
        let call = Call { step, server, action: "token", subject: "token of the store's identity" };
        let authority = self.open(&call, proofs.access).await?;
        entra::token(&authority, &call, identity, &proof, resource).await
    }

    async fn open(&self, call: &Call<'_>, access: &Access) -> Result<Link, Error> {
        let (bounds, reach) = (&self.bounds, &access.grant.reach);
        Link::open(call, Material::default(), bounds, reach, PlainHttp::Refused(None)).await
    }
}

impl<C: ClusterCredentials> Sources for AzureKvSources<C> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::AzureKv]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.session(access).await.map(drop)
    }

    #[tracing::instrument(skip_all, fields(store.provider = "azurekv", keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let distinct = &batch.distinct;
        batch.answers(self.asked(access, Step::Fetch, |api| async move { api.values(distinct).await }).await)
    }

    #[tracing::instrument(skip_all, fields(store.provider = "azurekv"))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.asked(access, Step::Fetch, |api| async move { api.find(find, keep).await }).await
    }

    /// The lists are always whole: a vault can neither sort nor filter them.
    #[tracing::instrument(skip_all, fields(store.provider = "azurekv"))]
    async fn changed_since(&self, access: &Access, _: Option<Timestamp>) -> Result<Listing, Error> {
        self.asked(access, Step::Fetch, |api| async move { api.listing().await }).await
    }

    /// The values are read and dropped: no call tells the version in force alone.
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let fetched = self.fetch(access, wanted).await;
        fetched.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect()
    }
}

fn azurekv(access: &Access) -> Result<&AzureKvStore, Error> {
    access.backend.as_azurekv().ok_or_else(|| {
        let message = format!("{} is not a Key Vault", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}
