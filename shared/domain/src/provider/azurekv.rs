//! Azure Key Vault. Source: ESO's Azure provider, version 2.9, and the vault's REST API, version 7.4.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "azurekv",
    indexed_as: "azurekv",
    spec_names: &[SpecName { name: "azurekv", capabilities: "ReadWrite", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    // A vault takes names in any case.
    names: |text| vec![plain(text).to_ascii_lowercase()],
    shows_secrets: |_| Vec::new(),
    selector: |text| VersionSelector::Id(text.to_owned()),
    selector_in_key: |_| None,
    // Versions are made one after the other, and the last is in force.
    order: Order::Time,
    compared_by_time: false,
    labels_that_follow: &[],
    // Tags belong to a version.
    metadata_follows_value: true,
    capabilities: Capabilities {
        changes: Changes::Whole,
        lists_labels: true,
        versions: true,
        labels: false,
        reads_values: true,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::PathFirst { whole: "cert/" },
    metadata_lookup: Lookup::Tag,
    extract: Extract::RawOrTags,
    missing_property: |property, key| format!("property {property} does not exist in key {key}"),
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        let (kind, name) = object(key);
        let is_name = (1..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match kind {
            SECRET | KEY | CERTIFICATE if is_name => None,
            SECRET | KEY | CERTIFICATE => {
                Some("Key Vault's names have 1 to 127 letters, digits and hyphens; correct the key")
            }
            _ => Some(
                "Key Vault has no such kind of object; write secret/, key/ or cert/ before the name, or nothing for a \
                 secret",
            ),
        }
    },
    doubtful_version: |text| {
        (!is_version(text)).then(|| {
            "is no version of a vault, which has 32 hexadecimal digits; copy it, or leave it out".to_owned()
        })
    },
};

/// What stands before the name of a secret, or nothing does.
pub(crate) const SECRET: &str = "secret";
/// What stands before the name of a key.
pub(crate) const KEY: &str = "key";
/// What stands before the name of a certificate.
pub(crate) const CERTIFICATE: &str = "cert";
const LONGEST_NAME: usize = 127;

/// Kind and name of the object that a key means. As in ESO, what stands behind a second slash has no meaning.
pub(crate) fn object(key: &str) -> (&str, &str) {
    match key.split_once('/') {
        None => (SECRET, key),
        Some((kind, rest)) => (kind, rest.split_once('/').map_or(rest, |(name, _)| name)),
    }
}

/// The one way to write a key: a secret by its name alone, anything else with its kind before it.
pub(crate) fn plain(key: &str) -> String {
    match object(key) {
        (SECRET, name) => name.to_owned(),
        (kind, name) => format!("{kind}/{name}"),
    }
}

/// Whether a text can be the id of a version. What cannot would name another resource of the vault.
pub(crate) fn is_version(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_mean_one_object_share_a_name() {
        for (key, name) in [
            ("db", "db"),
            ("DB", "db"),
            ("secret/DB", "db"),
            ("secret/db/tail", "db"),
            ("key/Signing", "key/signing"),
            ("cert/tls/x", "cert/tls"),
            ("other/x", "other/x"),
            ("secret/", ""),
        ] {
            assert_eq!((PROFILE.names)(key), [name], "{key}");
        }
    }

    #[test]
    fn keys_that_no_vault_has_are_told() {
        let impossible = |key: &str| (PROFILE.impossible_key)(key).is_some();
        for key in ["db", "Db-1", "secret/db", "key/k", "cert/c", "cert/c/ignored"] {
            assert!(!impossible(key), "{key}");
        }
        for key in ["", "a_b", "a.b", "secret/", "keys/k", "/db", "key/a b", &"x".repeat(128)] {
            assert!(impossible(key), "{key}");
        }
        assert!((PROFILE.doubtful_version)("f9557720362042d4954a56ac75da2726").is_none());
        for version in ["1", "latest", "versions", "f9557720362042d4954a56ac75da272g"] {
            assert!((PROFILE.doubtful_version)(version).is_some(), "{version}");
        }
    }
}
