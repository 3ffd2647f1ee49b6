//! What watches of stores report.

use pawl_domain::Change;

/// One thing that a watch of a store saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreSighting {
    /// The store is watched from now on.
    Begun {
        /// Without a place to go on from: what happened before is not told.
        anew: bool,
    },
    /// A key changed.
    Changed(Change),
}
