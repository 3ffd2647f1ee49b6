use std::{fmt, io};

/// What keeps a test from its server.
///
/// Nothing here is worth a retry: starting is already tried again inside where a port may have been taken.
#[derive(thiserror::Error)]
pub enum Error {
    /// A program or directory is not on this machine.
    #[error("{what} is missing: {remedy}")]
    Missing {
        /// What was looked for.
        what: String,
        /// How to get it.
        remedy: String,
    },
    /// A server or function ended, or did not come up in time.
    #[error("{server} is not running: {reason}; end of its log:\n{log}")]
    Start {
        /// The program.
        server: String,
        /// How it failed.
        reason: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// A server answered a call of the test with a failure.
    #[error("{call} answered {status}: {body}")]
    Refused {
        /// The call, in the words of its API.
        call: String,
        /// The HTTP status or exit code.
        status: u16,
        /// The answer. Servers of tests hold made-up values only, so it is shown whole.
        body: String,
    },
    /// A server's answer lacks a field that the call promises.
    #[error("{call} answered without {field}")]
    Incomplete {
        /// The call, in the words of its API.
        call: String,
        /// The field that is missing.
        field: &'static str,
    },
    /// A call did not get through.
    #[error("{call} did not get through: {source}")]
    Unreachable {
        /// The call, in the words of its API.
        call: String,
        /// Why.
        source: reqwest::Error,
    },
    /// A manifest that a test handed over cannot be read.
    #[error("cannot read the manifest: {0}")]
    Manifest(String),
    /// A certificate for a server could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The machine refused a file, a socket or a process.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Tests unwrap, and unwrap prints this: the words, and a server's log in lines.
impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Error {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn unreachable(call: impl Into<String>) -> impl FnOnce(reqwest::Error) -> Self {
        let call = call.into();
        // An address can hold a credential in its query; the call's name says enough.
        move |source| Self::Unreachable { call, source: source.without_url() }
    }
}
