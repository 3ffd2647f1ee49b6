//! Work that waits in the durable queue.

use jiff::Timestamp;
use pawl_domain::{Change, DeclarationId};
use serde::{Deserialize, Serialize};

/// Declarations to bring up to date. Holds ids and the change that caused it, never a value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Job {
    /// The declarations, at most [`Job::MAX_DECLARATIONS`].
    pub declarations: Vec<DeclarationId>,
    /// Why: it tells which version must be seen at least.
    pub change: Option<Change>,
    /// When the work came up, so that a job that comes twice does not do it twice.
    pub at: Timestamp,
}

impl Job {
    /// The largest number of declarations in one job: with the longest names it stays below half of SQS's 1 MiB, and
    /// a function that takes it ends well within its time.
    pub const MAX_DECLARATIONS: usize = 200;

    /// Jobs for all of these declarations.
    pub fn chunks(declarations: &[DeclarationId], change: Option<&Change>, at: Timestamp) -> Vec<Self> {
        declarations
            .chunks(Self::MAX_DECLARATIONS)
            .map(|chunk| Self { declarations: chunk.to_vec(), change: change.cloned(), at })
            .collect()
    }
}
