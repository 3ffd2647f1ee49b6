//! How often each port was called.

/// Counts of calls since the world began or [`World::forget_calls`](crate::World::forget_calls). A call that failed
/// was a call; one that waits at a gate is none yet.
///
/// ```
/// use pawl_world::{Calls, World};
/// assert_eq!(World::new().calls(), Calls { fetches: 0, ..Calls::default() });
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "a table of names says more than a sentence for each")]
pub struct Calls {
    // Registry: candidates; every other read; writes, whether or not they changed anything.
    pub lookups: usize,
    pub registry_reads: usize,
    pub registry_writes: usize,
    // Ledger.
    pub ledger_reads: usize,
    pub ledger_writes: usize,
    pub marks: usize,
    // Sources: calls of fetch, and keys asked for in them; the same for versions; listings; searches; questions for
    // the account; validations.
    pub fetches: usize,
    pub values: usize,
    pub version_calls: usize,
    pub versions: usize,
    pub listings: usize,
    pub searches: usize,
    pub accounts: usize,
    pub validations: usize,
    // Sinks: entries pushed, asked for, removed; writes that came of it.
    pub pushes: usize,
    pub exists: usize,
    pub unpushes: usize,
    pub store_writes: usize,
    // Generators: how often one was asked.
    pub generations: usize,
    // Clusters: requests for single Secrets, then the others.
    pub reads: usize,
    pub creates: usize,
    pub updates: usize,
    pub replaces: usize,
    pub deletes: usize,
    pub namespace_reads: usize,
    pub template_reads: usize,
    pub managed_lists: usize,
    pub manifest_lists: usize,
    pub store_lists: usize,
    pub publishes: usize,
    pub source_reads: usize,
    pub finalizers: usize,
    pub family_reads: usize,
    pub family_writes: usize,
    pub credential_reads: usize,
    // Jobs: calls of enqueue, and jobs handed over in them.
    pub enqueues: usize,
    pub jobs: usize,
}

impl Calls {
    /// Requests that wrote to a target, or tried to.
    pub fn target_writes(&self) -> usize {
        self.creates + self.updates + self.replaces + self.deletes
    }

    /// Requests to clusters of any kind, credentials apart.
    pub fn cluster_calls(&self) -> usize {
        let lists = self.managed_lists + self.manifest_lists + self.store_lists;
        self.reads
            + self.target_writes()
            + self.namespace_reads
            + self.template_reads
            + lists
            + self.publishes
            + self.source_reads
            + self.finalizers
            + self.family_reads
            + self.family_writes
    }

    /// Calls to stores of any kind.
    pub fn store_calls(&self) -> usize {
        self.fetches + self.version_calls + self.listings + self.searches
    }
}
