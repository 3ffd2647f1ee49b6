//! Chef Infra Server. Source: ESO's Chef provider, version 2.9, and Chef's API.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "chef",
    &[SpecName { name: "chef", capabilities: "ReadOnly", is_maintained: true }],
    Lookup::TextPath,
    Extract::Raw,
);
