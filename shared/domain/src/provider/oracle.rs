//! Oracle Cloud Infrastructure Vault. Source: ESO's Oracle provider, version 2.9, and the service's REST API.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "oracle",
    indexed_as: "oracle",
    spec_names: &[SpecName { name: "oracle", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Region,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // Versions are named by their stage.
    selector: |text| match text {
        "CURRENT" => VersionSelector::Current,
        stage => VersionSelector::Label(stage.to_owned()),
    },
    selector_in_key: |_| None,
    order: Order::Number,
    compared_by_time: false,
    labels_that_follow: &["LATEST", "PREVIOUS"],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        // The list of secrets tells nothing of versions.
        changes: Changes::Untold,
        lists_labels: false,
        versions: true,
        labels: true,
        reads_values: true,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::Path,
    metadata_lookup: Lookup::Path,
    extract: Extract::Texts,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |key| key.is_empty().then_some("is empty; write the secret's name"),
    doubtful_version: |text| {
        let is_stage = ["CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED"].contains(&text);
        (!is_stage).then(|| {
            "is no stage; write CURRENT, PENDING, LATEST, PREVIOUS or DEPRECATED, or leave it out".to_owned()
        })
    },
};
