//! The adapters that write to stores, as one port.

use crate::adapters::Adapters;
use pawl_domain::{Access, Kind, Provider, PushOutcome, Pushed, RemoteEntry, Step};
use pawl_ports::{Answer, Error, Sink};
use std::sync::Arc;

/// The adapters of all providers that take values as one [`Sink`].
pub type Sinks = Adapters<dyn Sink>;

impl Sinks {
    /// Each store is written by the adapter that names its provider.
    pub fn of(adapters: impl IntoIterator<Item = Arc<dyn Sink>>) -> Self {
        Self::by_provider(adapters, |adapter| adapter.providers())
    }

    fn adapter(&self, access: &Access) -> Result<&dyn Sink, Error> {
        self.of_store(access).map_err(|provider| {
            let message = format!("{provider} stores are only read; push to one that takes values");
            Error::new(Step::Push, Kind::Invalid, message)
        })
    }
}

impl Sink for Sinks {
    fn providers(&self) -> Vec<Provider> {
        self.all().map(|(provider, _)| provider).collect()
    }

    fn push<'a>(&'a self, access: &'a Access, pushed: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>> {
        match self.adapter(access) {
            Ok(adapter) => adapter.push(access, pushed),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn exists<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>> {
        match self.adapter(access) {
            Ok(adapter) => adapter.exists(access, entry),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn remove<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<(), Error>> {
        match self.adapter(access) {
            Ok(adapter) => adapter.remove(access, entry),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}
