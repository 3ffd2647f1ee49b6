//! The flow's hands: the ports, the settings and what all use cases share.

use crate::error::Error;
use crate::memory::Memory;
use crate::ports::{Ports, Registry};
use crate::recipes::Recipes;
use crate::settings::Settings;
use pawl_domain::{Declaration, DigestKey, Kind, Step, Store, StoreId};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The flow over some world. Its use cases are methods, one file each: `sync`, `deliver`, `sweep`, `index`,
/// `explain`.
#[derive(Debug)]
pub struct Pipeline<P> {
    pub(crate) ports: Arc<P>,
    pub(crate) settings: Settings,
    pub(crate) digest_key: DigestKey,
    pub(crate) recipes: Recipes,
    pub(crate) memory: Arc<Memory>,
}

impl<P: Ports> Pipeline<P> {
    /// The flow over these ports. `digest_key` keys the digests in the ledger; with another key than last time every
    /// target is looked at once more, and nothing else happens.
    pub fn new(ports: P, settings: Settings, digest_key: DigestKey) -> Self {
        let ports = Arc::new(ports);
        let memory = Arc::new(Memory::new(&settings));
        Self { recipes: Recipes::new(&ports), ports, settings, digest_key, memory }
    }

    /// The world that the flow runs over.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    /// The stores that these declarations read, by id.
    pub(crate) async fn stores_of(&self, declarations: &[Declaration]) -> Result<Stores, Error> {
        let ids: BTreeSet<StoreId> = declarations.iter().flat_map(Declaration::stores).collect();
        let stores = self.ports.registry().stores(&ids).await?;
        Ok(Stores(stores.into_iter().map(|store| (store.id.clone(), store)).collect()))
    }

    /// The pause before attempt number `attempt` (the second is 1): doubled each time, between half and all of it.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let longest = self.settings.pause.saturating_mul(1 << attempt.saturating_sub(1).min(6));
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// Stores by id, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Stores(BTreeMap<StoreId, Store>);

impl Stores {
    pub(crate) fn get(&self, id: &StoreId) -> Option<&Store> {
        self.0.get(id)
    }

    /// The store, or the error that a declaration gets which reads it.
    pub(crate) fn require(&self, id: &StoreId) -> Result<&Store, Error> {
        self.get(id).ok_or_else(|| {
            let message = format!("{id} is not known; apply it, or correct secretStoreRef");
            Error::new(Step::Lookup, Kind::Invalid, message)
        })
    }
}
