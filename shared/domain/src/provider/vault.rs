//! HashiCorp Vault. Source: ESO's Vault provider, version 2.9.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) const PROFILE: Profile = Profile {
    name: "vault",
    indexed_as: "vault",
    spec_names: &[SpecName { name: "vault", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names,
    shows_secrets: |_| Vec::new(),
    // 0 is the version in force, anything else a version number.
    selector: |text| match text {
        "0" => VersionSelector::Current,
        number => VersionSelector::Id(number.to_owned()),
    },
    selector_in_key: |_| None,
    order: Order::Number,
    compared_by_time: false,
    labels_that_follow: &[],
    // It is that of the version in force.
    metadata_follows_value: true,
    capabilities: Capabilities {
        changes: Changes::Untold,
        lists_labels: false,
        versions: true,
        labels: false,
        reads_values: false,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: true,
    lookup: Lookup::MemberFirst,
    metadata_lookup: Lookup::MemberFirst,
    // ESO reads its own JSON again, with every number as a float.
    extract: Extract::Printed,
    missing_property: |property, _| format!("cannot find secret data for key: {property:?}"),
    missing_property_is_missing_key: false,
    impossible_key: |_| None,
    doubtful_version: |_| None,
};

/// Whether a part called `data` belongs to the name or to the API of KV version 2, only the mount could tell.
fn names(text: &str) -> Vec<String> {
    let name = text.trim_matches('/');
    let without_data = name.contains("/data/").then(|| name.replacen("/data/", "/", 1));
    std::iter::once(name.to_owned()).chain(without_data).collect()
}
