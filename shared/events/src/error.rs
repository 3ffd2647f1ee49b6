//! Why an event could not be read.

/// An event could not be read. Holds nothing of the body, so it may be logged whoever sent it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is no JSON, or lacks what its sender always sends.
    #[error("malformed event: {reason}")]
    Malformed {
        /// What is missing or wrong.
        reason: String,
    },
    /// It is larger than any sender's limit.
    #[error("malformed event: {bytes} bytes are more than an event can have")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is well-formed, and of no sender or type that Pawl knows.
    #[error(
        "unknown event: {what}; narrow the rule that sends it, or report it if it tells of a changed secret"
    )]
    Unknown {
        /// Which part of it is not known.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    pub(crate) fn unknown(what: &'static str) -> Self {
        Self::Unknown { what }
    }
}

/// A JSON error without the snippet of input that some of serde's messages quote.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                "a field is missing or has another type than its sender gives it"
            }
            serde_json::error::Category::Eof => "the JSON ends too early",
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => "it is not JSON",
        };
        Self::malformed(format!("{what} (line {}, column {})", error.line(), error.column()))
    }
}
