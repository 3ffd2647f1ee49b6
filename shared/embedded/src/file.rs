//! How the file is opened, written by one thread, and read by a few blocking tasks.

use crate::error::Error;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// The pause between two tries where SQLite itself does not wait.
const AGAIN: Duration = Duration::from_millis(10);
/// How long a write may wait for its turn.
const TURN: Duration = Duration::from_secs(10);
/// How many writes may wait; further ones wait outside.
const WAITING: usize = 512;
/// The most writes that share one commit, and how long they may take before it.
const SHARED: usize = 256;
const SHARING: Duration = Duration::from_millis(20);
/// How many reads run at once.
const READERS: usize = 4;
/// Page caches in KiB: with these, memory does not grow with the file.
const WRITER_CACHE: i64 = 8 * 1024;
const READER_CACHE: i64 = 2 * 1024;
/// The write-ahead log is cut back to this many bytes.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

/// Opens the file to write, making it first where there is none.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    make(path).map_err(|cause| Error::Open { path: path.to_owned(), cause: Arc::new(cause) })?;
    connect(path, WRITER_CACHE)
}

/// SQLite gives the files beside this one the same mode.
fn make(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    options.open(path)?;
    Ok(())
}

fn connect(path: &Path, cache: i64) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    write_ahead(&connection)?;
    // Each commit reaches the disk before it is acknowledged.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -cache)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Switches to a write-ahead log. SQLite does not wait where two switch at the same moment, for each holds what the other
/// wants.
fn write_ahead(connection: &Connection) -> Result<(), Error> {
    let until = Instant::now() + BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal").map_err(Error::from) {
            Err(Error::Busy) if Instant::now() < until => std::thread::sleep(AGAIN),
            switched => return switched,
        }
    }
}

/// A write that waits: given the connection, or why there is none, it leaves an answer that is held back until the
/// commit.
type Work = Box<dyn FnOnce(Result<&Connection, Error>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// The thread that writes.
#[derive(Clone, Debug)]
pub(crate) struct Writer(mpsc::Sender<Work>);

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, Error> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new().name("pawl-embedded".to_owned());
        thread.spawn(move || serve(&connection, receiver)).map_err(|_| Error::Stopped)?;
        Ok(Self(sender))
    }

    /// Runs `work` within a transaction, whole or not at all, and returns when that has reached the disk. A caller
    /// that goes away before its turn leaves nothing; one that goes away later may have written.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = oneshot::channel();
        let asked = Instant::now();
        let work: Work = Box::new(move |connection| {
            let result = match connection {
                Err(error) => Err(error),
                Ok(_) if sender.is_closed() => Err(Error::Stopped),
                Ok(_) if asked.elapsed() > TURN => Err(Error::Late),
                Ok(connection) => savepoint(connection, work),
            };
            Box::new(move |committed| {
                // Nobody listens when the caller went away.
                let _ = sender.send(committed.and(result));
            })
        });
        self.0.send(work).await.map_err(|_| Error::Stopped)?;
        receiver.await.map_err(|_| Error::Stopped)?
    }
}

fn savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.execute_batch("SAVEPOINT work")?;
    let result = work(connection);
    if result.is_err() {
        connection.execute_batch("ROLLBACK TO work")?;
    }
    connection.execute_batch("RELEASE work")?;
    result
}

/// Ends when every handle is gone and all that waited is written.
fn serve(connection: &Connection, mut receiver: mpsc::Receiver<Work>) {
    while let Some(first) = receiver.blocking_recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            first(Err(error.into()))(Ok(()));
            continue;
        }
        let begun = Instant::now();
        let mut answers = vec![first(Ok(connection))];
        while answers.len() < SHARED && begun.elapsed() < SHARING {
            let Ok(next) = receiver.try_recv() else { break };
            answers.push(next(Ok(connection)));
        }
        let committed = connection.execute_batch("COMMIT").map_err(Error::from);
        if committed.is_err() && !connection.is_autocommit() {
            // What cannot be committed cannot always be rolled back either; the next BEGIN tells then.
            let _ = connection.execute_batch("ROLLBACK");
        }
        answers.into_iter().for_each(|answer| answer(committed.clone()));
    }
}

/// The connections that read.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, turns: Arc::new(Semaphore::new(READERS)), idle: Arc::default() }
    }

    /// Runs `work` on one view of the file, which holds every write that was acknowledged before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turn().await?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let read = tokio::task::spawn_blocking(move || {
            let result = on_idle(&path, &idle, |connection| snapshot(connection, work));
            drop(turn);
            result
        });
        read.await.map_err(|_| Error::Stopped)?
    }

    /// The same for work that reads a handful of pages, where each statement sees a view of its own. The way to another thread and back would cost ten times as
    /// much as such work, so it is done on this one, which the runtime replaces meanwhile, where it can.
    pub(crate) async fn glance<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
            return self.read(work).await;
        }
        let _turn = self.turn().await?;
        tokio::task::block_in_place(|| on_idle(&self.path, &self.idle, work))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::Stopped)
    }
}

/// Runs `work` on a connection that nobody uses, opening one if there is none.
fn on_idle<T>(
    path: &Path,
    idle: &Mutex<Vec<Connection>>,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let found = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let connection = found.map_or_else(|| connect(path, READER_CACHE), Ok)?;
    let result = work(&connection);
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    result
}

/// Lets all statements of `work` see the same view.
pub(crate) fn snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.unchecked_transaction()?;
    let result = work(connection);
    transaction.finish()?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_that_fails_halfway_leaves_nothing_and_takes_no_other_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pawl.db");
        let connection = open(&path).unwrap();
        connection.execute_batch("CREATE TABLE numbers (number INTEGER)").unwrap();
        let writer = Writer::start(connection).unwrap();
        let writes = (0..20).map(|number| {
            writer.write(move |connection| {
                connection.execute("INSERT INTO numbers VALUES (?1)", [number])?;
                if number % 2 == 1 { Err(Error::Conflict(number.to_string())) } else { Ok(number) }
            })
        });
        let results = futures::future::join_all(writes).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
        let readers = Readers::new(path);
        let odd = "SELECT count(*), total(number % 2) FROM numbers";
        let found = readers.read(move |connection| {
            Ok(connection.query_row(odd, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?)))?)
        });
        assert_eq!(found.await.unwrap(), (10, 0.0));
    }
}
