//! The contract of the stores as a trait object.

use crate::{Error, Listing, Sources, StoreSighting, Wanted};
use jiff::Timestamp;
use pawl_domain::{Access, Fetched, Find, Keep, Provider, Version};
use std::collections::BTreeMap;
use std::pin::Pin;
use tokio::sync::mpsc::Sender;

/// What a [`Source`] answers.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`Sources`] of some providers behind a pointer, so that a new provider is one more entry of a table: which of them reads a
/// store is known when it is asked, and beside a call to a store one more allocation is nothing.
///
/// Every [`Sources`] is one. Each method is that of the same name.
pub trait Source: Send + Sync {
    /// As [`Sources::providers`].
    fn providers(&self) -> Vec<Provider>;

    /// As [`Sources::validate`].
    fn validate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<(), Error>>;

    /// As [`Sources::fetch`].
    fn fetch<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> Answer<'a, Vec<Result<Fetched, Error>>>;

    /// As [`Sources::find`].
    fn find<'a>(
        &'a self,
        access: &'a Access,
        find: &'a Find,
        keep: &'a Keep,
    ) -> Answer<'a, Result<BTreeMap<String, Fetched>, Error>>;

    /// As [`Sources::changed_since`].
    fn changed_since<'a>(
        &'a self,
        access: &'a Access,
        since: Option<Timestamp>,
    ) -> Answer<'a, Result<Listing, Error>>;

    /// As [`Sources::account`].
    fn account<'a>(&'a self, access: &'a Access) -> Answer<'a, Option<String>>;

    /// As [`Sources::versions`].
    fn versions<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> Answer<'a, Vec<Result<Version, Error>>>;

    /// As [`Sources::watched`].
    fn watched(&self) -> Vec<Provider>;

    /// As [`Sources::watch`].
    fn watch<'a>(
        &'a self,
        access: &'a Access,
        from: &'a mut Option<String>,
        told: &'a Sender<StoreSighting>,
    ) -> Answer<'a, Result<(), Error>>;

    /// As [`Sources::close`].
    fn close(&self) -> Answer<'_, ()>;
}

impl<S: Sources> Source for S {
    fn providers(&self) -> Vec<Provider> {
        Sources::providers(self)
    }

    fn validate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<(), Error>> {
        Box::pin(Sources::validate(self, access))
    }

    fn fetch<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> Answer<'a, Vec<Result<Fetched, Error>>> {
        Box::pin(Sources::fetch(self, access, wanted))
    }

    fn find<'a>(
        &'a self,
        access: &'a Access,
        find: &'a Find,
        keep: &'a Keep,
    ) -> Answer<'a, Result<BTreeMap<String, Fetched>, Error>> {
        Box::pin(Sources::find(self, access, find, keep))
    }

    fn changed_since<'a>(
        &'a self,
        access: &'a Access,
        since: Option<Timestamp>,
    ) -> Answer<'a, Result<Listing, Error>> {
        Box::pin(Sources::changed_since(self, access, since))
    }

    fn account<'a>(&'a self, access: &'a Access) -> Answer<'a, Option<String>> {
        Box::pin(Sources::account(self, access))
    }

    fn versions<'a>(
        &'a self,
        access: &'a Access,
        wanted: &'a [Wanted],
    ) -> Answer<'a, Vec<Result<Version, Error>>> {
        Box::pin(Sources::versions(self, access, wanted))
    }

    fn watched(&self) -> Vec<Provider> {
        Sources::watched(self)
    }

    fn watch<'a>(
        &'a self,
        access: &'a Access,
        from: &'a mut Option<String>,
        told: &'a Sender<StoreSighting>,
    ) -> Answer<'a, Result<(), Error>> {
        Box::pin(Sources::watch(self, access, from, told))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(Sources::close(self))
    }
}
