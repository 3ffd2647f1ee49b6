//! Takes audit records of Vault and OpenBao in: which changes they report, and who may hand them in.
//!
//! The function `vault-audit` puts the changes on Pawl's bus, `pawl serve` syncs them at once. Start reading at
//! [`Audit::changes`]; [`mod@feed`] is the way from a reader that must never wait to the flow, [`socket`] and [`follow`]
//! are such readers.

pub mod feed;
pub mod follow;
pub mod socket;

mod admission;
mod peers;

pub(crate) use admission::same;
pub use admission::{Admission, Refused, TOKEN};
pub use feed::{Feed, Full, feed};
pub use peers::{Peer, Peers};

use crate::config;
use pawl_domain::Change;
use pawl_domain::store::{KvVersion, Store, VaultStore};
use pawl_events::vault::{AuditReader, Kv};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// How often at most something is said of records that cannot be read: a sender that is set up wrongly sends many.
const QUIET: Duration = Duration::from_secs(30);

/// Reads the records of one server.
#[derive(Debug)]
pub struct Audit {
    server: Option<String>,
    given: BTreeSet<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    reader: AuditReader,
    learned: BTreeSet<String>,
    complained: Option<Instant>,
    unsaid: u64,
}

/// What became of records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Records that tell of a change.
    pub changes: u64,
    /// Those that tell of none, or of one that another copy told already.
    pub nothing: u64,
    /// What is no record.
    pub malformed: u64,
}

impl Audit {
    /// A reader for this server.
    pub fn new(config: &config::Audit) -> Self {
        let reader = config
            .mounts
            .iter()
            .fold(AuditReader::new(config.server.as_deref()), |reader, (path, kv)| reader.mount(path, *kv));
        let state = State { reader, learned: BTreeSet::new(), complained: None, unsaid: 0 };
        Self {
            server: config.server.as_deref().map(normal),
            given: config.mounts.keys().cloned().collect(),
            state: Mutex::new(state),
        }
    }

    /// Learns from declared stores which KV version their mounts have, and forgets what it learned before. What the
    /// configuration says stands above it; a mount of which stores differ, or that a store without a mount of its own
    /// may read as another version, stays unknown and is understood in both ways.
    pub fn learn<'s>(&self, stores: impl IntoIterator<Item = &'s Store>) {
        let mut told: BTreeMap<String, BTreeSet<KvVersion>> = BTreeMap::new();
        let mut anywhere = BTreeSet::new();
        for store in stores {
            let Some(vault) = store.backend.as_engine() else { continue };
            if self.server.as_ref().is_some_and(|server| *server != normal(&vault.server)) {
                continue;
            }
            match mount(vault) {
                Some(mount) => _ = told.entry(mount).or_default().insert(vault.version),
                None => _ = anywhere.insert(vault.version),
            }
        }
        let mut state = self.state();
        for mount in std::mem::take(&mut state.learned) {
            state.reader.learn(&mount, None);
        }
        for (mount, versions) in told {
            let versions: Vec<_> = versions.union(&anywhere).collect();
            if let ([version], false) = (versions.as_slice(), self.given.contains(&mount)) {
                let kv = match version {
                    KvVersion::V1 => Kv::V1,
                    KvVersion::V2 => Kv::V2,
                };
                state.reader.learn(&mount, Some(kv));
                state.learned.insert(mount);
            }
        }
    }

    /// The changes that these records tell of, in order. Counts each in `pawl_audit_records_total{outcome}`; what is no
    /// record is counted and passed over.
    pub fn changes<L: AsRef<[u8]>>(&self, lines: impl IntoIterator<Item = L>) -> (Vec<Change>, Counts) {
        let (mut changes, mut counts) = (Vec::new(), Counts::default());
        for line in lines {
            // Locked line by line: a large shipment does not keep the other readers waiting.
            let read = self.state().reader.read(line.as_ref());
            match read {
                Ok(told) if told.is_empty() => counts.nothing += 1,
                Ok(told) => {
                    counts.changes += 1;
                    changes.extend(told);
                }
                Err(problem) => {
                    counts.malformed += 1;
                    self.complain(1, &problem);
                }
            }
        }
        for (outcome, count) in
            [("change", counts.changes), ("no-change", counts.nothing), ("malformed", counts.malformed)]
        {
            count_records(outcome, count);
        }
        (changes, counts)
    }

    /// Takes records for ones that never came, because their changes were lost on the way: the next copy of each
    /// brings them again.
    pub fn forget<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) {
        let mut state = self.state();
        changes.into_iter().for_each(|change| state.reader.forget(&change.id));
    }

    /// Counts records that were passed over because they are longer than any record may be.
    pub(crate) fn too_long(&self, count: u64) {
        count_records("malformed", count);
        self.complain(count, &format!("a line has more than {} bytes", pawl_events::vault::MAX_RECORD));
    }

    /// Says why something is no record, without a word of it, and not too often.
    fn complain(&self, count: u64, problem: &dyn std::fmt::Display) {
        let mut state = self.state();
        state.unsaid += count;
        let now = Instant::now();
        if state.complained.is_some_and(|at| now.duration_since(at) < QUIET) {
            return;
        }
        state.complained = Some(now);
        let records = std::mem::take(&mut state.unsaid);
        drop(state);
        warn!(records, "audit records passed over: {problem}");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked with it left it whole: each change of it is one insertion or removal.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count_records(outcome: &'static str, count: u64) {
    if count > 0 {
        metrics::counter!("pawl_audit_records_total", "outcome" => outcome).increment(count);
    }
}

fn normal(server: &str) -> String {
    server.trim_end_matches('/').to_ascii_lowercase()
}

/// `<namespace>/<mount>` of a store that names its mount.
fn mount(vault: &VaultStore) -> Option<String> {
    let path = vault.path.as_deref()?.trim_matches('/');
    let namespace = vault.namespace.as_deref().unwrap_or_default().trim_matches('/');
    match (namespace, path) {
        (_, "") => None,
        ("", path) => Some(path.to_owned()),
        (namespace, path) => Some(format!("{namespace}/{path}")),
    }
}

#[cfg(test)]
mod tests;
