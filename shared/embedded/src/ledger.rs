//! The ledger: what was done last for each declaration.

use crate::error::Error;
use crate::registry::text;
use crate::{Embedded, keys};
use jiff::Timestamp;
use pawl_domain::{DeclarationId, Record, Step};
use pawl_ports::{Entry, Ledger, Revision, Unreadable, readable};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

impl Ledger for Embedded {
    async fn entries(&self, ids: &[DeclarationId]) -> Result<Vec<Entry>, pawl_ports::Error> {
        let ids: BTreeSet<DeclarationId> = ids.iter().cloned().collect();
        self.recalling(move |connection| {
            let mut entries = Vec::new();
            for id in ids {
                let Some((revision, record)) = standing(connection, &id)? else { continue };
                entries.extend(readable(record).map(|record| Entry { id, record, revision }));
            }
            Ok(entries)
        })
        .await
    }

    async fn unreadable_records(&self, ids: &[DeclarationId]) -> Result<Vec<Unreadable>, pawl_ports::Error> {
        let ids: BTreeSet<DeclarationId> = ids.iter().cloned().collect();
        self.recalling(move |connection| {
            let record =
                |id: &DeclarationId| Ok(standing(connection, id)?.and_then(|(_, record)| record.err()));
            ids.iter().filter_map(|id| record(id).transpose()).collect()
        })
        .await
    }

    async fn put(
        &self,
        id: &DeclarationId,
        record: &Record,
        expected: Option<Revision>,
    ) -> Result<Revision, pawl_ports::Error> {
        let (id, key) = (id.clone(), keys::of_declaration(id));
        let settled = record.state.is_settled();
        let document = pawl_documents::write(record);
        self.recording(move |connection| {
            let expected = match expected {
                None => match standing(connection, &id)? {
                    // What cannot be read counts as none.
                    Some((revision, Err(_))) => Some(revision),
                    Some((_, Ok(_))) | None => None,
                },
                known => known,
            };
            let query = match expected {
                None => {
                    "INSERT INTO records (id, revision, settled, document) VALUES (?1, ?4 + 1, ?2, ?3)
                    ON CONFLICT DO NOTHING RETURNING revision"
                }
                Some(_) => {
                    "UPDATE records SET revision = revision + 1, settled = ?2, document = ?3
                    WHERE id = ?1 AND revision = ?4 RETURNING revision"
                }
            };
            let expected = expected.map_or(0, |revision| revision.0.cast_signed());
            let mut statement = connection.prepare_cached(query)?;
            let revision: Option<i64> = statement
                .query_row(params![key, settled, document, expected], |row| row.get(0))
                .optional()?;
            revision
                .map(|revision| Revision(revision.cast_unsigned()))
                .ok_or_else(|| Error::Conflict(id.to_string()))
        })
        .await
    }

    async fn remove(&self, id: &DeclarationId, expected: Option<Revision>) -> Result<(), pawl_ports::Error> {
        let (key, name) = (keys::of_declaration(id), id.to_string());
        self.recording(move |connection| {
            let text = "DELETE FROM records WHERE id = ?1 AND (?2 IS NULL OR revision = ?2)";
            let expected = expected.map(|revision| revision.0.cast_signed());
            let removed = connection.prepare_cached(text)?.execute(params![key, expected])?;
            let text = "SELECT 1 FROM records WHERE id = ?1";
            let stands = removed == 0 && connection.prepare_cached(text)?.exists([key])?;
            if stands { Err(Error::Conflict(name)) } else { Ok(()) }
        })
        .await
    }

    async fn unsettled(
        &self,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<DeclarationId>, pawl_ports::Error> {
        let after = after.map(keys::of_declaration).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.recalling(move |connection| {
            let query = "SELECT id FROM records WHERE settled = 0 AND id > ?1 ORDER BY id LIMIT ?2";
            let mut statement = connection.prepare_cached(query)?;
            let mut rows = statement.query(params![after, limit])?;
            let mut ids = Vec::new();
            while let Some(row) = rows.next()? {
                ids.extend(readable(keys::declaration(text(row, 0)?)));
            }
            Ok(ids)
        })
        .await
    }

    async fn mark(&self, name: &str) -> Result<Option<Timestamp>, pawl_ports::Error> {
        let name = name.to_owned();
        self.recalling(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT second, nanosecond FROM marks WHERE name = ?1")?;
            let found: Option<(i64, i32)> =
                statement.query_row([&name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            // A mark that is no time counts as none: everything is looked at then.
            Ok(found.and_then(|(second, nanosecond)| Timestamp::new(second, nanosecond).ok()))
        })
        .await
    }

    async fn set_mark(&self, name: &str, at: Timestamp) -> Result<(), pawl_ports::Error> {
        let name = name.to_owned();
        self.recording(move |connection| {
            let text = "INSERT INTO marks (name, second, nanosecond) VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET second = excluded.second, nanosecond = excluded.nanosecond";
            connection.prepare_cached(text)?.execute(params![
                name,
                at.as_second(),
                at.subsec_nanosecond()
            ])?;
            Ok(())
        })
        .await
    }
}

/// What stands in the ledger of one declaration.
type Standing = (Revision, Result<Record, Unreadable>);

/// The revision and record of a declaration, where there is one.
fn standing(connection: &Connection, id: &DeclarationId) -> Result<Option<Standing>, Error> {
    let mut one = connection.prepare_cached("SELECT revision, document FROM records WHERE id = ?1")?;
    let found = one.query_row([keys::of_declaration(id)], |row| {
        let record = pawl_documents::read(&id.to_string(), text(row, 1)?);
        Ok((Revision(row.get::<_, i64>(0)?.cast_unsigned()), record))
    });
    Ok(found.optional()?)
}

impl Embedded {
    async fn recalling<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, pawl_ports::Error> {
        self.readers.read(work).await.map_err(|error| error.at(Step::Record))
    }

    async fn recording<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, pawl_ports::Error> {
        self.writer.write(work).await.map_err(|error| error.at(Step::Record))
    }
}
