//! CyberArk Conjur (Secrets Manager). Source: ESO's Conjur provider, version 2.9, and the code of Conjur.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "conjur",
    indexed_as: "conjur",
    spec_names: &[SpecName { name: "conjur", capabilities: "ReadOnly", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names,
    shows_secrets: |_| Vec::new(),
    // ESO passes over what is declared.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    order: Order::Number,
    compared_by_time: false,
    labels_that_follow: &[],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        changes: Changes::Whole,
        lists_labels: true,
        versions: true,
        labels: false,
        reads_values: false,
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
    impossible_key: |key| {
        let is_id =
            !key.is_empty() && !key.split('/').any(|part| part.is_empty() || part == "." || part == "..");
        (!is_id).then_some(
            "is no id of a variable; write it as its policy and name have it, such as app/db/password",
        )
    },
    doubtful_version: |_| {
        Some("has no effect: ESO reads the latest version of a variable; leave it out".to_owned())
    },
};

/// The kind of what holds values, in the full ids of Conjur.
pub(crate) const VARIABLE: &str = "variable";

/// A variable's id, perhaps with kind and account before it.
fn names(text: &str) -> Vec<String> {
    let kind =
        |rest: &str| rest.split_once(':').filter(|(kind, _)| *kind == VARIABLE).map(|(_, id)| id.to_owned());
    let short = kind(text).or_else(|| text.split_once(':').and_then(|(_, rest)| kind(rest)));
    short.into_iter().chain([text.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_mean_one_variable_share_a_name() {
        for (key, want) in [
            ("app/db", &["app/db"][..]),
            ("variable:app/db", &["app/db", "variable:app/db"]),
            ("shop:variable:app/db", &["app/db", "shop:variable:app/db"]),
            ("shop:user:app/db", &["shop:user:app/db"]),
            ("a:b", &["a:b"]),
        ] {
            assert_eq!(names(key), want, "{key}");
        }
        for (key, impossible) in
            [("app/db", false), ("a b@c:d", false), ("", true), ("a//b", true), ("../a", true)]
        {
            assert_eq!((PROFILE.impossible_key)(key).is_some(), impossible, "{key}");
        }
    }
}
