//! Password Depot. Source: ESO's provider, version 2.9.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    impossible_key: |key| {
        key.split('.')
            .any(str::is_empty)
            .then_some("has an empty part, which means any entry; write <folder>.<folder>.<entry>")
    },
    ..Profile::of_server(
        "passworddepot",
        &[SpecName { name: "passworddepot", capabilities: "ReadOnly", is_maintained: true }],
        Lookup::Parts,
        Extract::Parts,
    )
};
