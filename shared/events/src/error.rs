//! Why an event could not be read.

/// An event could not be read. Never holds anything of the body but names of fields and types.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is no JSON, or lacks what its sender always sends.
    #[error("malformed event: {reason}")]
    Malformed {
        /// What is missing or wrong.
        reason: String,
    },
    /// It is larger than any sender's limit.
    #[error("malformed event: {bytes} bytes are more than the largest event has")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is well-formed, and of no sender or type that Pawl knows.
    #[error("unknown event: {what}; narrow the rule that sends it, or report it if it tells of a changed secret")]
    Unknown {
        /// Its sender and type, shortened.
        what: String,
    },
}

impl Error {
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    /// Keeps a few printable characters of what the sender wrote.
    pub(crate) fn unknown(what: &str) -> Self {
        Self::Unknown { what: what.chars().filter(|c| !c.is_control()).take(100).collect() }
    }
}

/// A JSON error without the snippet of input that some of serde's messages quote.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a field has another type than its sender gives it",
            serde_json::error::Category::Eof => "the JSON ends too early",
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => "it is not JSON",
        };
        Self::malformed(format!("{what} (line {}, column {})", error.line(), error.column()))
    }
}
