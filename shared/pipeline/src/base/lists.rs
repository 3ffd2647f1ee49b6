//! Remembers which keys a store listed last, for stores whose list fits on one page.

use pawl_domain::{Access, IndexKey, Location};
use pawl_ports::Listed;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most keys of a list that is remembered: those of one page, by name and ARN.
const REMEMBERED: usize = 500;

/// The most lists that are remembered.
const LISTS: usize = 4_096;

/// The keys that stores of one page listed last. Such a list is whole each time, so that it shows when a key is gone.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    hasher: RandomState,
    known: Mutex<HashMap<Access, BTreeSet<u64>>>,
}

impl Lists {
    /// Whether a key that was listed before is not any more; `None` where nothing is remembered.
    pub(crate) fn lost_some(&self, access: &Access, shown: &Shown) -> Option<bool> {
        let shown = self.hashed(shown);
        self.lock().get(access).map(|known| !known.is_subset(&shown))
    }

    pub(crate) fn remember(&self, access: &Access, shown: &Shown) {
        let shown = self.hashed(shown);
        let mut known = self.lock();
        known.remove(access);
        if shown.len() <= REMEMBERED && known.len() < LISTS {
            known.insert(access.clone(), shown);
        }
    }

    fn hashed(&self, shown: &Shown) -> BTreeSet<u64> {
        shown.0.iter().map(|key| self.hasher.hash_one(key)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Access, BTreeSet<u64>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys that a whole list shows.
#[derive(Default)]
pub(crate) struct Shown(HashSet<IndexKey>);

impl Shown {
    pub(crate) fn of(location: &Location, listed: &[Listed]) -> Self {
        let names = listed.iter().flat_map(|each| &each.names);
        Self(names.flat_map(|name| location.index_keys(name)).collect())
    }

    pub(crate) fn lacks(&self, location: &Location, key: &str) -> bool {
        !location.index_keys(key).iter().any(|key| self.0.contains(key))
    }
}
