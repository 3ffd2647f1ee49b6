//! Identities whose stores can be watched.

use pawl_domain::{Access, Store, StoreId};
use std::time::Duration;

/// An identity whose stores can be watched, with these stores. Declarations read them again and again: what is read once
/// waits for no change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Watchable {
    pub(crate) access: Access,
    /// The shortest interval among them.
    pub(crate) interval: Duration,
    pub(crate) stores: Vec<Store>,
}

impl Watchable {
    /// The identity.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The stores that it reads: at least one, in ascending order.
    pub fn stores(&self) -> impl Iterator<Item = &StoreId> {
        self.stores.iter().map(|store| &store.id)
    }
}
