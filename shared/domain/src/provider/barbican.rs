//! OpenStack Barbican. Source: ESO's Barbican provider, version 2.9, and OpenStack's APIs.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    impossible_key: |key| {
        key.contains('/').then_some("is no id of a secret; write the UUID at the end of its secret_ref")
    },
    ..Profile::of_server(
        "barbican",
        &[SpecName { name: "barbican", capabilities: "ReadOnly", is_maintained: true }],
        Lookup::QuotedMember,
        Extract::Quoted,
    )
};
