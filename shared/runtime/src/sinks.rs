//! Finds the adapter that writes to a store, by the store's provider.

use pawl_domain::{Access, Kind, Provider, PushOutcome, Pushed, RemoteEntry, Step};
use pawl_ports::{Answer, Error, Sink};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The adapters of all providers that take values as one [`Sink`].
#[derive(Clone)]
pub struct Sinks(BTreeMap<Provider, Arc<dyn Sink>>);

impl Sinks {
    /// Each store is written by the adapter that names its provider.
    pub fn of(adapters: impl IntoIterator<Item = Arc<dyn Sink>>) -> Self {
        let named = |adapter: Arc<dyn Sink>| {
            adapter.providers().into_iter().map(move |provider| (provider, Arc::clone(&adapter)))
        };
        Self(adapters.into_iter().flat_map(named).collect())
    }

    /// The adapter that writes a provider's stores; `None` for stores that are only read.
    pub fn get(&self, provider: Provider) -> Option<&Arc<dyn Sink>> {
        self.0.get(&provider)
    }

    fn adapter(&self, access: &Access) -> Result<&dyn Sink, Error> {
        let provider = access.backend.location().provider;
        self.get(provider).map(AsRef::as_ref).ok_or_else(|| {
            let message = format!("{provider} stores are only read; push to one that takes values");
            Error::new(Step::Push, Kind::Invalid, message)
        })
    }
}

impl fmt::Debug for Sinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Sink for Sinks {
    fn providers(&self) -> Vec<Provider> {
        self.0.keys().copied().collect()
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
