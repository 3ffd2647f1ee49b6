//! Writes the registry.

use super::text;
use crate::error::Error;
use crate::{Embedded, keys};
use pawl_documents::Document;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DeclarationId, IndexKey, ObjectName, Step, Store, StoreId, StorePolicy,
};
use pawl_ports::{Catalogue, Put};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

impl Catalogue for Embedded {
    async fn put(
        &self,
        declaration: &Declaration,
        keys: &BTreeSet<IndexKey>,
        standing: Option<&Declaration>,
    ) -> Result<Put, pawl_ports::Error> {
        let new = New::of(declaration, keys);
        let known = standing.map(pawl_documents::write);
        let put = self.indexing(move |connection| new.put(connection, known.as_deref())).await?;
        put.ok_or_else(|| pawl_ports::Error::another_stands(&format_args!("declaration {}", declaration.id)))
    }

    async fn remove(&self, id: &DeclarationId) -> Result<bool, pawl_ports::Error> {
        let id = keys::of_declaration(id);
        self.indexing(move |connection| remove_if(connection, &id, |_| true)).await
    }

    async fn remove_this(&self, declaration: &Declaration) -> Result<bool, pawl_ports::Error> {
        let id = keys::of_declaration(&declaration.id);
        let document = pawl_documents::write(declaration);
        let is_it = move |old: &str| pawl_documents::is_same::<Declaration>(old, &document);
        self.indexing(move |connection| remove_if(connection, &id, is_it)).await
    }

    async fn put_store(&self, store: &Store) -> Result<Put, pawl_ports::Error> {
        self.put_document("stores", keys::of_store(&store.id), store).await
    }

    async fn remove_store(&self, id: &StoreId) -> Result<bool, pawl_ports::Error> {
        self.remove_document("stores", keys::of_store(id)).await
    }

    async fn put_cluster(&self, cluster: &Cluster) -> Result<Put, pawl_ports::Error> {
        self.put_document("clusters", cluster.name.to_string(), cluster).await
    }

    async fn put_policy(&self, policy: &StorePolicy) -> Result<Put, pawl_ports::Error> {
        self.put_document("policies", policy.name.to_string(), policy).await
    }

    async fn remove_policy(&self, name: &ObjectName) -> Result<bool, pawl_ports::Error> {
        self.remove_document("policies", name.to_string()).await
    }

    async fn put_pattern(
        &self,
        pattern: &Pattern,
        standing: Option<&Pattern>,
    ) -> Result<Put, pawl_ports::Error> {
        let id = pattern.id();
        let (key, document) = (id.path(), pawl_documents::write(pattern));
        let known = standing.map(pawl_documents::write);
        let put = self.indexing(move |connection| replace(connection, &key, &document, known.as_deref()));
        put.await?.ok_or_else(|| pawl_ports::Error::another_stands(&id))
    }

    async fn remove_pattern(&self, id: &PatternId) -> Result<bool, pawl_ports::Error> {
        self.remove_document("patterns", id.path()).await
    }

    async fn remove_this_pattern(&self, pattern: &Pattern) -> Result<bool, pawl_ports::Error> {
        let (key, document) = (pattern.id().path(), pawl_documents::write(pattern));
        self.indexing(move |connection| {
            match standing_pattern(connection, &key)? {
                Some(old) if pawl_documents::is_same::<Pattern>(&old, &document) => {}
                _ => return Ok(false),
            }
            connection.prepare_cached("DELETE FROM patterns WHERE id = ?1")?.execute([key])?;
            Ok(true)
        })
        .await
    }

    async fn remove_cluster(&self, name: &ClusterName) -> Result<bool, pawl_ports::Error> {
        self.remove_document("clusters", name.to_string()).await
    }
}

/// Puts the document of a pattern in place of the one that is `known` to stand. `None` when another one stands that can be read,
/// or none.
fn replace(
    connection: &Connection,
    key: &str,
    document: &str,
    known: Option<&str>,
) -> Result<Option<Put>, Error> {
    let old = standing_pattern(connection, key)?;
    let put = match &old {
        None if known.is_some() => return Ok(None),
        None => Put::Created,
        Some(old) => {
            let stands_as = |text: &str| pawl_documents::is_same::<Pattern>(old, text);
            if stands_as(document) {
                return Ok(Some(Put::Unchanged));
            }
            let is_readable = || pawl_documents::read::<Pattern>("", old).is_ok();
            if !known.is_some_and(stands_as) && is_readable() {
                return Ok(None);
            }
            Put::Changed
        }
    };
    let query = "REPLACE INTO patterns (id, document) VALUES (?1, ?2)";
    connection.prepare_cached(query)?.execute([key, document])?;
    Ok(Some(put))
}

/// The document of a pattern.
fn standing_pattern(connection: &Connection, key: &str) -> Result<Option<String>, Error> {
    let mut statement = connection.prepare_cached("SELECT document FROM patterns WHERE id = ?1")?;
    Ok(statement.query_row([key], |row| Ok(text(row, 0)?.to_owned())).optional()?)
}

impl Embedded {
    async fn indexing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, pawl_ports::Error> {
        self.writer.write(work).await.map_err(|error| error.at(Step::Lookup))
    }

    pub(crate) async fn put_document<D: Document>(
        &self,
        table: &'static str,
        id: String,
        noun: &D,
    ) -> Result<Put, pawl_ports::Error> {
        let document = pawl_documents::write(noun);
        self.indexing(move |connection| {
            let query = format!("SELECT document FROM {table} WHERE id = ?1");
            let old: Option<String> = connection
                .prepare_cached(&query)?
                .query_row([&id], |row| Ok(text(row, 0)?.to_owned()))
                .optional()?;
            let put = match &old {
                None => Put::Created,
                Some(old) if pawl_documents::is_same::<D>(old, &document) => return Ok(Put::Unchanged),
                Some(_) => Put::Changed,
            };
            let query = format!("REPLACE INTO {table} (id, document) VALUES (?1, ?2)");
            connection.prepare_cached(&query)?.execute([id, document])?;
            Ok(put)
        })
        .await
    }

    async fn remove_document(&self, table: &'static str, id: String) -> Result<bool, pawl_ports::Error> {
        self.indexing(move |connection| {
            let text = format!("DELETE FROM {table} WHERE id = ?1");
            Ok(connection.prepare_cached(&text)?.execute([id])? > 0)
        })
        .await
    }
}

/// A declaration as it is about to be stored.
struct New {
    id: String,
    home: String,
    indexed: Indexed,
    document: String,
}

impl New {
    fn of(declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> Self {
        Self {
            id: keys::of_declaration(&declaration.id),
            home: keys::of_home(&declaration.home).to_owned(),
            indexed: Indexed::of(declaration, keys),
            document: pawl_documents::write(declaration),
        }
    }

    /// Puts it in place of the document that is `known` to stand. `None` when another one stands that can be read, or none.
    fn put(self, connection: &Connection, known: Option<&str>) -> Result<Option<Put>, Error> {
        let Self { id, home, indexed, document } = self;
        let found = standing(connection, &id)?;
        let put = if found.is_some() { Put::Changed } else { Put::Created };
        if put == Put::Created && known.is_some() {
            return Ok(None);
        }
        let (old, old_document) = found.unwrap_or_default();
        if put == Put::Changed {
            let stands_as = |text: &str| pawl_documents::is_same::<Declaration>(&old_document, text);
            let is_same = stands_as(&document);
            if is_same && old == indexed {
                return Ok(Some(Put::Unchanged));
            }
            let is_readable = || pawl_documents::read::<Declaration>("", &old_document).is_ok();
            if !is_same && !known.is_some_and(stands_as) && is_readable() {
                return Ok(None);
            }
        }
        let text = "INSERT INTO declarations (id, home, indexed, document) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (id) DO UPDATE
            SET home = excluded.home, indexed = excluded.indexed, document = excluded.document";
        // Plain data with text keys can always be serialised.
        let text_of_index = serde_json::to_string(&indexed).unwrap_or_default();
        connection.prepare_cached(text)?.execute(params![id, home, text_of_index, document])?;
        indexed.replace(&old, connection, &id)?;
        Ok(Some(put))
    }
}

/// Removes what stands under an id if its document is the one that is meant.
fn remove_if(connection: &Connection, id: &str, is_it: impl Fn(&str) -> bool) -> Result<bool, Error> {
    let Some((old, document)) = standing(connection, id)? else { return Ok(false) };
    if !is_it(&document) {
        return Ok(false);
    }
    connection.prepare_cached("DELETE FROM declarations WHERE id = ?1")?.execute([id])?;
    Indexed::default().replace(&old, connection, id)?;
    Ok(true)
}

/// What the tables beside `declarations` keep of one of them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
struct Indexed {
    keys: BTreeSet<String>,
    stores: BTreeSet<String>,
    /// In nanoseconds, at most; `None` for what is read once.
    interval: Option<i64>,
}

impl Indexed {
    fn of(declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> Self {
        let interval = declaration.refresh.interval.as_nanos();
        Self {
            keys: keys.iter().map(|key| key.as_str().to_owned()).collect(),
            stores: declaration.stores().iter().map(keys::of_store).collect(),
            interval: (!declaration.refresh.reads_once())
                .then(|| i64::try_from(interval).unwrap_or(i64::MAX)),
        }
    }

    /// Brings the tables from `old` to this, for the declaration `id`.
    fn replace(&self, old: &Self, connection: &Connection, id: &str) -> Result<(), Error> {
        let run = |text: &str, name: &str| connection.prepare_cached(text)?.execute([name, id]);
        for key in old.keys.difference(&self.keys) {
            run("DELETE FROM index_keys WHERE key = ?1 AND id = ?2", key)?;
        }
        for key in self.keys.difference(&old.keys) {
            run("INSERT INTO index_keys (key, id) VALUES (?1, ?2)", key)?;
        }
        for store in old.stores.difference(&self.stores) {
            run("DELETE FROM store_readers WHERE store = ?1 AND id = ?2", store)?;
        }
        for store in self.stores.difference(&old.stores) {
            run("INSERT INTO store_readers (store, id) VALUES (?1, ?2)", store)?;
        }
        if (&self.stores, self.interval) != (&old.stores, old.interval) {
            old.count(connection, -1)?;
            self.count(connection, 1)?;
        }
        Ok(())
    }

    /// Adds to the number of declarations that want each of the stores swept at this interval.
    fn count(&self, connection: &Connection, by: i64) -> Result<(), Error> {
        let Some(interval) = self.interval else { return Ok(()) };
        for store in &self.stores {
            let text = "INSERT INTO store_intervals (store, nanoseconds, readers) VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET readers = readers + excluded.readers";
            connection.prepare_cached(text)?.execute(params![store, interval, by])?;
            let text = "DELETE FROM store_intervals WHERE store = ?1 AND nanoseconds = ?2 AND readers <= 0";
            connection.prepare_cached(text)?.execute(params![store, interval])?;
        }
        Ok(())
    }
}

/// What is kept of a declaration, and its document.
fn standing(connection: &Connection, id: &str) -> Result<Option<(Indexed, String)>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT indexed, document FROM declarations WHERE id = ?1")?;
    let found: Option<(String, String)> = statement
        .query_row([id], |row| Ok((text(row, 0)?.to_owned(), text(row, 1)?.to_owned())))
        .optional()?;
    let Some((indexed, document)) = found else { return Ok(None) };
    let indexed = match serde_json::from_str(&indexed) {
        Ok(indexed) => indexed,
        Err(_) => looked_for(connection, id)?,
    };
    Ok(Some((indexed, document)))
}

/// What the tables hold of a declaration, where its own list cannot be read: both are read whole for it. The interval
/// at which it was counted is lost; a store is swept at most too often for that.
fn looked_for(connection: &Connection, id: &str) -> Result<Indexed, Error> {
    let names = |text: &str| -> Result<BTreeSet<String>, Error> {
        let mut statement = connection.prepare_cached(text)?;
        let names = statement.query_map([id], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    };
    Ok(Indexed {
        keys: names("SELECT key FROM index_keys WHERE id = ?1")?,
        stores: names("SELECT store FROM store_readers WHERE id = ?1")?,
        interval: None,
    })
}
