//! Bitwarden Secrets Manager, by Bitwarden's own SDK server. Source: ESO's provider, version 2.9.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "bitwardensecretsmanager",
    indexed_as: "bitwardensecretsmanager",
    spec_names: &[SpecName {
        name: "bitwardensecretsmanager",
        capabilities: "ReadWrite",
        is_maintained: true,
    }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![if is_id(text) { plain(text) } else { text.to_owned() }],
    shows_secrets: |_| Vec::new(),
    // ESO passes over what is declared.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        // The list has ids and names alone.
        changes: Changes::Untold,
        lists_labels: false,
        versions: false,
        labels: false,
        reads_values: true,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    // ESO passes over it: no key has properties.
    lookup: Lookup::PathFirst { whole: "" },
    metadata_lookup: Lookup::PathFirst { whole: "" },
    extract: Extract::Yaml,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |key| key.is_empty().then_some("is empty; write the secret's id or its name"),
    doubtful_version: |_| Some("has no effect: Bitwarden gives the secret as it is; leave it out".to_owned()),
};

/// Whether a key is the id of a secret; anything else is a name. Hyphens may be left out.
pub(crate) fn is_id(key: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = key.split('-').map(str::len).collect();
    matches!(lengths[..], [8, 4, 4, 4, 12] | [32]) && is_hex(&key.replace('-', ""))
}

fn plain(id: &str) -> String {
    id.replace('-', "").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_one_name_however_they_are_written() {
        let id = "0b5571f7-21e6-42b7-91c5-3f5ac9793a46";
        for key in [id, &id.to_uppercase(), &id.replace('-', "")] {
            assert_eq!((PROFILE.names)(key), [id.replace('-', "")], "{key}");
        }
        for key in ["db", "0b5571f7-21e6-42b7-91c5-3f5ac9793a4", "0b5571f721e642b791c53f5ac9793a4x", ""] {
            assert!(!is_id(key), "{key}");
        }
    }
}
