//! Why a recording could not be used.

use std::path::PathBuf;

/// Why a recording or its choices could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a recording is not of its form.
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
    #[error("choices, line {line}: write `<case or group> [<part>]: <reason>`")]
    Choice {
        /// The line, from 1.
        line: usize,
    },
}

/// The result of using a recording.
pub type Result<T> = std::result::Result<T, Error>;
