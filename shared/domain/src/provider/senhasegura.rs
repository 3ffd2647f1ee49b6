//! senhasegura DSM. Source: ESO's senhasegura provider, version 2.9.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "senhasegura",
    &[SpecName { name: "senhasegura", capabilities: "ReadOnly", is_maintained: true }],
    Lookup::MemberOfItems,
    Extract::Items,
);
