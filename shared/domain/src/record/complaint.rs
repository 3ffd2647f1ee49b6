//! What an ExternalSecret's Ready condition says of a failure.

use crate::policy::Rule;
use crate::record::Step;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the Ready condition says of a failure: ESO's words, which dashboards and alerts look for. They never tell the
/// cause; that is in the Event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Complaint {
    /// The values could not be had, or are not what was declared.
    Provider,
    /// The target cannot be deleted.
    Delete,
    /// The target cannot be made or written.
    Update,
    /// The target is immutable and would have to change.
    Immutable,
    /// Some controller holds the target.
    Ownership,
    /// Another ExternalSecret holds the target.
    OwnedByAnother,
    /// The target is of a kind that may not be written.
    GenericTarget,
    /// The operator does not allow it. Not ESO's words: they name the field of the policy.
    Refused(Rule),
}

impl Complaint {
    /// What is said of a failure of this step, where nothing more is known.
    pub fn of(step: Step) -> Self {
        match step {
            Step::Lookup | Step::Authenticate | Step::Fetch => Self::Provider,
            Step::Render | Step::Read | Step::Write | Step::Record | Step::Enqueue | Step::Push => {
                Self::Update
            }
        }
    }

    /// ESO's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "could not get secret data from provider",
            Self::Delete => "could not delete secret",
            Self::Update => "could not update secret",
            Self::Immutable => "could not update secret, target is immutable",
            Self::Ownership => "failed to take ownership of target secret",
            Self::OwnedByAnother => "target is owned by another ExternalSecret",
            Self::GenericTarget => "invalid generic target",
            Self::Refused(rule) => rule.words(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
