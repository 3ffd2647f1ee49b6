//! What a store can, whoever asks it.

/// What a store can beside giving out values in force. It depends on the kind and the settings of the store, never on
/// who asks: what an identity may not do, the store answers with kind `Denied`.
///
/// Use cases look here before they call, so that an error never has to mean "such a store cannot". The default can
/// nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    /// What [`Sources::changed_since`](crate::Sources::changed_since) tells.
    pub changes: Changes,
    /// Whether it tells labels and tags as well: [`Listed::labels`](crate::Listed::labels),
    /// [`Listed::tags`](crate::Listed::tags).
    pub lists_labels: bool,
    /// Whether versions that are not in force are given out by their id.
    pub versions: bool,
    /// Whether versions have labels.
    pub labels: bool,
    /// Whether searches lag behind: a key that came or changed a moment ago may be missing, though it can be read.
    pub searches_lag: bool,
}

/// What listings tell of changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Changes {
    /// Nothing: there is no listing. Known keys are asked for one by one.
    #[default]
    Untold,
    /// Every listing holds all keys, so that a key that is missing in it is gone.
    Whole,
    /// Listings end where the changes end. A key that was deleted for good is in none of them: only its absence from a
    /// list of all keys shows it.
    Since,
    /// One access always sees the same: whoever edits the store makes another access.
    Never,
}
