//! Doppler: the secrets of a config of a project. Source: ESO's Doppler provider, version 2.9.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "doppler",
    indexed_as: "doppler",
    spec_names: &[SpecName { name: "doppler", capabilities: "ReadOnly", is_maintained: true }],
    place: Place::Project,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // ESO passes over what is declared.
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
        // A config tells that it did not change; which of its secrets did, only they themselves.
        reads_values: true,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    // ESO passes over properties.
    lookup: Lookup::PathFirst { whole: "" },
    metadata_lookup: Lookup::PathFirst { whole: "" },
    extract: Extract::Raw,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |key| key.is_empty().then_some("no secret has an empty name; correct the key"),
    doubtful_version: |_| {
        Some("has no effect: Doppler gives out the version in force alone; leave it out".to_owned())
    },
};
