//! Every store that a declaration may name, each read by the adapter of its backend.

use jiff::Timestamp;
use pawl_aws::AwsSources;
use pawl_domain::store::Backend;
use pawl_domain::{Access, Fetched, Find, Keep, Version};
use pawl_fake::FakeSources;
use pawl_ports::{ClusterCredentials, Error, Listing, Sources, Wanted};
use pawl_vault::VaultSources;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The adapters of all backends as one [`Sources`].
pub struct Stores<C> {
    /// Secrets Manager and Parameter Store, which also prove AWS identities to others.
    pub aws: Arc<AwsSources<C>>,
    /// Vault and OpenBao.
    pub vault: VaultSources<C, AwsSources<C>>,
    /// Stores whose values stand in their manifests.
    pub fake: FakeSources,
}

impl<C: ClusterCredentials + 'static> Sources for Stores<C> {
    async fn validate(&self, access: &Access) -> Result<(), Error> {
        match &access.backend {
            Backend::Aws(_) => self.aws.validate(access).await,
            Backend::Fake(_) => self.fake.validate(access).await,
            Backend::Vault(_) => self.vault.validate(access).await,
        }
    }

    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        match &access.backend {
            Backend::Aws(_) => self.aws.fetch(access, wanted).await,
            Backend::Fake(_) => self.fake.fetch(access, wanted).await,
            Backend::Vault(_) => self.vault.fetch(access, wanted).await,
        }
    }

    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        match &access.backend {
            Backend::Aws(_) => self.aws.find(access, find, keep).await,
            Backend::Fake(_) => self.fake.find(access, find, keep).await,
            Backend::Vault(_) => self.vault.find(access, find, keep).await,
        }
    }

    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        match &access.backend {
            Backend::Aws(_) => self.aws.changed_since(access, since).await,
            Backend::Fake(_) => self.fake.changed_since(access, since).await,
            Backend::Vault(_) => self.vault.changed_since(access, since).await,
        }
    }

    async fn account(&self, access: &Access) -> Option<String> {
        match &access.backend {
            Backend::Aws(_) => self.aws.account(access).await,
            Backend::Fake(_) => self.fake.account(access).await,
            Backend::Vault(_) => self.vault.account(access).await,
        }
    }

    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        match &access.backend {
            Backend::Aws(_) => self.aws.versions(access, wanted).await,
            Backend::Fake(_) => self.fake.versions(access, wanted).await,
            Backend::Vault(_) => self.vault.versions(access, wanted).await,
        }
    }
}
