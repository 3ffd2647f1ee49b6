//! The schema and its history. A migration is never edited once it was released; the next one is added below it.

use crate::error::Error;
use rusqlite::Connection;

/// Marks a file as Pawl's: `PAWL` in ASCII.
const APPLICATION_ID: i64 = 0x5041_574C;

/// Each brings the file from the version of its position to the next.
const MIGRATIONS: [&str; 5] = [
    // `indexed` holds, as JSON, what the other tables keep of a declaration, so that it can be taken out of them.
    "
    CREATE TABLE declarations (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        home TEXT NOT NULL,
        indexed TEXT NOT NULL,
        document TEXT NOT NULL
    );
    CREATE INDEX declarations_of_home ON declarations (home, id);
    CREATE TABLE index_keys (key TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID;
    CREATE TABLE store_readers (store TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (store, id)) WITHOUT ROWID;
    CREATE TABLE store_intervals (
        store TEXT NOT NULL,
        nanoseconds INTEGER NOT NULL,
        readers INTEGER NOT NULL,
        PRIMARY KEY (store, nanoseconds)
    ) WITHOUT ROWID;
    CREATE TABLE stores (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE clusters (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE records (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        settled INTEGER NOT NULL,
        document TEXT NOT NULL
    );
    CREATE INDEX records_not_settled ON records (id) WHERE settled = 0;
    CREATE TABLE marks (
        name TEXT PRIMARY KEY NOT NULL,
        second INTEGER NOT NULL,
        nanosecond INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        attempts INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL DEFAULT 0,
        leased INTEGER NOT NULL DEFAULT 0,
        dead TEXT,
        document TEXT NOT NULL
    );
    CREATE INDEX jobs_by_due ON jobs (due, number) WHERE dead IS NULL;
    CREATE INDEX jobs_dead ON jobs (number) WHERE dead IS NOT NULL;
    ",
    "CREATE TABLE policies (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;",
    // `tenant` is whose a job is; empty where it is of several, or was handed over before there was this column.
    "
    ALTER TABLE jobs ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
    CREATE INDEX jobs_by_tenant ON jobs (tenant, due, number) WHERE dead IS NULL;
    CREATE INDEX jobs_leased ON jobs (tenant, due) WHERE leased = 1 AND dead IS NULL;
    ",
    "
    CREATE TABLE pushes (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE push_records (
        id TEXT PRIMARY KEY NOT NULL,
        revision INTEGER NOT NULL,
        document TEXT NOT NULL
    ) WITHOUT ROWID;
    ",
    "CREATE TABLE patterns (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;",
];

/// Brings the file up to date, whole or not at all; processes that open it together wait for each other.
pub(crate) fn migrate(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = migrate_within(connection);
    connection.execute_batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}

fn migrate_within(connection: &Connection) -> Result<(), Error> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let number = |text: &str| connection.query_row(text, [], |row| row.get::<_, i64>(0));
    let (application, found) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application != APPLICATION_ID {
        let fresh = application == 0 && found == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0;
        if !fresh {
            return Err(Error::Foreign);
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        connection.execute_batch(migration)?;
    }
    if found < known {
        connection.pragma_update(None, "user_version", known)?;
    }
    Ok(())
}
