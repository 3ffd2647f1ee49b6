//! BeyondTrust Password Safe. Source: ESO's provider, version 2.9, and BeyondTrust's client for Go.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    impossible_key: |key| {
        key.trim().is_empty().then_some("is empty; write the path of a secret, or a system and its account")
    },
    ..Profile::of_server(
        "beyondtrust",
        &[SpecName { name: "beyondtrust", capabilities: "ReadWrite", is_maintained: true }],
        // ESO passes over properties, and has no `extract`.
        Lookup::Parts,
        Extract::Parts,
    )
};
