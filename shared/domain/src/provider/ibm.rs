//! IBM Cloud Secrets Manager. Source: ESO's IBM provider, version 2.9, and the service's REST API, version 2.

use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "ibm",
    indexed_as: "ibm",
    spec_names: &[SpecName { name: "ibm", capabilities: "ReadOnly", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![plain(text)],
    shows_secrets: |_| Vec::new(),
    // ESO passes over what is declared.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    // A secret tells when it was last changed, and of its versions only how many there are.
    order: Order::Time,
    compared_by_time: false,
    labels_that_follow: &[],
    // Both are told with one time of change.
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
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::Parts,
    metadata_lookup: Lookup::Parts,
    extract: Extract::Parts,
    missing_property: |property, key| match property {
        "" => {
            format!("secret {key} has several parts; name one as property, such as password or certificate")
        }
        _ => format!("key {property} does not exist in secret {key}"),
    },
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        let (group, kind, name) = reference(key);
        match (group, is_id(name)) {
            _ if kind.is_empty() || name.is_empty() => {
                Some("has an empty part; write it as group/type/name or type/id")
            }
            _ if !KINDS.contains(&kind) => {
                Some("has a type that ESO does not know; write one such as arbitrary or kv")
            }
            (_, true) => None,
            (None | Some(""), false) => {
                Some("is a name without its group; write it as group/type/name, or the secret's id")
            }
            (Some(_), false) => None,
        }
    },
    doubtful_version: |_| Some("has no effect: ESO reads the version in force; leave it out".to_owned()),
};

/// The types of secrets, as ESO knows them.
const KINDS: [&str; 9] = [
    ARBITRARY,
    "username_password",
    "iam_credentials",
    "service_credentials",
    "imported_cert",
    "public_cert",
    "private_cert",
    "kv",
    "custom_credentials",
];
/// The type of a secret whose key names none.
const ARBITRARY: &str = "arbitrary";

/// Group, type and name, or id, of the secret that a key means. Source: ESO's provider.
pub(crate) fn reference(key: &str) -> (Option<&str>, &str, &str) {
    let parts: Vec<&str> = key.split('/').collect();
    match parts[..] {
        [kind, name] => (None, kind, name),
        [group, kind, name] => (Some(group), kind, name),
        _ => (None, ARBITRARY, key),
    }
}

/// Whether a name is the id of a secret.
pub(crate) fn is_id(name: &str) -> bool {
    let lengths = name.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && name.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The one way to write a key: an id alone, or a name with group and type.
fn plain(key: &str) -> String {
    match reference(key) {
        (_, _, name) if is_id(name) => name.to_ascii_lowercase(),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b5571f7-21e6-42b7-91c5-3f5ac9793a46";

    #[test]
    fn keys_that_mean_one_secret_share_a_name() {
        for key in [ID.to_owned(), format!("kv/{ID}"), format!("team/kv/{}", ID.to_uppercase())] {
            assert_eq!((PROFILE.names)(&key), [ID], "{key}");
            assert_eq!((PROFILE.impossible_key)(&key), None, "{key}");
        }
        assert_eq!((PROFILE.names)("team/kv/db"), ["team/kv/db"]);
    }

    #[test]
    fn keys_that_no_secret_has_are_told() {
        for (key, impossible) in [
            ("team/kv/db", false),
            ("db", true),
            ("kv/db", true),
            ("team/other/db", true),
            ("/kv/db", true),
            ("team/kv/", true),
            ("a/b/c/d", true),
            ("", true),
        ] {
            assert_eq!((PROFILE.impossible_key)(key).is_some(), impossible, "{key}");
        }
    }
}
