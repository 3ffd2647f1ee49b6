//! Remembers which versions of Secrets this process wrote, so that its watches do not report its own writes.

use pawl_domain::{ClusterName, Namespace, ObjectName};
use pawl_ports::Writer;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many writes are remembered: more than are made between a write and its sighting.
const ROOM: usize = 16_384;

/// The last writes and those under way, one number each.
#[derive(Debug, Default)]
pub(crate) struct OwnWrites {
    hasher: RandomState,
    writes: Mutex<Writes>,
}

#[derive(Debug, Default)]
struct Writes {
    /// How many writes to a Secret are under way.
    under_way: HashMap<u64, usize>,
    /// The versions that were written, and in which order.
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

/// A write to one Secret that is under way until this is dropped.
pub(crate) struct Writing<'a> {
    own: &'a OwnWrites,
    secret: u64,
}

impl OwnWrites {
    /// Notes that a write to this Secret begins.
    pub(crate) fn begin(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Writing<'_> {
        let secret = self.hasher.hash_one((cluster, namespace, name));
        *self.lock().under_way.entry(secret).or_default() += 1;
        Writing { own: self, secret }
    }

    /// Who wrote this version, or deleted the Secret where there is none.
    pub(crate) fn writer(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Writer {
        let secret = self.hasher.hash_one((cluster, namespace, name));
        let writes = self.lock();
        match version.map(|version| self.hasher.hash_one((secret, version))) {
            Some(write) if writes.known.contains(&write) => Writer::Own,
            _ if writes.under_way.contains_key(&secret) => Writer::Undecided,
            _ => Writer::Other,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// Remembers the version that the Secret has by this write.
    pub(crate) fn wrote(self, version: &str) {
        let write = self.own.hasher.hash_one((self.secret, version));
        let mut writes = self.own.lock();
        if writes.known.insert(write) {
            writes.order.push_back(write);
        }
        while writes.order.len() > ROOM {
            if let Some(oldest) = writes.order.pop_front() {
                writes.known.remove(&oldest);
            }
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut writes = self.own.lock();
        if let Some(count) = writes.under_way.get_mut(&self.secret) {
            *count -= 1;
            if *count == 0 {
                writes.under_way.remove(&self.secret);
            }
        }
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
        let writer = |version| own.writer(&cluster, &namespace, &name, version);
        own.begin(&cluster, &namespace, &name).wrote("first");
        assert_eq!(writer(Some("first")), Writer::Own);
        assert_eq!(writer(Some("second")), Writer::Other);
        assert_eq!(writer(None), Writer::Other);
        for number in 0..ROOM {
            own.begin(&cluster, &namespace, &name).wrote(&number.to_string());
        }
        assert_eq!(writer(Some("first")), Writer::Other, "memory is bounded");
        assert_eq!(writer(Some("0")), Writer::Own);
    }

    #[test]
    fn what_a_write_under_way_may_have_written_is_undecided() {
        let own = OwnWrites::default();
        let (cluster, namespace, name) =
            ("blue".parse().unwrap(), "shop".parse().unwrap(), "db".parse().unwrap());
        let other = "tls".parse().unwrap();
        let writer = |version| own.writer(&cluster, &namespace, &name, version);
        own.begin(&cluster, &namespace, &name).wrote("1");
        let (one, two) = (own.begin(&cluster, &namespace, &name), own.begin(&cluster, &namespace, &name));
        assert_eq!(writer(Some("1")), Writer::Own, "it was answered before");
        assert_eq!((writer(Some("2")), writer(None)), (Writer::Undecided, Writer::Undecided));
        assert_eq!(own.writer(&cluster, &namespace, &other, Some("2")), Writer::Other);
        one.wrote("2");
        assert_eq!((writer(Some("2")), writer(Some("3"))), (Writer::Own, Writer::Undecided));
        drop(two);
        assert_eq!((writer(Some("3")), writer(None)), (Writer::Other, Writer::Other), "it failed");
    }
}
