//! Why a command ended early.

use std::process::ExitCode;

/// A command could not do its work at all. What failed within its work is in its output instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Something given on the command line cannot be used.
    #[error("{0}")]
    Usage(String),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// A file could not be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of values cannot be used.
    #[error("{path}: {message}")]
    Values {
        /// The file.
        path: String,
        /// What is wrong with it; never a value.
        message: String,
    },
    /// The configuration does not hold together, or the state cannot be opened.
    #[error(transparent)]
    Start(#[from] pawl_runtime::Error),
    /// The registry could not be asked.
    #[error(transparent)]
    Flow(#[from] pawl_ports::Error),
    /// An event cannot be read.
    #[error(transparent)]
    Event(#[from] pawl_events::Error),
    /// A part of the server ended by itself, and the server with it.
    #[error("{0}; the log says what came before")]
    Ended(String),
    /// The server could not listen, or an endpoint failed.
    #[error("cannot serve HTTP: {0}")]
    Http(std::io::Error),
}

impl Error {
    /// What may help, beside what the message says.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Start(_) | Self::Flow(_) => Some(
                "hint: --db names the registry of a pawl serve; a deployed Pawl is reached with --table and --jobs",
            ),
            Self::Event(_) => {
                Some("hint: docs/sending-events.md has the form, and events/ a sample of every event")
            }
            Self::Values { .. } => Some("hint: pawl render --help shows the form of the file"),
            Self::Usage(_) | Self::NotFound(_) | Self::File { .. } | Self::Ended(_) | Self::Http(_) => None,
        }
    }

    /// See the help of `pawl`.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::NotFound(_) | Self::File { .. } | Self::Values { .. } | Self::Event(_) | Self::Ended(_) => {
                ExitCode::FAILURE
            }
            Self::Start(_) | Self::Flow(_) | Self::Http(_) => ExitCode::from(3),
        }
    }
}
