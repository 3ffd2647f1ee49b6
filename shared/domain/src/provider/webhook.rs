//! APIs that are asked over HTTP, as a manifest says. Source: ESO's webhook provider, version 2.9.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    // What a version is, the templates of the manifest say, which are told it with the key.
    doubtful_version: |_| None,
    ..Profile::of_server(
        "webhook",
        &[SpecName { name: "webhook", capabilities: "ReadWrite", is_maintained: true }],
        Lookup::Told,
        Extract::Packed,
    )
};
