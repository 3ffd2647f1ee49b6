//! Pulumi ESC. Source: ESO's Pulumi provider, version 2.9, and Pulumi's client for ESC.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "pulumi",
    &[SpecName { name: "pulumi", capabilities: "ReadOnly", is_maintained: true }],
    // A key is a path already.
    Lookup::Ignored,
    Extract::Wrapped,
);
