//! What generators make for one plan.

use pawl_domain::Found;
use pawl_domain::record::{Generated, Made};
use std::collections::BTreeMap;

/// What this delivery has made, so that it makes nothing twice where it has to look at its target again.
#[derive(Debug, Default)]
pub(crate) struct Making {
    /// By the position of the read.
    pub(crate) made: BTreeMap<usize, (Made, Found)>,
    /// What the ledger is to remember, once that is written.
    pub(crate) generated: Option<Generated>,
}

/// What is to be made by generators for a declaration, before anything is made.
#[derive(Debug, Default)]
pub(crate) struct Intended {
    /// By what each of it is made, by the position of the read.
    pub(crate) by: Vec<(usize, String)>,
    /// Whether all of it is good as it stands.
    pub(crate) is_good: bool,
    /// See [`Generated::basis`].
    pub(crate) basis: String,
}

impl Intended {
    /// Whether generators make any of it.
    pub(crate) fn is_any(&self) -> bool {
        !self.by.is_empty()
    }
}
