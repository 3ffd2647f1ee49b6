//! Objects of any kind of a Kubernetes cluster. Source: ESO's CRD provider, version 2.9.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "crd",
    indexed_as: "crd",
    spec_names: &[SpecName { name: "crd", capabilities: "ReadOnly", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // An object has one version, and ESO passes over what is declared.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    // As in Secrets.
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        changes: Changes::Whole,
        // Labels are part of the value, and no search asks for them.
        lists_labels: false,
        versions: false,
        labels: false,
        reads_values: false,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: true,
    writes_objects_anew: false,
    lookup: Lookup::RawPath,
    metadata_lookup: Lookup::RawPath,
    extract: Extract::RawOrValue,
    missing_property: |property, key| format!("property {property:?} not found in object {key:?}"),
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        let parts: Vec<&str> = key.split('/').collect();
        (parts.len() > 2 || parts.contains(&"")).then_some(
            "no object has this key; write its name, or in a ClusterSecretStore <namespace>/<name>",
        )
    },
    doubtful_version: |_| Some("has no effect: an object has no versions; leave it out".to_owned()),
};
