//! 1Password, by a Connect server. Source: ESO's 1Password provider, version 2.9.

use super::{Capabilities, Changes, Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
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
    missing_property: |property, key| match property {
        "" => format!("item {key:?} has neither a field called password nor, as a document, a file"),
        property => format!("item {key:?} has no field or file called {property:?}"),
    },
    impossible_key: |key| {
        (key.is_empty() || key.contains('"')).then_some(
            "Connect finds no title that is empty or has a quotation mark in it; write the item's id",
        )
    },
    // The store is told the version with the key.
    doubtful_version: |_| {
        Some("is refused, as in ESO: Connect gives out the version in force alone".to_owned())
    },
    ..Profile::of_server(
        "onepassword",
        &[SpecName { name: "onepassword", capabilities: "ReadWrite", is_maintained: true }],
        Lookup::Item,
        Extract::Item,
    )
};
