//! What an earlier version of Pawl wrote is read as it was meant, and nothing in it counts as changed.

use crate::build::at;
use pawl_documents::{Document, digest, read};
use pawl_domain::{Cluster, Declaration, IndexKey, Record, Store};
use pawl_ports::{Catalogue, Ledger, Put, Registry, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the documents of version 0, with the file and the table's items that held them.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/documents/tests/fixtures/0")
}

/// Compares a state that version 0 wrote with the documents beside it.
pub async fn version_zero<S: Registry + Catalogue + Ledger>(state: &S) {
    let declarations: Vec<Declaration> = documents("declarations");
    let ids: Vec<_> = declarations.iter().map(|each| each.id.clone()).collect();
    let page = state.page(&Scope::All, None, 1_000).await.unwrap();
    assert_eq!(sorted(&page, |each| each.id.clone()), sorted(&declarations, |each| each.id.clone()));
    let stores: Vec<Store> = documents("stores");
    let swept: Vec<_> = state.swept_stores().await.unwrap().into_iter().map(|swept| swept.store).collect();
    assert_eq!(sorted(&swept, |each| each.id.clone()), sorted(&stores, |each| each.id.clone()));
    let clusters: Vec<Cluster> = documents("clusters");
    assert_eq!(state.clusters().await.unwrap(), clusters);
    assert_eq!(state.unreadable().await.unwrap(), [], "nothing is unreadable");

    let known: BTreeMap<_, _> = stores.iter().map(|store| (store.id.clone(), store)).collect();
    let mut unchanged = 0;
    for declaration in &declarations {
        let keys: BTreeSet<IndexKey> = declaration.index_keys(|id| known.get(id).copied());
        let put = Catalogue::put(state, declaration, &keys, None).await.unwrap();
        unchanged += usize::from(put == Put::Unchanged);
        for key in &keys {
            let found = state.candidates(&BTreeSet::from([key.clone()])).await.unwrap();
            assert!(found.contains(&declaration.id), "{key} finds {}", declaration.id);
        }
    }
    // A later version may find some of them under other keys than version 0 did; then they are put anew.
    let most = declarations.len() * 3 / 4;
    assert!(unchanged >= most, "only {unchanged} of {} are what they were", declarations.len());
    for store in &stores {
        assert_eq!(state.put_store(store).await.unwrap(), Put::Unchanged, "{}", store.id);
    }
    for cluster in &clusters {
        assert_eq!(state.put_cluster(cluster).await.unwrap(), Put::Unchanged, "{}", cluster.name);
    }

    let entries = state.entries(&ids).await.unwrap();
    assert_eq!(entries.len(), ids.len(), "each has its record");
    let records: Vec<Record> = documents("records");
    for (entry, declaration) in entries.iter().zip(sorted(&declarations, |each| each.id.clone())) {
        assert_eq!(entry.record.declaration, digest(&declaration), "{}: it was not edited", entry.id);
        let same =
            |record: &Record| Record { declaration: entry.record.declaration.clone(), ..record.clone() };
        assert!(records.iter().any(|record| same(record) == entry.record), "{}", entry.id);
    }
    let first = &entries[0];
    let newer = Record { at: at(1), ..first.record.clone() };
    Ledger::put(state, &first.id, &newer, Some(first.revision)).await.unwrap();
    assert_eq!(state.entries(&ids[..]).await.unwrap()[0].record, newer, "records are written on");
    assert!(state.mark("drift/blue").await.unwrap().is_some(), "marks stand");
}

fn documents<D: Document>(kinds: &str) -> Vec<D> {
    let mut paths: Vec<_> =
        fs::read_dir(fixtures().join(kinds)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let document = |path: PathBuf| read(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
    paths.into_iter().map(|path| document(path).unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn sorted<T: Clone, K: Ord>(items: &[T], id: impl Fn(&T) -> K) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort_by_key(id);
    items
}
