//! Turns failures of the file into the flow's error.

use pawl_domain::{Kind, Step};
use rusqlite::ErrorCode;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The file could not do what was asked of it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be made or opened.
    #[error("cannot open {path}: {cause}; check that the directory exists and that Pawl may write there")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: Arc<io::Error>,
    },
    /// The file is a database of something else.
    #[error("the file is a database of another program; name another file")]
    Foreign,
    /// A later version of Pawl wrote the file.
    #[error(
        "the file has schema {found} and this version of Pawl knows {known}; use the version that wrote it"
    )]
    Newer {
        /// The schema found.
        found: i64,
        /// The latest schema known.
        known: i64,
    },
    /// Another process held the file for too long.
    #[error("the file was locked by another process for too long; try again")]
    Busy,
    /// There was more to write than could be written in time.
    #[error("the write waited too long for its turn; try again")]
    Late,
    /// The disk is full.
    #[error("the disk is full; make room")]
    Full,
    /// The thread that writes has ended, or a read was cut off.
    #[error("the store is shutting down; try again")]
    Stopped,
    /// Another revision of a record stands there.
    #[error("the record of {0} was written by somebody else; start again from the read")]
    Conflict(String),
    /// SQLite failed in another way.
    #[error("the file cannot be used: {0}; check the disk, then the file with sqlite3")]
    Sqlite(#[source] Arc<rusqlite::Error>),
}

impl Error {
    /// Whether the same attempt may succeed later with nobody mending anything.
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// The kind of failure, for the flow.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Conflict(_) => Kind::Conflict,
            // A disk can get room, and come back, with nobody touching Pawl; nothing may be given up for it.
            Self::Busy | Self::Late | Self::Full | Self::Stopped | Self::Sqlite(_) => Kind::Transient,
            Self::Open { .. } | Self::Foreign | Self::Newer { .. } => Kind::Invalid,
        }
    }

    /// The flow's error for a failure at this step.
    pub(crate) fn at(self, step: Step) -> pawl_ports::Error {
        pawl_ports::Error::new(step, self.kind(), self.to_string()).caused_by(self)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::NotADatabase) => Self::Foreign,
            _ => Self::Sqlite(Arc::new(error)),
        }
    }
}
