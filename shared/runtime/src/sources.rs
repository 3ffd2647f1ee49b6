//! The registry of providers: which adapter reads which store.

use futures::future::BoxFuture;
use jiff::Timestamp;
use pawl_aws::AwsSources;
use pawl_domain::store::Backend;
use pawl_domain::{Access, Fetched, Find, Keep, Version};
use pawl_fake::FakeSources;
use pawl_ports::{ClusterCredentials, Error, Listing, Sources, Wanted};
use pawl_stores::{GitLabSources, WebhookSources};
use pawl_vault::VaultSources;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The adapters of all providers as one [`Sources`].
pub struct Stores<C> {
    /// Secrets Manager and Parameter Store, which also prove AWS identities to others.
    pub aws: Arc<AwsSources<C>>,
    /// Vault and OpenBao.
    pub vault: VaultSources<C, AwsSources<C>>,
    /// GitLab.
    pub gitlab: GitLabSources<C>,
    /// APIs that are asked over HTTP.
    pub webhook: WebhookSources<C>,
    /// Stores whose values stand in their manifests.
    pub fake: FakeSources,
}

impl<C: ClusterCredentials + 'static> Stores<C> {
    /// The one place where a kind of store finds its adapter.
    fn adapter(&self, access: &Access) -> &dyn Adapter {
        match &access.backend {
            Backend::Aws(_) => &*self.aws,
            Backend::Fake(_) => &self.fake,
            Backend::GitLab(_) => &self.gitlab,
            Backend::Webhook(_) => &self.webhook,
            Backend::OpenBao(_) | Backend::Vault(_) => &self.vault,
        }
    }
}

impl<C: ClusterCredentials + 'static> Sources for Stores<C> {
    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.adapter(access).validate(access).await
    }

    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        self.adapter(access).fetch(access, wanted).await
    }

    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.adapter(access).find(access, find, keep).await
    }

    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        self.adapter(access).changed_since(access, since).await
    }

    async fn account(&self, access: &Access) -> Option<String> {
        self.adapter(access).account(access).await
    }

    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        self.adapter(access).versions(access, wanted).await
    }
}

/// [`Sources`] behind a pointer: which one reads a store is known when it is asked, and beside a call to a store one more
/// allocation is nothing.
trait Adapter: Send + Sync {
    fn validate<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<(), Error>>;

    fn fetch<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> BoxFuture<'a, Vec<Result<Fetched, Error>>>;

    fn find<'a>(
        &'a self,
        access: &'a Access,
        find: &'a Find,
        keep: &'a Keep,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Fetched>, Error>>;

    fn changed_since<'a>(
        &'a self,
        access: &'a Access,
        since: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<Listing, Error>>;

    fn account<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Option<String>>;

    fn versions<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> BoxFuture<'a, Vec<Result<Version, Error>>>;
}

impl<S: Sources> Adapter for S {
    fn validate<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(Sources::validate(self, access))
    }

    fn fetch<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> BoxFuture<'a, Vec<Result<Fetched, Error>>> {
        Box::pin(Sources::fetch(self, access, wanted))
    }

    fn find<'a>(
        &'a self,
        access: &'a Access,
        find: &'a Find,
        keep: &'a Keep,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Fetched>, Error>> {
        Box::pin(Sources::find(self, access, find, keep))
    }

    fn changed_since<'a>(
        &'a self,
        access: &'a Access,
        since: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<Listing, Error>> {
        Box::pin(Sources::changed_since(self, access, since))
    }

    fn account<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Option<String>> {
        Box::pin(Sources::account(self, access))
    }

    fn versions<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> BoxFuture<'a, Vec<Result<Version, Error>>> {
        Box::pin(Sources::versions(self, access, wanted))
    }
}
