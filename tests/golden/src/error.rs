//! Why cases could not be played.

use std::path::PathBuf;

/// Why cases could not be played. That a case comes out otherwise is none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of cases cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it is no case.
    #[error("{}:{line}: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Choices are not written as they must be.
    #[error("choices, line {line}: write `<case or group>: <reason>`")]
    Choice {
        /// The line, from 1.
        line: usize,
    },
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
