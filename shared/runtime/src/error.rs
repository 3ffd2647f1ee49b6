//! Why Pawl could not start.

use crate::config;

/// Pawl could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable is missing or not valid.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The local file could not be opened.
    #[error(transparent)]
    Local(#[from] pawl_embedded::Error),
    /// The key of the ledger's digests could not be had.
    #[error("the key of the ledger's digests: {0}")]
    LedgerKey(String),
    /// A token that senders show could not be had.
    #[error("the token of {of}: {problem}")]
    Token {
        /// Whose it is.
        of: &'static str,
        /// Why.
        problem: String,
    },
}

impl Error {
    /// Whether starting again may help with nobody mending anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Config(_) | Self::LedgerKey(_) | Self::Token { .. } => false,
            Self::Local(error) => error.is_retryable(),
        }
    }
}
