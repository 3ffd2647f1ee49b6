//! OVHcloud Secret Manager. Source: ESO's OVH provider, version 2.9, and OVHcloud's client.

use super::{Capabilities, Extract, Lookup, Order, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    selector: |text| VersionSelector::Id(text.to_owned()),
    order: Order::Number,
    capabilities: Capabilities { versions: true, reads_values: false, ..BASE.capabilities },
    impossible_key: |key| key.is_empty().then_some("is empty; write the secret's path"),
    doubtful_version: |version| {
        let what = || "is no version; write a number".to_owned();
        version.parse::<u32>().is_err().then(what)
    },
    ..BASE
};

const BASE: Profile = Profile::of_server(
    "ovh",
    &[SpecName { name: "ovh", capabilities: "ReadWrite", is_maintained: true }],
    Lookup::Path,
    Extract::Printed,
);
