//! Secrets of a Kubernetes cluster. Source: ESO's Kubernetes provider, version 2.9.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};
use crate::name::ObjectName;

pub(super) static PROFILE: Profile = Profile {
    name: "kubernetes",
    indexed_as: "kubernetes",
    spec_names: &[SpecName { name: "kubernetes", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // A Secret has one version, and ESO passes over what is declared.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    // Numbers that grow, but only within the life of one server's storage: what was restored begins where it was.
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    // Senders do not say what of a Secret was written.
    metadata_follows_value: true,
    capabilities: Capabilities {
        changes: Changes::Whole,
        lists_labels: true,
        versions: false,
        labels: false,
        reads_values: false,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: true,
    writes_objects_anew: false,
    lookup: Lookup::Entries,
    metadata_lookup: Lookup::Entries,
    extract: Extract::Entries,
    missing_property: |property, key| format!("property {property} does not exist in secret {key:?}"),
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        key.parse::<ObjectName>()
            .is_err()
            .then_some("no Secret can have this name; write the name of one in the store's remoteNamespace")
    },
    doubtful_version: |_| Some("has no effect: a Secret has no versions; leave it out".to_owned()),
};
