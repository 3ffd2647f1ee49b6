//! The adapters that read stores, as one port.

use crate::adapters::Adapters;
use jiff::Timestamp;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{Error, Listing, Source, Sources, StoreSighting, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// The adapters of all providers as one [`Sources`].
pub type Stores = Adapters<dyn Source>;

impl Stores {
    /// Each store is read by the adapter that names its provider.
    pub fn of(adapters: impl IntoIterator<Item = Arc<dyn Source>>) -> Self {
        Self::by_provider(adapters, |adapter| adapter.providers())
    }

    fn adapter(&self, access: &Access) -> Result<&dyn Source, Error> {
        self.of_store(access).map_err(|provider| {
            let message = format!("this build of Pawl reads no {provider} stores; use one that does");
            Error::new(Step::Fetch, Kind::Invalid, message)
        })
    }
}

impl Sources for Stores {
    fn providers(&self) -> Vec<Provider> {
        self.all().map(|(provider, _)| provider).collect()
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.adapter(access)?.validate(access).await
    }

    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        match self.adapter(access) {
            Ok(adapter) => adapter.fetch(access, wanted).await,
            Err(error) => wanted.iter().map(|_| Err(error.shared())).collect(),
        }
    }

    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        self.adapter(access)?.find(access, find, keep).await
    }

    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        self.adapter(access)?.changed_since(access, since).await
    }

    async fn account(&self, access: &Access) -> Option<String> {
        self.adapter(access).ok()?.account(access).await
    }

    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        match self.adapter(access) {
            Ok(adapter) => adapter.versions(access, wanted).await,
            Err(error) => wanted.iter().map(|_| Err(error.shared())).collect(),
        }
    }

    fn watched(&self) -> Vec<Provider> {
        let watched = self.all().filter(|(provider, adapter)| adapter.watched().contains(provider));
        watched.map(|(provider, _)| provider).collect()
    }

    async fn watch(
        &self,
        access: &Access,
        from: &mut Option<String>,
        told: &Sender<StoreSighting>,
    ) -> Result<(), Error> {
        self.adapter(access)?.watch(access, from, told).await
    }

    async fn close(&self) {
        // One adapter may read several providers' stores; what is closed stays closed.
        futures::future::join_all(self.all().map(|(_, adapter)| adapter.close())).await;
    }
}
