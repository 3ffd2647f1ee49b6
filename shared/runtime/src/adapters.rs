//! Finds the adapter of a store, by the store's provider.

use pawl_domain::{Access, Provider};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The adapters of all providers: [`Stores`](crate::Stores) read, [`Sinks`](crate::Sinks) write.
pub struct Adapters<A: ?Sized>(BTreeMap<Provider, Arc<A>>);

impl<A: ?Sized> Adapters<A> {
    /// Each store is the business of the adapter that names its provider.
    pub(crate) fn by_provider(
        adapters: impl IntoIterator<Item = Arc<A>>,
        providers: impl Fn(&A) -> Vec<Provider>,
    ) -> Self {
        let named = |adapter: Arc<A>| {
            let providers = providers(&adapter);
            providers.into_iter().map(move |provider| (provider, Arc::clone(&adapter)))
        };
        Self(adapters.into_iter().flat_map(named).collect())
    }

    /// The adapter of a provider; `None` where there is none.
    pub fn get(&self, provider: Provider) -> Option<&Arc<A>> {
        self.0.get(&provider)
    }

    /// The adapter of a store, or its provider where that has none.
    pub(crate) fn of_store(&self, access: &Access) -> Result<&A, Provider> {
        let provider = access.backend.location().provider;
        self.get(provider).map(AsRef::as_ref).ok_or(provider)
    }

    /// The providers that have one, with their adapters.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Provider, &A)> {
        self.0.iter().map(|(provider, adapter)| (*provider, adapter.as_ref()))
    }
}

impl<A: ?Sized> Clone for Adapters<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: ?Sized> fmt::Debug for Adapters<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
