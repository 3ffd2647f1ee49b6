//! APIs that are asked over HTTP, as a manifest says. Source: ESO's webhook provider, version 2.9.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "webhook",
    indexed_as: "webhook",
    spec_names: &[SpecName { name: "webhook", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // What a version is, the templates of the manifest say, which are told it with the key.
    selector: |_| VersionSelector::Current,
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
    lookup: Lookup::Told,
    metadata_lookup: Lookup::Told,
    extract: Extract::Packed,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |_| None,
    doubtful_version: |_| None,
};
