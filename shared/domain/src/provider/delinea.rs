//! Delinea DevOps Secrets Vault. Source: ESO's Delinea provider, version 2.9, and the SDK that it uses.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "delinea",
    indexed_as: "delinea",
    spec_names: &[SpecName { name: "delinea", capabilities: "ReadOnly", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![text.trim_start_matches('/').to_owned()],
    shows_secrets: |_| Vec::new(),
    // As in ESO, it is refused.
    selector: |text| VersionSelector::Id(text.to_owned()),
    selector_in_key: |_| None,
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        changes: Changes::Untold,
        lists_labels: false,
        versions: false,
        labels: false,
        reads_values: true,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::Parts,
    metadata_lookup: Lookup::Parts,
    extract: Extract::Parts,
    missing_property: |property, key| format!("secret {key} has no {property}"),
    // A member that was renamed must not make a Secret go.
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        let path = key.trim_start_matches('/');
        let is_path = !path.is_empty() && !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        (!is_path).then_some("is no path of a secret; write it as its folders and name, such as app/db")
    },
    doubtful_version: |_| Some("cannot be read: ESO reads no versions of it either; leave it out".to_owned()),
};
