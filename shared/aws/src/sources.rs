//! The stores of AWS: Secrets Manager and Parameter Store turn keys into values.
//!
//! A call is made with the identity of its access, proven once and kept until shortly before it ends. Keys are asked for
//! once each, in batches where the service has them and the identity may use them, one by one otherwise: the permissions
//! that ESO needs are enough.
//!
//! | module | holds |
//! |---|---|
//! | `caller` | the identity of a store, shown to others |
//! | `generators` | tokens of registries and sessions, which are made and not read |
//! | `secrets_manager` | values, versions and listing of secrets |
//! | `secrets_manager::batch` | many secrets with one call |
//! | `parameter_store` | values, versions and listing of parameters |
//! | `secrets_manager::find`, `parameter_store::find` | searches, and metadata |
//! | `secrets_manager::push`, `parameter_store::push` | what PushSecrets write and delete |
//! | `pushing` | what both have in common |
//! | `sink` | the port of stores that take values |
//! | `listing` | when the rest of a sorted listing need not be read |

mod caller;
mod generators;
mod listing;
mod parameter_store;
mod pushing;
mod search;
mod secrets_manager;
mod sink;

use crate::clients::Clients;
use crate::credentials::{Identities, Session, aws_store};
use aws_config::SdkConfig;
use jiff::Timestamp;
use parameter_store::ParameterStore;
use pawl_domain::store::AwsService;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{Clock, ClusterCredentials, Error, Listing, Sources, Wanted};
use pawl_stores::kit::Batch;
use secrets_manager::SecretsManager;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Secrets Manager and Parameter Store as [`Sources`].
///
/// Where it answers other than ESO: a secret that is marked for deletion is `NotFound`, so that deletionPolicy holds for it;
/// ESO fails there. A parameter's missing version or label is `NotFound` as well. A search reads the names that the store
/// lists; ESO puts the store's prefix before them once more, and fails. A search whose batch met a failure of the moment
/// fails and is made again; ESO goes on without those keys.
///
/// | IAM action | for |
/// |---|---|
/// | `secretsmanager:GetSecretValue`, `ssm:GetParameter` | values; enough where there is nothing else |
/// | `secretsmanager:BatchGetSecretValue`, `ssm:GetParameters` | fewer calls |
/// | `secretsmanager:DescribeSecret`, `ssm:DescribeParameters` | versions of known keys |
/// | `secretsmanager:ListSecrets`, `ssm:DescribeParameters` | what changed since a moment; searches |
/// | `ssm:GetParametersByPath` | searches by name with fewer calls |
/// | `secretsmanager:DescribeSecret`, `ssm:ListTagsForResource` | metadata |
/// | `kms:Decrypt` | values under a key of the customer's |
/// | `sts:AssumeRole`, `sts:TagSession` | stores with roles |
/// | `sts:GetCallerIdentity`, which needs no permission | the account, of stores without roles |
///
/// | IAM action, to push | for |
/// |---|---|
/// | `secretsmanager:DescribeSecret`, `secretsmanager:GetSecretValue`, `secretsmanager:CreateSecret`, `secretsmanager:PutSecretValue`, `secretsmanager:TagResource` | secrets |
/// | `secretsmanager:RestoreSecret` | secrets that were deleted and are pushed again |
/// | `secretsmanager:UntagResource` | `metadata` with tags |
/// | `secretsmanager:GetResourcePolicy`, `secretsmanager:PutResourcePolicy`, `secretsmanager:DeleteResourcePolicy` | `metadata` with a resource policy |
/// | `secretsmanager:ReplicateSecretToRegions`, `secretsmanager:RemoveRegionsFromReplication` | `metadata` with replicas |
/// | `secretsmanager:DeleteSecret`, `ssm:DeleteParameter` | `deletionPolicy: Delete` |
/// | `ssm:GetParameter`, `ssm:ListTagsForResource`, `ssm:PutParameter`, `ssm:AddTagsToResource` | parameters |
/// | `ssm:RemoveTagsFromResource` | `metadata` with tags |
/// | `kms:GenerateDataKey`, `kms:Decrypt` | values under a key of the customer's |
///
/// What listings tell: those of Secrets Manager stages and tags, and a secret that is marked for deletion without a version. A
/// secret that was deleted without a recovery window is absent, which a listing since a moment tells only when it is complete.
/// Listings of Parameter Store are always complete, and tell neither labels nor tags: a label moves unseen, so that a labelled
/// version must be asked for by [`Sources::versions`].
pub struct AwsSources<C> {
    clients: Arc<Clients>,
    identities: Identities<C>,
}

impl<C: ClusterCredentials> AwsSources<C> {
    /// Sources that take identity, endpoints, time limits and retries from `base`, as the SDK loads it, and the credentials
    /// that stores name from `clusters`. The clock decides when credentials are renewed.
    pub fn new(base: SdkConfig, clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        let clients = Arc::new(Clients::new(base));
        Self { identities: Identities::new(Arc::clone(&clients), clusters, clock), clients }
    }

    /// Whether sessions of assumed roles carry the tags `pawl:cluster`, `pawl:namespace` and `pawl:store`, as they do unless
    /// they are switched off here. With them every namespace has a session of its own, and the roles' trust policies must
    /// allow `sts:TagSession`.
    #[must_use]
    pub fn with_tenant_tags(mut self, on: bool) -> Self {
        self.identities.tenant_tags = on;
        self
    }

    /// The external id that every role is assumed with, in place of those that manifests name.
    #[must_use]
    pub fn with_external_id(mut self, id: Option<String>) -> Self {
        self.identities.external_id = id;
        self
    }

    /// One answer for each key that is wanted, in order, from a store with a proven identity. When the store refuses that
    /// identity it is proven anew and everything asked once more.
    async fn each<T, F>(
        &self,
        access: &Access,
        wanted: &[Wanted],
        ask: impl Fn(AwsStore, Arc<[Wanted]>) -> F + Send + Sync,
    ) -> Vec<Result<T, Error>>
    where
        T: Clone + Send + Sync,
        F: Future<Output = Vec<Result<T, Error>>> + Send,
    {
        let batch = Batch::of(wanted);
        let distinct = Arc::from(batch.distinct.as_slice());
        batch.answers(self.distinct(access, distinct, ask).await)
    }

    async fn distinct<T, F>(
        &self,
        access: &Access,
        wanted: Arc<[Wanted]>,
        ask: impl Fn(AwsStore, Arc<[Wanted]>) -> F + Send + Sync,
    ) -> Result<Vec<Result<T, Error>>, Error>
    where
        T: Clone + Send + Sync,
        F: Future<Output = Vec<Result<T, Error>>> + Send,
    {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let store = aws_store(access)?;
        let session = self.identities.session(access).await?;
        let answers = ask(self.store(store, &session), Arc::clone(&wanted)).await;
        if answers.iter().any(is_refusal)
            && let Some(store) = self.renewed(access, store, &session).await
        {
            return Ok(ask(store?, wanted).await);
        }
        Ok(answers)
    }

    /// One answer of a store with a proven identity, asked twice at most as for [`Self::each`].
    async fn whole<T, F>(
        &self,
        access: &Access,
        ask: impl Fn(AwsStore) -> F + Send + Sync,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        let store = aws_store(access)?;
        let session = self.identities.session(access).await?;
        let answer = ask(self.store(store, &session)).await;
        if is_refusal(&answer)
            && let Some(store) = self.renewed(access, store, &session).await
        {
            return ask(store?).await;
        }
        answer
    }

    /// The store with an identity proven anew, after it refused the one before. `None` when there is no hope in that.
    async fn renewed(
        &self,
        access: &Access,
        store: &pawl_domain::store::AwsStore,
        refused: &Arc<Session>,
    ) -> Option<Result<AwsStore, Error>> {
        if !self.identities.give_up(access, refused).await {
            return None;
        }
        Some(self.identities.session(access).await.map(|session| self.store(store, &session)))
    }

    fn store(&self, store: &pawl_domain::store::AwsStore, session: &Arc<Session>) -> AwsStore {
        let (region, retries, session) = (store.region.clone(), store.max_retries, Arc::clone(session));
        match store.service {
            AwsService::SecretsManager => {
                let client = self.clients.secrets_manager(&region, retries);
                AwsStore::SecretsManager(SecretsManager { client, region, session })
            }
            AwsService::ParameterStore => {
                let client = self.clients.parameter_store(&region, retries);
                AwsStore::ParameterStore(ParameterStore { client, region, session })
            }
        }
    }
}

impl<C: ClusterCredentials> Sources for AwsSources<C> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::ParameterStore, Provider::SecretsManager]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.identities.session(access).await.map(drop)
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access), keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        self.each(access, wanted, |store, wanted| async move { store.fetch(&wanted).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access)))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.whole(access, |store| async move { store.find(find, keep).await }).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access)))]
    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        self.whole(access, |store| async move { store.changed_since(since).await }).await
    }

    async fn account(&self, access: &Access) -> Option<String> {
        match access.backend.location().account {
            Some(account) => Some(account),
            None => self.identities.account(access).await,
        }
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access), keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        self.each(access, wanted, |store, wanted| async move { store.versions(&wanted).await }).await
    }
}

/// One store, with the identity to ask it.
enum AwsStore {
    ParameterStore(ParameterStore),
    SecretsManager(SecretsManager),
}

impl AwsStore {
    async fn fetch(&self, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        match self {
            Self::ParameterStore(store) => store.fetch(wanted).await,
            Self::SecretsManager(store) => store.fetch(wanted).await,
        }
    }

    async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        match self {
            Self::ParameterStore(store) => store.find(find, keep).await,
            Self::SecretsManager(store) => store.find(find, keep).await,
        }
    }

    async fn changed_since(&self, since: Option<Timestamp>) -> Result<Listing, Error> {
        match self {
            Self::ParameterStore(store) => store.listing().await,
            Self::SecretsManager(store) => store.changed_since(since).await,
        }
    }

    async fn versions(&self, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        match self {
            Self::ParameterStore(store) => store.versions(wanted).await,
            Self::SecretsManager(store) => store.versions(wanted).await,
        }
    }
}

/// The store, asked with a proven identity, does not take its credentials.
fn is_refusal<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(error) if error.step == Step::Authenticate && error.kind == Kind::Denied)
}

fn provider(access: &Access) -> &'static str {
    access.backend.location().provider.as_str()
}

fn region(access: &Access) -> &str {
    aws_store(access).map_or("", |store| &store.region)
}
