//! Previder Vault. Source: ESO's Previder provider, version 2.9, and Previder's client.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    impossible_key: |key| {
        key.split('/')
            .any(|part| matches!(part, "" | "." | ".."))
            .then_some("is no id of a secret; write the id that Previder shows")
    },
    ..Profile::of_server(
        "previder",
        &[SpecName { name: "previder", capabilities: "ReadOnly", is_maintained: true }],
        Lookup::Ignored,
        Extract::ByKey,
    )
};
