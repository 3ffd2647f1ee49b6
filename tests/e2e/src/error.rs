//! Why a scene could not be played.

use std::time::Duration;

/// Why a scene could not be played, or did not go as it must.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A server of the test failed.
    #[error(transparent)]
    Server(#[from] pawl_servers::Error),
    /// An embedded cluster refused an object of the test.
    #[error("the embedded cluster answered {0}")]
    Cluster(#[from] pawl_devcluster::Refused),
    /// A request of the test did not get through.
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// The machine refused a file, a socket or a process.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A binary of Pawl is not there.
    #[error("{0} is missing: build it first, with cargo build --workspace --bins")]
    NotBuilt(String),
    /// Something did not happen in time.
    #[error("{what} did not happen within {limit:?}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// Something happened otherwise than it must.
    #[error("{0}")]
    Otherwise(String),
}

/// The result of a step on a stage.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        |source| Self::Io { action, source }
    }
}
