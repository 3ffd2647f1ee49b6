//! Registry, ledger and job queue in one local SQLite file, for those who run Pawl as one process.
//!
//! Start reading at [`Embedded`]. `file` holds how the file is opened, written and read; every other
//! module is one port. Processes may share the file: a command line reads and writes while the server runs.
//!
//! - A call that returned is durable: every commit reaches the disk before its callers go on. Writers that meet
//!   share one commit.
//! - SQLite never runs on the threads of the async runtime: one thread writes, a few blocking tasks read.
//! - A lookup reads a handful of pages, however large the registry; caches are bounded.
//! - The file holds names, versions and digests, never a value, and only its owner may read it.

mod error;
mod file;
mod jobs;
mod keys;
mod ledger;
mod pushes;
mod queue;
mod registry;
mod schema;

pub use error::Error;
pub use queue::{JobCounts, JobState, Leased, Receipt, Retried, StoredJob};

use file::{Readers, Writer};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Notify;

/// One open file. Clones share it.
#[derive(Clone, Debug)]
pub struct Embedded {
    writer: Writer,
    readers: Arc<Readers>,
    arrival: Arc<Notify>,
}

impl Embedded {
    /// Opens the file, or makes it, with access for its owner only, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Foreign`] and [`Error::Newer`] when the file is not one that this version can use; [`Error::Open`]
    /// when the directory is missing or closed to us.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let opened = tokio::task::spawn_blocking(move || {
            let connection = file::open(&path)?;
            schema::migrate(&connection)?;
            Ok::<_, Error>(Self {
                writer: Writer::start(connection)?,
                readers: Arc::new(Readers::new(path)),
                arrival: Arc::new(Notify::new()),
            })
        });
        opened.await.map_err(|_| Error::Stopped)?
    }
}
