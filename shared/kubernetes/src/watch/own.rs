//! The versions of Secrets that this process wrote, so that its watches do not tell it of itself.

use pawl_domain::{ClusterName, Namespace, ObjectName};
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// So many writes are remembered: more than are made between a write and its sighting.
const ROOM: usize = 16_384;

/// The last writes, one number each.
#[derive(Debug, Default)]
pub(crate) struct OwnWrites {
    hasher: RandomState,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl OwnWrites {
    /// Remembers a write.
    pub(crate) fn note(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        version: &str,
    ) {
        let write = self.hasher.hash_one((cluster, namespace, name, version));
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.known.insert(write) {
            ring.order.push_back(write);
        }
        while ring.order.len() > ROOM {
            if let Some(oldest) = ring.order.pop_front() {
                ring.known.remove(&oldest);
            }
        }
    }

    /// Whether this is a write that is remembered.
    pub(crate) fn contains(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        version: &str,
    ) -> bool {
        let write = self.hasher.hash_one((cluster, namespace, name, version));
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).known.contains(&write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_writes_are_known() {
        let own = OwnWrites::default();
        let (cluster, namespace, name) =
            ("blue".parse().unwrap(), "shop".parse().unwrap(), "db".parse().unwrap());
        own.note(&cluster, &namespace, &name, "first");
        assert!(own.contains(&cluster, &namespace, &name, "first"));
        assert!(!own.contains(&cluster, &namespace, &name, "second"));
        for number in 0..ROOM {
            own.note(&cluster, &namespace, &name, &number.to_string());
        }
        assert!(!own.contains(&cluster, &namespace, &name, "first"), "memory is bounded");
        assert!(own.contains(&cluster, &namespace, &name, "0"));
    }
}
