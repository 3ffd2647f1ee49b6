//! GitLab: CI/CD variables of projects and groups.
//!
//! | module | holds |
//! |---|---|
//! | `api` | the calls of GitLab's REST API, and what its answers mean |
//! | `read` | which variable a key means, and what a search finds |

mod api;
mod read;

use crate::kit::{Batch, Bounds, Cells, Link, Material, PlainHttp, Proof, Proofs};
use api::Api;
use jiff::SignedDuration;
use pawl_domain::store::GitLabStore;
use pawl_domain::{Access, DigestKey, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Sources, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// GitLab as [`Sources`].
///
/// The token needs the scope `read_api` and, in the project and each group, the role Maintainer: less than that sees no
/// variables. Few keys are asked for one by one, many by the lists of the project and its groups, 100 a call.
///
/// A variable has no versions, and nothing says when it changed: its version is a digest of its value under the ledger's key,
/// and a sweep reads the lists. That a variable does not exist counts only where GitLab says so of the variable itself: of a
/// project that a token does not see any more, it says something else.
pub struct GitLabSources<C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    digest_key: DigestKey,
    bounds: Bounds,
    sessions: Cells<Session>,
}

/// A proven identity at one server.
#[derive(Debug)]
struct Session {
    link: Arc<Link>,
    token: SecretValue,
}

/// A token is read again after this time, so that rotating it needs nobody to tell Pawl.
const TOKEN: SignedDuration = SignedDuration::from_secs(60);

impl<C: ClusterCredentials> GitLabSources<C> {
    /// Sources that take the tokens that stores name from `clusters`. The digest key is the ledger's.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey) -> Self {
        // As ESO's client of GitLab does.
        let bounds = Bounds { retries: 5, ..Bounds::default() };
        Self { clusters, clock, digest_key, bounds, sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Asks with the identity's session; where its token is refused, once more with the token that is there now.
    async fn asked<T, A>(&self, access: &Access, step: Step, ask: impl Fn(Api) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let store = gitlab(access)?;
        let identity = identity(access, store);
        let api = |session: &Session| Api {
            store: store.clone(),
            link: Arc::clone(&session.link),
            token: session.token.clone(),
            digest_key: self.digest_key.clone(),
            groups: OnceCell::new(),
            step,
        };
        let prove = |last| self.prove(&identity, last);
        let ask = |session: Arc<Session>| ask(api(&session));
        self.sessions.asked(self.clock.as_ref(), &identity, prove, api::is_of_token, ask).await
    }

    async fn prove(&self, identity: &Access, last: Option<Arc<Session>>) -> Result<Proof<Session>, Error> {
        let store = gitlab(identity)?;
        let (server, since) = (api::server(store), self.clock.now());
        let proofs = Proofs { clusters: self.clusters.as_ref(), access: identity, server };
        let ca = proofs.authorities(store.ca_bundle.as_ref(), store.ca_provider.as_ref()).await?;
        let token = proofs.secret(&store.access_token).await?;
        let material = Material { ca, ..Material::default() };
        let (bounds, reach) = (&self.bounds, &identity.grant.reach);
        let last = last.as_ref().map(|last| &last.link);
        let link = Link::kept(last, server, material, bounds, reach, PlainHttp::Refused(None)).await?;
        let until = since.saturating_add(TOKEN).unwrap_or(since);
        Ok(Proof { session: Arc::new(Session { link, token }), since, until })
    }
}

impl<C: ClusterCredentials> Sources for GitLabSources<C> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::GitLab]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.asked(access, Step::Authenticate, |api| async move { api.check().await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = "gitlab", keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        let keys: &Vec<&str> = &batch.distinct.iter().map(|one| one.key.as_str()).collect();
        batch.answers(self.asked(access, Step::Fetch, |api| async move { api.values(keys).await }).await)
    }

    #[tracing::instrument(skip_all, fields(store.provider = "gitlab"))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.asked(access, Step::Fetch, |api| async move { api.find(find, keep).await }).await
    }

    /// The values are read and dropped: nothing else tells a variable's version.
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let fetched = self.fetch(access, wanted).await;
        fetched.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect()
    }
}

/// The access without what plays no part in proving it.
fn identity(access: &Access, store: &GitLabStore) -> Access {
    let store = GitLabStore {
        project_id: None,
        inherit_from_groups: false,
        group_ids: Vec::new(),
        environment: None,
        ..store.clone()
    };
    Access { backend: store.into(), ..access.clone() }
}

fn gitlab(access: &Access) -> Result<&GitLabStore, Error> {
    access.backend.as_gitlab().ok_or_else(|| {
        let message = format!("{} is not a GitLab", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}
