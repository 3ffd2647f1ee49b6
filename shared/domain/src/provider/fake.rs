//! Stores whose values stand in their manifests. Source: ESO's Fake provider, version 2.9.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "fake",
    indexed_as: "fake",
    // Of all that Pawl serves, this is the one provider that ESO says nobody maintains.
    spec_names: &[SpecName { name: "fake", capabilities: "ReadWrite", is_maintained: false }],
    place: Place::Manifest,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // Versions have names only.
    selector: |text| VersionSelector::Id(text.to_owned()),
    selector_in_key: |_| None,
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    metadata_follows_value: false,
    capabilities: Capabilities {
        changes: Changes::Never,
        lists_labels: false,
        versions: true,
        labels: false,
        reads_values: true,
        searches_lag: false,
    },
    finds_last_version: true,
    converts_found_names: true,
    writes_objects_anew: false,
    lookup: Lookup::Path,
    metadata_lookup: Lookup::Path,
    extract: Extract::Raw,
    missing_property: |property, _| format!("Secret does not exist: it has no property {property:?}"),
    missing_property_is_missing_key: true,
    impossible_key: |_| None,
    doubtful_version: |_| None,
};
