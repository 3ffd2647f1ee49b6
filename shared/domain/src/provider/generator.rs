//! Generators, which make values instead of reading them. Source: ESO's generators, version 2.9.
//!
//! No manifest of a store names one, and what they make has names but no versions.

use super::{Capabilities, Changes, Extract, Lookup, Profile};

pub(super) static PROFILE: Profile = Profile {
    capabilities: Capabilities {
        changes: Changes::Made,
        lists_labels: false,
        versions: false,
        labels: false,
        reads_values: false,
        searches_lag: false,
    },
    ..Profile::of_server("generator", &[], Lookup::Path, Extract::Raw)
};
