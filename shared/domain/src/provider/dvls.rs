//! Devolutions Server. Source: ESO's DVLS provider, version 2.9, and Devolutions' client.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile::of_server(
    "dvls",
    &[SpecName { name: "dvls", capabilities: "ReadWrite", is_maintained: true }],
    Lookup::MainMember { main: "password" },
    Extract::Texts,
);
