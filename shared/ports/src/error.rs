//! The one error of the flow: where it failed, what kind of failure it was, what to do.

use pawl_domain::record::Code;
use pawl_domain::{Complaint, Failure, Kind, Refusal, Step};
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A step failed. The message is one line that names what failed and what to do, and never holds a value.
///
/// Adapters must classify: the kind alone decides whether the flow tries again.
#[derive(Debug)]
pub struct Error {
    /// Where it failed.
    pub step: Step,
    /// What kind of failure it was.
    pub kind: Kind,
    message: String,
    complaint: Complaint,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this step and kind, with a message that a person can act on.
    pub fn new(step: Step, kind: Kind, message: impl Into<String>) -> Self {
        Self {
            step,
            kind,
            message: message.into(),
            complaint: Complaint::of(step),
            retry_after: None,
            source: None,
        }
    }

    /// What the operator does not allow. Nobody was asked for it.
    pub fn refused(refusal: &Refusal) -> Self {
        let error = Self::new(Step::Lookup, Kind::Refused, refusal.to_string());
        error.complaining(Complaint::Refused(refusal.rule))
    }

    /// What was to be put in place of something else than the one that stands by now.
    pub fn another_stands(id: &impl fmt::Display) -> Self {
        let message = format!("{id} is another one by now, or gone; the next index looks again");
        Self::new(Step::Lookup, Kind::Conflict, message)
    }

    /// The same with its cause, which stays inside the process: causes may quote what servers said.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The same, of which the Ready condition says something else than is usual for its step.
    #[must_use]
    pub fn complaining(self, complaint: Complaint) -> Self {
        Self { complaint, ..self }
    }

    /// The same, of a server that asked to be left alone for so long (`Retry-After` of 429 and 503).
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// How long the server that failed asked to be left alone, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The same with words before its message that say more precisely what failed.
    #[must_use]
    pub fn within(self, words: &str) -> Self {
        Self { message: format!("{words}{}", self.message), ..self }
    }

    /// Whether the same attempt may succeed later with nobody mending anything.
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// Its stable code, which `docs/errors.md` explains.
    pub fn code(&self) -> Code {
        Code::of(self.step, self.kind, self.complaint)
    }

    /// What the Ready condition says of it.
    pub fn complaint(&self) -> Complaint {
        self.complaint
    }

    /// The line for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the ledger keeps of it after this many attempts in a row.
    pub fn to_failure(&self, attempts: u32) -> Failure {
        let Self { step, kind, complaint, .. } = *self;
        Failure { step, kind, message: self.message.clone(), complaint, attempts }
    }

    /// A second error that says the same, for another declaration that met the same failure.
    #[must_use]
    pub fn shared(&self) -> Self {
        let Self { step, kind, complaint, retry_after, .. } = *self;
        Self { step, kind, message: self.message.clone(), complaint, retry_after, source: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
