//! Why cases could not be played.

/// Why cases could not be played. That a case comes out otherwise is none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recording or its choices cannot be used.
    #[error(transparent)]
    Recording(#[from] pawl_recorded::Error),
    /// The stage did not come up or broke down.
    #[error(transparent)]
    Stage(#[from] pawl_e2e::Error),
    /// A case could not be put in place.
    #[error("{case}: {reason}")]
    Setup {
        /// The case.
        case: String,
        /// What was refused.
        reason: String,
    },
}

/// The result of playing cases.
pub type Result<T> = std::result::Result<T, Error>;
