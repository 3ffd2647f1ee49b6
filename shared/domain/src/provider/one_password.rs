//! 1Password, by a Connect server. Source: ESO's 1Password provider, version 2.9.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "onepassword",
    indexed_as: "onepassword",
    spec_names: &[SpecName { name: "onepassword", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // The store is told the version with the key, and refuses it.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    // Numbers that grow, but only within the life of one item: another one may get its title.
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        // A vault tells that something changed, and its list which versions items have; what a search gives it names by
        // fields, and not by items.
        changes: Changes::Untold,
        lists_labels: false,
        versions: false,
        labels: false,
        reads_values: false,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::Item,
    metadata_lookup: Lookup::Item,
    extract: Extract::Item,
    missing_property: |property, key| match property {
        "" => format!("item {key:?} has neither a field called password nor, as a document, a file"),
        property => format!("item {key:?} has no field or file called {property:?}"),
    },
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        (key.is_empty() || key.contains('"')).then_some(
            "Connect finds no title that is empty or has a quotation mark in it; write the item's id",
        )
    },
    doubtful_version: |_| {
        Some("is refused, as in ESO: Connect gives out the version in force alone".to_owned())
    },
};
