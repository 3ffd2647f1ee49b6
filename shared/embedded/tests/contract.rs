//! The file keeps what the ports promise, alone and shared by two processes' worth of handles.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::{Cluster, ClusterName, Declaration, DeclarationId, IndexKey, Record, Store, StoreId};
use pawl_embedded::Embedded;
use pawl_pipeline::ports::{Catalogue, Entry, Jobs, Ledger, Put, Registry, Revision, Scope, SweptStore};
use pawl_pipeline::{Error, Job};
use pawl_world::build::at;
use pawl_world::contract;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A directory with as many new files as a suite wants.
struct Files(TempDir, AtomicUsize);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), AtomicUsize::new(0))
    }

    async fn one(&self) -> Embedded {
        self.two().await.writes
    }

    async fn two(&self) -> Two {
        let path = self.0.path().join(format!("{}.db", self.1.fetch_add(1, Ordering::Relaxed)));
        Two { writes: Embedded::open(&path).await.unwrap(), reads: Embedded::open(&path).await.unwrap() }
    }
}

/// Two handles of one file with nothing in common but the file, as a server and a command line have them.
struct Two {
    writes: Embedded,
    reads: Embedded,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_keeps_its_contract() {
    let files = Files::new();
    contract::registry::suite(async || files.one().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_keeps_its_contract_between_processes() {
    let files = Files::new();
    contract::registry::suite(async || files.two().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_keeps_its_contract() {
    let files = Files::new();
    contract::ledger::suite(async || files.one().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_keeps_its_contract_between_processes() {
    let files = Files::new();
    contract::ledger::suite(async || files.two().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_queue_keeps_its_contract() {
    let files = Files::new();
    contract::jobs::suite(async || files.one().await, async |queue, _| take_all(queue).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_queue_keeps_its_contract_between_processes() {
    let files = Files::new();
    contract::jobs::suite(async || files.two().await, async |two, _| take_all(&two.reads).await).await;
}

async fn take_all(queue: &Embedded) -> Vec<Job> {
    let mut taken = Vec::new();
    loop {
        let leased = queue.lease(at(0), 10, Duration::from_secs(60)).await.unwrap();
        if leased.is_empty() {
            return taken;
        }
        for leased in leased {
            assert!(queue.ack(leased.receipt).await.unwrap(), "a lease that holds can be acknowledged");
            taken.push(Job::from_wire(&leased.document).unwrap());
        }
    }
}

impl Registry for Two {
    async fn candidates(&self, keys: &BTreeSet<IndexKey>) -> Result<Vec<DeclarationId>, Error> {
        self.reads.candidates(keys).await
    }

    async fn declarations(&self, ids: &[DeclarationId]) -> Result<Vec<Declaration>, Error> {
        self.reads.declarations(ids).await
    }

    async fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<Declaration>, Error> {
        self.reads.page(scope, after, limit).await
    }

    async fn stores(&self, ids: &BTreeSet<StoreId>) -> Result<Vec<Store>, Error> {
        self.reads.stores(ids).await
    }

    async fn swept_stores(&self) -> Result<Vec<SweptStore>, Error> {
        self.reads.swept_stores().await
    }

    async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        self.reads.clusters().await
    }
}

impl Catalogue for Two {
    async fn put(&self, declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> Result<Put, Error> {
        Catalogue::put(&self.writes, declaration, keys).await
    }

    async fn remove(&self, id: &DeclarationId) -> Result<bool, Error> {
        Catalogue::remove(&self.reads, id).await
    }

    async fn put_store(&self, store: &Store) -> Result<Put, Error> {
        self.writes.put_store(store).await
    }

    async fn remove_store(&self, id: &StoreId) -> Result<bool, Error> {
        self.reads.remove_store(id).await
    }

    async fn put_cluster(&self, cluster: &Cluster) -> Result<Put, Error> {
        self.writes.put_cluster(cluster).await
    }

    async fn remove_cluster(&self, name: &ClusterName) -> Result<bool, Error> {
        self.reads.remove_cluster(name).await
    }
}

impl Ledger for Two {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, Error> {
        self.reads.entries(ids).await
    }

    /// Now through the one handle, now through the other, so that they meet in the file.
    async fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> Result<Revision, Error> {
        let handle = if record.at.as_second() % 2 == 0 { &self.writes } else { &self.reads };
        Ledger::put(handle, id, record, expected).await
    }

    async fn remove(&self, id: &DeclarationId, expected: Option<Revision>) -> Result<(), Error> {
        Ledger::remove(&self.reads, id, expected).await
    }

    async fn unsettled(
        &self,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<DeclarationId>, Error> {
        self.reads.unsettled(after, limit).await
    }

    async fn mark(&self, name: &str) -> Result<Option<jiff::Timestamp>, Error> {
        self.reads.mark(name).await
    }

    async fn set_mark(&self, name: &str, at: jiff::Timestamp) -> Result<(), Error> {
        self.writes.set_mark(name, at).await
    }
}

impl Jobs for Two {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), Error> {
        self.writes.enqueue(jobs).await
    }
}
