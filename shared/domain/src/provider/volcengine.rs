//! Volcengine KMS. Source: ESO's Volcengine provider, version 2.9, and Volcengine's SDK for Go.

use super::{Capabilities, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    place: Place::Region,
    selector: |text| VersionSelector::Id(text.to_owned()),
    order: Order::Unordered { in_force: "CURRENT" },
    capabilities: Capabilities { versions: true, reads_values: false, ..BASE.capabilities },
    impossible_key: |key| {
        let fits = (2..=128).contains(&key.len());
        (!fits).then_some("is no name of a secret, which has 2 to 128 letters; correct the key")
    },
    doubtful_version: |_| None,
    ..BASE
};

const BASE: Profile = Profile::of_server(
    "volcengine",
    &[SpecName { name: "volcengine", capabilities: "ReadOnly", is_maintained: true }],
    Lookup::Member,
    Extract::Quoted,
);
