//! The registry: reading here, writing in [`catalogue`].

mod catalogue;

use crate::error::Error;
use crate::file::snapshot;
use crate::{Embedded, keys};
use pawl_domain::{Cluster, Declaration, DeclarationId, IndexKey, Step, Store, StoreId};
use pawl_pipeline::ports::{Registry, Scope, SweptStore};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::time::Duration;

impl Registry for Embedded {
    async fn candidates(
        &self,
        keys: &BTreeSet<IndexKey>,
    ) -> Result<Vec<DeclarationId>, pawl_pipeline::Error> {
        let keys = keys.clone();
        let found = self.readers.glance(move |connection| match keys.len() {
            0 | 1 => under(connection, &keys),
            _ => snapshot(connection, |connection| under(connection, &keys)),
        });
        found.await.map_err(|error| error.at(Step::Lookup))
    }

    async fn declarations(&self, ids: &[DeclarationId]) -> Result<Vec<Declaration>, pawl_pipeline::Error> {
        let ids: BTreeSet<DeclarationId> = ids.iter().cloned().collect();
        self.looking(move |connection| {
            let keys = ids.iter().map(keys::of_declaration);
            those(connection, "SELECT document FROM declarations WHERE id = ?1", keys)
        })
        .await
    }

    async fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<Declaration>, pawl_pipeline::Error> {
        let scope = scope.clone();
        let after = after.map(keys::of_declaration).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.looking(move |connection| match &scope {
            Scope::All => {
                let text = "SELECT document FROM declarations WHERE id > ?1 ORDER BY id LIMIT ?2";
                all(connection, text, params![after, limit])
            }
            Scope::Cluster(cluster) => {
                let (above, below) = keys::of_cluster(cluster);
                let text = "SELECT document FROM declarations WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
                all(connection, text, params![after.max(above), below, limit])
            }
            Scope::Home(home) => {
                let text =
                    "SELECT document FROM declarations WHERE home = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
                all(connection, text, params![keys::of_home(home), after, limit])
            }
            Scope::Store(store) => {
                let text = "SELECT document FROM store_readers JOIN declarations USING (id)
                    WHERE store = ?1 AND store_readers.id > ?2 ORDER BY store_readers.id LIMIT ?3";
                all(connection, text, params![keys::of_store(store), after, limit])
            }
        })
        .await
    }

    async fn stores(&self, ids: &BTreeSet<StoreId>) -> Result<Vec<Store>, pawl_pipeline::Error> {
        let ids = ids.clone();
        self.looking(move |connection| {
            let keys = ids.iter().map(keys::of_store);
            those(connection, "SELECT document FROM stores WHERE id = ?1", keys)
        })
        .await
    }

    async fn swept_stores(&self) -> Result<Vec<SweptStore>, pawl_pipeline::Error> {
        self.looking(move |connection| {
            let stores: Vec<Store> = all(connection, "SELECT document FROM stores ORDER BY id", [])?;
            let mut shortest =
                connection.prepare_cached("SELECT min(nanoseconds) FROM store_intervals WHERE store = ?1")?;
            let swept = stores.into_iter().map(|store| {
                let shortest: Option<i64> =
                    shortest.query_row([keys::of_store(&store.id)], |row| row.get(0))?;
                let interval = shortest.map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)));
                Ok(SweptStore { store, interval })
            });
            swept.collect()
        })
        .await
    }

    async fn clusters(&self) -> Result<Vec<Cluster>, pawl_pipeline::Error> {
        self.looking(move |connection| all(connection, "SELECT document FROM clusters ORDER BY id", [])).await
    }
}

impl Embedded {
    async fn looking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, pawl_pipeline::Error> {
        self.readers.read(work).await.map_err(|error| error.at(Step::Lookup))
    }
}

/// The ids under any of these index keys.
fn under(connection: &Connection, keys: &BTreeSet<IndexKey>) -> Result<Vec<DeclarationId>, Error> {
    let mut statement = connection.prepare_cached("SELECT id FROM index_keys WHERE key = ?1")?;
    let mut found = BTreeSet::new();
    for key in keys {
        let mut rows = statement.query([key.as_str()])?;
        while let Some(row) = rows.next()? {
            found.insert(keys::declaration(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
        }
    }
    Ok(found.into_iter().collect())
}

/// The documents of these keys, those that there are, in the order of the keys.
fn those<T: DeserializeOwned>(
    connection: &Connection,
    text: &str,
    keys: impl Iterator<Item = String>,
) -> Result<Vec<T>, Error> {
    let mut one = connection.prepare_cached(text)?;
    let mut found = Vec::new();
    for key in keys {
        found.extend(one.query_row([key], |row| Ok(document(row))).optional()?.transpose()?);
    }
    Ok(found)
}

/// The documents of every row, in the order of the rows.
fn all<T: DeserializeOwned>(
    connection: &Connection,
    text: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(text)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(document(row)?);
    }
    Ok(found)
}

fn document<T: DeserializeOwned>(row: &Row<'_>) -> Result<T, Error> {
    let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(text).map_err(|error| Error::damaged(std::any::type_name::<T>(), error))
}
