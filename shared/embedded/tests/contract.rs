//! The file keeps what the ports promise, alone and shared by two processes' worth of handles.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, IndexKey, ObjectName, Record, Store, StoreId,
    StorePolicy,
};
use pawl_embedded::Embedded;
use pawl_ports::{
    Catalogue, DocumentKind, Entry, Error, Job, Jobs, Ledger, Patterns, Policies, Put, Registry, Revision,
    Scope, SweptStore, Unreadable,
};
use pawl_world::build::at;
use pawl_world::contract;
use std::collections::BTreeSet;
use std::path::PathBuf;
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
        let (writes, reads) = (Embedded::open(&path).await.unwrap(), Embedded::open(&path).await.unwrap());
        Two { path, writes, reads }
    }
}

/// Two handles of one file with nothing in common but the file, as a server and a command line have them.
struct Two {
    path: PathBuf,
    writes: Embedded,
    reads: Embedded,
}

impl Two {
    /// Replaces a document by what the function makes of it. Ids are stored with spaces between their parts.
    fn damage(&self, table: &str, id: &str, turn: fn(&str) -> String) {
        let file = rusqlite::Connection::open(&self.path).unwrap();
        let query = format!("SELECT document FROM {table} WHERE id = ?1");
        let document: String = file.query_row(&query, [id], |row| row.get(0)).unwrap();
        let query = format!("UPDATE {table} SET document = ?2 WHERE id = ?1");
        assert_eq!(file.execute(&query, [id, turn(&document).as_str()]).unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_hurts_nobody() {
    let files = Files::new();
    contract::damaged::registry(
        async || files.two().await,
        async |file, kind, id, turn| match kind {
            DocumentKind::Cluster => file.damage("clusters", id, turn),
            DocumentKind::Pattern => file.damage("patterns", id, turn),
            DocumentKind::Policy => file.damage("policies", id, turn),
            DocumentKind::Declaration => file.damage("declarations", &id.replace('/', " "), turn),
            // The stores of the suite are applied and belong to no namespace.
            DocumentKind::Store => file.damage("stores", &id.replace("ClusterSecretStore ", "  "), turn),
            DocumentKind::Push | DocumentKind::PushRecord | DocumentKind::Record => {
                unreachable!("a registry has none")
            }
        },
    )
    .await;
    contract::damaged::ledger(
        async || files.two().await,
        async |file, id, turn| {
            file.damage("records", &id.to_string().replace('/', " "), turn);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_an_earlier_version_is_read_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pawl.db");
    std::fs::copy(contract::earlier::fixtures().join("pawl.db"), &path).unwrap();
    contract::earlier::version_zero(&Embedded::open(&path).await.unwrap()).await;
}

/// What the tables beside it keep of a declaration is damaged as well, or is no text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_cannot_be_read_is_made_anew() {
    let files = Files::new();
    let db = pawl_world::declaration("blue/shop/db").reads("old").build();
    let keys = |name| pawl_world::build::index_keys([name]);
    for damage in ["indexed = '{'", "indexed = x'ff'", "indexed = '{\"keys\":7}', document = x'ff'"] {
        let file = files.two().await;
        Catalogue::put(&file, &db, &keys("old"), None).await.unwrap();
        let query = format!("UPDATE declarations SET {damage}");
        rusqlite::Connection::open(&file.path).unwrap().execute(&query, []).unwrap();
        assert_eq!(Catalogue::put(&file, &db, &keys("new"), None).await.unwrap(), Put::Changed, "{damage}");
        assert_eq!(file.candidates(&keys("old")).await.unwrap(), [], "{damage}");
        let found = file.candidates(&keys("new")).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&db.id), "{damage}");
        rusqlite::Connection::open(&file.path).unwrap().execute(&query, []).unwrap();
        assert!(Catalogue::remove(&file, &db.id).await.unwrap(), "{damage}");
        assert_eq!(file.candidates(&keys("new")).await.unwrap(), [], "{damage}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_of_push_secrets_is_as_promised() {
    let files = Files::new();
    contract::pushes::suite(async || files.one().await).await;
    let file = files.two().await;
    contract::pushes::damaged(&file.writes, async |_, id, record| {
        let table = if record { "push_records" } else { "pushes" };
        file.damage(table, &id.to_string().replace('/', " "), |text| text.replacen('{', "[", 1));
    })
    .await;
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

    async fn policies(&self) -> Result<Policies, Error> {
        self.reads.policies().await
    }

    async fn patterns(&self) -> Result<Patterns, Error> {
        self.reads.patterns().await
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        self.reads.unreadable().await
    }
}

impl Catalogue for Two {
    async fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        standing: Option<&Declaration>,
    ) -> Result<Put, Error> {
        Catalogue::put(&self.writes, declaration, keys, standing).await
    }

    async fn remove(&self, id: &DeclarationId) -> Result<bool, Error> {
        Catalogue::remove(&self.reads, id).await
    }

    async fn remove_this(&self, declaration: &Declaration) -> Result<bool, Error> {
        self.reads.remove_this(declaration).await
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

    async fn put_pattern(&self, pattern: &Pattern, standing: Option<&Pattern>) -> Result<Put, Error> {
        self.writes.put_pattern(pattern, standing).await
    }

    async fn remove_pattern(&self, id: &PatternId) -> Result<bool, Error> {
        self.reads.remove_pattern(id).await
    }

    async fn remove_this_pattern(&self, pattern: &Pattern) -> Result<bool, Error> {
        self.reads.remove_this_pattern(pattern).await
    }

    async fn put_policy(&self, policy: &StorePolicy) -> Result<Put, Error> {
        self.writes.put_policy(policy).await
    }

    async fn remove_policy(&self, name: &ObjectName) -> Result<bool, Error> {
        self.reads.remove_policy(name).await
    }
}

impl Ledger for Two {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, Error> {
        self.reads.entries(ids).await
    }

    async fn unreadable_records(&self, ids: &[DeclarationId]) -> Result<Vec<Unreadable>, Error> {
        self.reads.unreadable_records(ids).await
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
