//! GitLab: CI/CD variables of projects and groups. Source: ESO's GitLab provider, version 2.9, and GitLab's REST API.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    names: |text| vec![variable(text)],
    impossible_key: |key| {
        let is_name = variable(key).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (!is_name)
            .then_some("GitLab's variables have only letters, digits and _ in their names; correct the key")
    },
    doubtful_version: |_| {
        Some("has no effect: GitLab keeps no versions of a variable; leave it out".to_owned())
    },
    ..Profile::of_server(
        "gitlab",
        &[SpecName { name: "gitlab", capabilities: "ReadOnly", is_maintained: true }],
        Lookup::Path,
        Extract::Texts,
    )
};

/// The name of the variable that a key means: ESO writes `_` for `-`, which no variable has in its name.
pub(crate) fn variable(key: &str) -> String {
    key.replace('-', "_")
}
