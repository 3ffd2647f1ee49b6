//! Google Secret Manager. Source: ESO's GCP provider, version 2.9, and the service's REST API, version 1.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "gcpsm",
    indexed_as: "gcpsm",
    spec_names: &[SpecName { name: "gcpsm", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Project,
    arn_service: None,
    names: |text| vec![text.to_owned()],
    shows_secrets: |_| Vec::new(),
    // Digits are a version's number, anything else is an alias.
    selector: |text| match text {
        "latest" => VersionSelector::Current,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => VersionSelector::Id(number.to_owned()),
        alias => VersionSelector::Label(alias.to_owned()),
    },
    selector_in_key: |_| None,
    order: Order::Number,
    compared_by_time: false,
    labels_that_follow: &[],
    // Labels and annotations are the secret's, whatever its versions are.
    metadata_follows_value: false,
    capabilities: Capabilities {
        // The list of secrets tells nothing of versions: not even a secret's etag changes with them.
        changes: Changes::Untold,
        lists_labels: false,
        versions: true,
        labels: true,
        reads_values: false,
        searches_lag: true,
    },
    finds_last_version: false,
    converts_found_names: true,
    writes_objects_anew: false,
    lookup: Lookup::NameWithInnerDotsFirst,
    metadata_lookup: Lookup::MemberOfMember,
    extract: Extract::Raw,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |key| match is_secret_id(key) {
        true => None,
        false if key.starts_with("projects/") => Some(
            "is a resource's whole name; write the secret's id alone: the store names project and location",
        ),
        false => Some("Secret Manager's ids have 1 to 255 letters, digits, - and _; correct the key"),
    },
    doubtful_version: |_| None,
};

/// Whether a secret can be called so. Source: the API reference of `projects.secrets.create`.
fn is_secret_id(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&text.len()) && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::PROFILE;
    use crate::provider::{Provider, VersionSelector};

    #[test]
    fn versions_are_numbers_or_aliases() {
        for (text, want) in [
            ("latest", VersionSelector::Current),
            ("3", VersionSelector::Id("3".to_owned())),
            ("prod", VersionSelector::Label("prod".to_owned())),
            ("v3", VersionSelector::Label("v3".to_owned())),
        ] {
            assert_eq!(VersionSelector::parse(Provider::GcpSecretManager, Some(text)), want, "{text}");
        }
    }

    #[test]
    fn keys_are_ids_of_secrets() {
        let said = |key: &str| (PROFILE.impossible_key)(key);
        assert_eq!([said("db-password_2"), said(&"a".repeat(255))], [None, None]);
        assert!(said("projects/shop/secrets/db").unwrap().contains("the secret's id alone"));
        for key in ["", "a/b", "a.b", "a b", "ä", &"a".repeat(256)] {
            assert!(said(key).is_some(), "{key}");
        }
    }
}
