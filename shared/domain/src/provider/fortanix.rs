//! Fortanix Data Security Manager. Source: ESO's Fortanix provider, version 2.9, and Fortanix's client.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "fortanix",
    &[SpecName { name: "fortanix", capabilities: "ReadOnly", is_maintained: true }],
    Lookup::MemberOfTexts,
    Extract::Texts,
);
