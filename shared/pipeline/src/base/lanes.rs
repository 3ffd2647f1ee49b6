//! Limits how much is done at the same time for each cluster or store, so that one that hangs delays no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Fewer lanes are not looked through.
const MANY: usize = 1_024;

/// One lane for each key; each lets so many through at a time.
#[derive(Debug)]
pub(crate) struct Lanes<K> {
    width: usize,
    lanes: Mutex<BTreeMap<K, Arc<Semaphore>>>,
}

impl<K: Clone + Ord> Lanes<K> {
    /// Lanes that let `width` through at a time, at least one.
    pub(crate) fn new(width: usize) -> Self {
        Self { width: width.max(1), lanes: Mutex::default() }
    }

    /// Waits for a turn in the lane of `key`, which lasts until what this returns is dropped.
    pub(crate) async fn enter(&self, key: &K) -> Option<OwnedSemaphorePermit> {
        // Nobody closes a lane.
        self.lane(key).acquire_owned().await.ok()
    }

    /// A turn in the lane of `key`; `None` where one would have to wait.
    pub(crate) fn enter_now(&self, key: &K) -> Option<OwnedSemaphorePermit> {
        self.lane(key).try_acquire_owned().ok()
    }

    fn lane(&self, key: &K) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // Lanes that nobody is in are dropped now and then: keys come and go for as long as the process lives.
        if lanes.len() >= MANY && lanes.len().is_power_of_two() && !lanes.contains_key(key) {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        let lane = lanes.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.width)));
        Arc::clone(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lanes_that_nobody_is_in_are_dropped() {
        let lanes = Lanes::new(1);
        let held = lanes.enter(&0).await;
        for key in 0..10 * MANY {
            drop(lanes.enter_now(&(key + 1)));
        }
        assert!(lanes.lanes.lock().unwrap().len() <= MANY);
        assert!(lanes.enter_now(&0).is_none(), "who is in one keeps it");
        drop(held);
        assert!(lanes.enter_now(&0).is_some());
    }
}
