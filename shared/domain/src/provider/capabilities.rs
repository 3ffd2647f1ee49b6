//! What a store can, whoever asks it.

use std::fmt;

/// What a store can beside giving out values in force. It depends on the kind and the settings of the store, never on
/// who asks: what an identity may not do, the store answers with kind `Denied`.
///
/// Use cases look here before they call, so that an error never has to mean "such a store cannot".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capabilities {
    /// What a listing of changes tells: what a sweep costs depends on it.
    pub changes: Changes,
    /// Whether a listing tells labels and tags as well.
    pub lists_labels: bool,
    /// Whether versions that are not in force are given out by their id.
    pub versions: bool,
    /// Whether versions have labels.
    pub labels: bool,
    /// Whether only the value itself tells its version.
    pub reads_values: bool,
    /// Whether searches lag behind: a key that came or changed a moment ago may be missing, though it can be read.
    pub searches_lag: bool,
}

impl Capabilities {
    /// What it takes a sweep to see that none of the known keys changed.
    pub fn sweep_cost(&self) -> SweepCost {
        match self.changes {
            Changes::Never | Changes::Made => SweepCost::Nothing,
            Changes::Since => SweepCost::OneCall,
            Changes::Whole => SweepCost::Listing,
            Changes::Untold if self.reads_values => SweepCost::Values,
            Changes::Untold => SweepCost::Keys,
        }
    }

    /// Whether a listing of changes says nothing of labels and tags that changed: only asking again tells.
    pub fn hides_labels(&self) -> bool {
        matches!(self.changes, Changes::Whole | Changes::Since) && !self.lists_labels
    }

    /// Whether a listing of changes says nothing of keys that were deleted for good.
    pub fn hides_deletions(&self) -> bool {
        self.changes == Changes::Since
    }
}

/// What it takes a sweep to see that none of the known keys changed, the cheapest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SweepCost {
    /// Nobody is asked.
    Nothing,
    /// One call, however many keys there are.
    OneCall,
    /// A list of all keys, page by page.
    Listing,
    /// A call for each key.
    Keys,
    /// Each value is read.
    Values,
}

impl fmt::Display for SweepCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::OneCall => "one call",
            Self::Listing => "a list of all keys",
            Self::Keys => "a call for each key",
            Self::Values => "reads values",
        })
    }
}

/// What listings tell of changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Changes {
    /// Nothing: there is no listing. Known keys are asked for one by one.
    Untold,
    /// Every listing holds all keys, so that a key that is missing in it is gone.
    Whole,
    /// Listings end where the changes end. A key that was deleted for good is in none of them: only its absence from a
    /// list of all keys shows it.
    Since,
    /// One access always sees the same: whoever edits the store makes another access.
    Never,
    /// Values are made when they are asked for, and only the clock says when: nobody is asked.
    Made,
}
