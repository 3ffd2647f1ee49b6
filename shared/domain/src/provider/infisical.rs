//! Infisical. Source: ESO's Infisical provider, version 2.9, and Infisical's server.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "infisical",
    &[SpecName { name: "infisical", capabilities: "ReadWrite", is_maintained: true }],
    Lookup::TextPath,
    Extract::Raw,
);
