//! Scaleway Secret Manager. Source: ESO's Scaleway provider, version 2.9, and Scaleway's API, `v1beta1`.

use super::{Capabilities, Extract, Lookup, Order, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    selector: |text| VersionSelector::Id(text.to_owned()),
    // Revisions. The last one that is enabled is in force.
    order: Order::Number,
    capabilities: Capabilities { versions: true, reads_values: false, ..BASE.capabilities },
    impossible_key: |key| {
        let wrong = match key.split_once(':') {
            Some(("path", path)) => !path.starts_with('/') || path.ends_with('/'),
            Some(("id" | "name", it)) => it.is_empty(),
            _ => true,
        };
        wrong.then_some("is no name of a secret; write id:<id>, name:<name> or path:/<folder>/<name>")
    },
    doubtful_version: |version| {
        let known = matches!(version, "latest" | "latest_enabled") || version.parse::<u32>().is_ok();
        let what = || "is no revision; write a number, latest or latest_enabled".to_owned();
        (!known).then(what)
    },
    ..BASE
};

const BASE: Profile = Profile::of_server(
    "scaleway",
    &[SpecName { name: "scaleway", capabilities: "ReadWrite", is_maintained: true }],
    Lookup::RawPathOrEmpty,
    Extract::Raw,
);
