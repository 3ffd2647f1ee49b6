//! GitLab: CI/CD variables of projects and groups. Source: ESO's GitLab provider, version 2.9, and GitLab's REST API.

use super::secrets_manager::missing_property;
use super::{Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "gitlab",
    indexed_as: "gitlab",
    spec_names: &[SpecName { name: "gitlab", capabilities: "ReadOnly", is_maintained: true }],
    place: Place::Server,
    arn_service: None,
    names: |text| vec![variable(text)],
    shows_secrets: |_| Vec::new(),
    // Variables have no versions, and ESO passes over what is declared.
    selector: |_| VersionSelector::Current,
    selector_in_key: |_| None,
    order: Order::Unordered { in_force: "" },
    compared_by_time: false,
    labels_that_follow: &[],
    // ESO passes over metadataPolicy, so it is the value.
    metadata_follows_value: true,
    capabilities: Capabilities {
        // A list holds the values, not what changed.
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
    lookup: Lookup::Path,
    metadata_lookup: Lookup::Path,
    extract: Extract::Texts,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        let is_name = variable(key).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (!is_name)
            .then_some("GitLab's variables have only letters, digits and _ in their names; correct the key")
    },
    doubtful_version: |_| {
        Some("has no effect: GitLab keeps no versions of a variable; leave it out".to_owned())
    },
};

/// The name of the variable that a key means: ESO writes `_` for `-`, which no variable has in its name.
pub(crate) fn variable(key: &str) -> String {
    key.replace('-', "_")
}
