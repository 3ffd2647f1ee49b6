//! What is written back to an ExternalSecret that lives in a cluster.

use jiff::Timestamp;
use pawl_domain::{Failure, Outcome};

/// How the last sync of a declaration went, for its Ready condition and an Event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// When.
    pub at: Timestamp,
    /// The target's kind, where it is no Secret.
    pub kind: Option<String>,
    /// What was done, or why it failed.
    pub result: Result<Outcome, Failure>,
    /// The name of the target, where one was written.
    pub target: Option<String>,
}
