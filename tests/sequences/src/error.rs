//! Why sequences could not be played.

/// Why sequences could not be played. That one comes out otherwise is none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recording or its choices cannot be used.
    #[error(transparent)]
    Recording(#[from] pawl_recorded::Error),
    /// The stage did not come up or broke down.
    #[error(transparent)]
    Stage(#[from] pawl_e2e::Error),
    /// A server of the stage failed.
    #[error(transparent)]
    Server(#[from] pawl_servers::Error),
    /// A request of the player did not get through.
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// The API server or the store refused what a step needs.
    #[error("{what}: {status} {message}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// An action or an object is of a form that the player does not know.
    #[error("{0}")]
    Form(String),
}

/// The result of playing sequences.
pub type Result<T> = std::result::Result<T, Error>;
