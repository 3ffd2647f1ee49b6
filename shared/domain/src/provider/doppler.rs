//! Doppler: the secrets of a config of a project. Source: ESO's Doppler provider, version 2.9.

use super::{Extract, Lookup, Place, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    place: Place::Project,
    impossible_key: |key| key.is_empty().then_some("no secret has an empty name; correct the key"),
    doubtful_version: |_| {
        Some("has no effect: Doppler gives out the version in force alone; leave it out".to_owned())
    },
    ..Profile::of_server(
        "doppler",
        &[SpecName { name: "doppler", capabilities: "ReadOnly", is_maintained: true }],
        // ESO passes over properties.
        Lookup::PathFirst { whole: "" },
        Extract::Raw,
    )
};
