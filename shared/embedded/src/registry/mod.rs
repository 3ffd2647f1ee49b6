//! The registry: reading here, writing in [`catalogue`].

mod catalogue;

use crate::error::Error;
use crate::file::snapshot;
use crate::{Embedded, keys};
use pawl_documents::Document;
use pawl_domain::spread::Pattern;
use pawl_domain::{
    Cluster, Declaration, DeclarationId, IndexKey, PushSecret, Step, Store, StoreId, StorePolicy,
};
use pawl_ports::{Patterns, Policies, Registry, Scope, SweptStore, Unreadable, readable};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeSet;
use std::time::Duration;

impl Registry for Embedded {
    async fn candidates(&self, keys: &BTreeSet<IndexKey>) -> Result<Vec<DeclarationId>, pawl_ports::Error> {
        let keys = keys.clone();
        let found = self.readers.glance(move |connection| match keys.len() {
            0 | 1 => under(connection, &keys),
            _ => snapshot(connection, |connection| under(connection, &keys)),
        });
        found.await.map_err(|error| error.at(Step::Lookup))
    }

    async fn declarations(&self, ids: &[DeclarationId]) -> Result<Vec<Declaration>, pawl_ports::Error> {
        let ids: BTreeSet<DeclarationId> = ids.iter().cloned().collect();
        self.looking(move |connection| {
            let keys = ids.iter().map(keys::of_declaration);
            those(connection, "SELECT id, document FROM declarations WHERE id = ?1", keys, keys::shown)
        })
        .await
    }

    async fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<Declaration>, pawl_ports::Error> {
        let scope = scope.clone();
        let after = after.map(keys::of_declaration).unwrap_or_default();
        // Rows come one by one in the order of an index, so that without a limit no more is read than is taken.
        self.looking(move |connection| match &scope {
            Scope::All => {
                let text = "SELECT id, document FROM declarations WHERE id > ?1 ORDER BY id";
                first(connection, text, params![after], limit)
            }
            Scope::Cluster(cluster) => {
                let (above, below) = keys::of_cluster(cluster);
                let text = "SELECT id, document FROM declarations WHERE id > ?1 AND id < ?2 ORDER BY id";
                first(connection, text, params![after.max(above), below], limit)
            }
            Scope::Home(home) => {
                let text = "SELECT id, document FROM declarations WHERE home = ?1 AND id > ?2 ORDER BY id";
                first(connection, text, params![keys::of_home(home), after], limit)
            }
            Scope::Store(store) => {
                let text = "SELECT id, document FROM store_readers JOIN declarations USING (id)
                    WHERE store = ?1 AND store_readers.id > ?2 ORDER BY store_readers.id";
                first(connection, text, params![keys::of_store(store), after], limit)
            }
        })
        .await
    }

    async fn stores(&self, ids: &BTreeSet<StoreId>) -> Result<Vec<Store>, pawl_ports::Error> {
        let ids = ids.clone();
        self.looking(move |connection| {
            let keys = ids.iter().map(keys::of_store);
            those(connection, "SELECT id, document FROM stores WHERE id = ?1", keys, keys::shown_store)
        })
        .await
    }

    async fn swept_stores(&self) -> Result<Vec<SweptStore>, pawl_ports::Error> {
        self.looking(move |connection| {
            let stores: Vec<Store> =
                all(connection, STORES, keys::shown_store)?.filter_map(readable).collect();
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

    async fn clusters(&self) -> Result<Vec<Cluster>, pawl_ports::Error> {
        self.looking(move |connection| {
            let clusters = all(connection, CLUSTERS, str::to_owned)?;
            Ok(clusters.filter_map(readable).collect())
        })
        .await
    }

    async fn policies(&self) -> Result<Policies, pawl_ports::Error> {
        self.looking(move |connection| Ok(Policies::of(all(connection, POLICIES, str::to_owned)?))).await
    }

    async fn patterns(&self) -> Result<Patterns, pawl_ports::Error> {
        self.looking(move |connection| {
            let mut patterns = Patterns::of(all(connection, PATTERNS, str::to_owned)?);
            patterns.known.sort_by_key(Pattern::id);
            Ok(patterns)
        })
        .await
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, pawl_ports::Error> {
        self.looking(move |connection| {
            let mut found = unreadable::<Cluster>(connection, CLUSTERS, str::to_owned)?;
            let text = "SELECT id, document FROM declarations ORDER BY id";
            found.extend(unreadable::<Declaration>(connection, text, keys::shown)?);
            let text = "SELECT id, document FROM pushes ORDER BY id";
            found.extend(unreadable::<PushSecret>(connection, text, keys::shown)?);
            found.extend(unreadable::<Pattern>(connection, PATTERNS, str::to_owned)?);
            found.extend(unreadable::<StorePolicy>(connection, POLICIES, str::to_owned)?);
            found.extend(unreadable::<Store>(connection, STORES, keys::shown_store)?);
            Ok(found)
        })
        .await
    }
}

impl Embedded {
    async fn looking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, pawl_ports::Error> {
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
            found.extend(readable(keys::declaration(text(row, 0)?)));
        }
    }
    Ok(found.into_iter().collect())
}

const STORES: &str = "SELECT id, document FROM stores ORDER BY id";
const CLUSTERS: &str = "SELECT id, document FROM clusters ORDER BY id";
const PATTERNS: &str = "SELECT id, document FROM patterns ORDER BY id";
const POLICIES: &str = "SELECT id, document FROM policies ORDER BY id";

/// What can be read of the documents of these keys, in the order of the keys. `name` names one for people.
fn those<D: Document>(
    connection: &Connection,
    query: &str,
    keys: impl Iterator<Item = String>,
    name: fn(&str) -> String,
) -> Result<Vec<D>, Error> {
    let mut one = connection.prepare_cached(query)?;
    let mut found = Vec::new();
    for key in keys {
        let document = one.query_row([key], |row| document(row, name)).optional()?;
        found.extend(document.and_then(readable));
    }
    Ok(found)
}

/// The first declarations that can be read, up to `limit`.
fn first(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    limit: usize,
) -> Result<Vec<Declaration>, Error> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        found.extend(readable(document(row, keys::shown)?));
    }
    Ok(found)
}

/// The documents of every row, in the order of the rows.
fn all<D: Document>(
    connection: &Connection,
    query: &str,
    name: fn(&str) -> String,
) -> Result<impl Iterator<Item = Result<D, Unreadable>>, Error> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], |row| document(row, name))?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter())
}

/// Those of every row's documents that cannot be read; no two documents are in memory together.
fn unreadable<D: Document>(
    connection: &Connection,
    query: &str,
    name: fn(&str) -> String,
) -> Result<Vec<Unreadable>, Error> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], |row| Ok(document::<D>(row, name)?.err()))?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// A column's text; empty where it is not text at all, which is no id and no document.
pub(crate) fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(column)?.as_str().unwrap_or_default())
}

/// The document of a row of id and document.
fn document<D: Document>(row: &Row<'_>, name: fn(&str) -> String) -> rusqlite::Result<Result<D, Unreadable>> {
    Ok(pawl_documents::read(&name(text(row, 0)?), text(row, 1)?))
}
