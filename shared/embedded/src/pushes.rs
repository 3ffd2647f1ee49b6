//! PushSecrets and their records.

use crate::error::Error;
use crate::registry::text;
use crate::{Embedded, keys};
use pawl_domain::{DeclarationId, PushRecord, PushSecret, Step};
use pawl_ports::{PushPage, PushScope, Pushes, Put, Revision, Unreadable, readable};
use rusqlite::{Connection, OptionalExtension, params};

impl Pushes for Embedded {
    async fn pushes(
        &self,
        scope: &PushScope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<PushPage, pawl_ports::Error> {
        let after = after.map(keys::of_declaration).unwrap_or_default();
        let (above, below) = match scope {
            PushScope::All => (String::new(), "~".to_owned()),
            PushScope::Cluster(cluster) => keys::of_cluster(cluster),
            PushScope::Namespace(cluster, namespace) => keys::of_namespace(cluster, namespace),
        };
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readers
            .read(move |connection| {
                let query = "SELECT id, document FROM pushes WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
                let mut statement = connection.prepare_cached(query)?;
                let mut rows = statement.query(params![after.max(above), below, most])?;
                let (mut page, mut read) = (PushPage::default(), 0);
                while let Some(row) = rows.next()? {
                    read += 1;
                    let id = text(row, 0)?;
                    page.next = keys::declaration(id).ok().filter(|_| read == limit);
                    page.pushes.extend(readable(pawl_documents::read(&keys::shown(id), text(row, 1)?)));
                }
                Ok(page)
            })
            .await
            .map_err(|error: Error| error.at(Step::Lookup))
    }

    async fn push(&self, id: &DeclarationId) -> Result<Option<PushSecret>, pawl_ports::Error> {
        let id = id.clone();
        let found = self.readers.read(move |connection| {
            let mut one = connection.prepare_cached("SELECT document FROM pushes WHERE id = ?1")?;
            let found = one.query_row([keys::of_declaration(&id)], |row| {
                Ok(pawl_documents::read(&id.to_string(), text(row, 0)?))
            });
            Ok(found.optional()?.and_then(readable))
        });
        found.await.map_err(|error: Error| error.at(Step::Lookup))
    }

    async fn put_push(&self, push: &PushSecret) -> Result<Put, pawl_ports::Error> {
        self.put_document("pushes", keys::of_declaration(&push.id), push).await
    }

    async fn remove_push(&self, id: &DeclarationId) -> Result<bool, pawl_ports::Error> {
        let key = keys::of_declaration(id);
        let removed = self.writer.write(move |connection| {
            connection.prepare_cached("DELETE FROM push_records WHERE id = ?1")?.execute([&key])?;
            Ok(connection.prepare_cached("DELETE FROM pushes WHERE id = ?1")?.execute([&key])? > 0)
        });
        removed.await.map_err(|error: Error| error.at(Step::Lookup))
    }

    async fn let_go_push(&self, id: &DeclarationId) -> Result<bool, pawl_ports::Error> {
        let id = id.clone();
        let removed = self.writer.write(move |connection| {
            let key = keys::of_declaration(&id);
            let mut one = connection.prepare_cached("SELECT document FROM pushes WHERE id = ?1")?;
            let found = one.query_row([&key], |row| {
                Ok(pawl_documents::read::<PushSecret>(&id.to_string(), text(row, 0)?))
            });
            let may_go = found.optional()?.is_none_or(|found| found.is_ok_and(|push| push.deleting));
            if may_go {
                connection.prepare_cached("DELETE FROM push_records WHERE id = ?1")?.execute([&key])?;
                connection.prepare_cached("DELETE FROM pushes WHERE id = ?1")?.execute([&key])?;
            }
            Ok(may_go)
        });
        removed.await.map_err(|error: Error| error.at(Step::Lookup))
    }

    async fn push_record(
        &self,
        id: &DeclarationId,
    ) -> Result<Option<(PushRecord, Revision)>, pawl_ports::Error> {
        let id = id.clone();
        let found = self.readers.read(move |connection| {
            let standing = standing(connection, &id)?;
            Ok(standing.and_then(|(revision, record)| Some((readable(record)?, revision))))
        });
        found.await.map_err(|error: Error| error.at(Step::Record))
    }

    async fn put_push_record(
        &self,
        id: &DeclarationId,
        record: &PushRecord,
        expected: Option<Revision>,
    ) -> Result<Revision, pawl_ports::Error> {
        let (id, key, document) = (id.clone(), keys::of_declaration(id), pawl_documents::write(record));
        let written = self.writer.write(move |connection| {
            let expected = match (expected, standing(connection, &id)?) {
                // What cannot be read counts as none.
                (None, Some((revision, Err(_)))) => Some(revision),
                (expected, _) => expected,
            };
            let query = match expected {
                None => {
                    "INSERT INTO push_records (id, revision, document) VALUES (?1, ?3 + 1, ?2)
                    ON CONFLICT DO NOTHING RETURNING revision"
                }
                Some(_) => {
                    "UPDATE push_records SET revision = revision + 1, document = ?2
                    WHERE id = ?1 AND revision = ?3 RETURNING revision"
                }
            };
            let expected = expected.map_or(0, |revision| revision.0.cast_signed());
            let mut statement = connection.prepare_cached(query)?;
            let revision: Option<i64> =
                statement.query_row(params![key, document, expected], |row| row.get(0)).optional()?;
            let revision = revision.map(|revision| Revision(revision.cast_unsigned()));
            revision.ok_or_else(|| Error::Conflict(id.to_string()))
        });
        written.await.map_err(|error| error.at(Step::Record))
    }
}

/// A record with its revision, or why it cannot be read.
type Found = (Revision, Result<PushRecord, Unreadable>);

/// The revision and record of a PushSecret, where there is one.
fn standing(connection: &Connection, id: &DeclarationId) -> Result<Option<Found>, Error> {
    let mut one = connection.prepare_cached("SELECT revision, document FROM push_records WHERE id = ?1")?;
    let found = one.query_row([keys::of_declaration(id)], |row| {
        let record = pawl_documents::read(&id.to_string(), text(row, 1)?);
        Ok((Revision(row.get::<_, i64>(0)?.cast_unsigned()), record))
    });
    Ok(found.optional()?)
}
