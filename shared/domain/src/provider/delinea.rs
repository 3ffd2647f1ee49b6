//! Delinea DevOps Secrets Vault. Source: ESO's Delinea provider, version 2.9, and the SDK that it uses.

use super::{Extract, Lookup, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    names: |text| vec![text.trim_start_matches('/').to_owned()],
    // As in ESO, it is refused.
    selector: |text| VersionSelector::Id(text.to_owned()),
    // A member that was renamed must not make a Secret go.
    missing_property: |property, key| format!("secret {key} has no {property}"),
    impossible_key: |key| {
        let path = key.trim_start_matches('/');
        let is_path = !path.is_empty() && !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        (!is_path).then_some("is no path of a secret; write it as its folders and name, such as app/db")
    },
    doubtful_version: |_| Some("cannot be read: ESO reads no versions of it either; leave it out".to_owned()),
    ..Profile::of_server(
        "delinea",
        &[SpecName { name: "delinea", capabilities: "ReadOnly", is_maintained: true }],
        Lookup::Parts,
        Extract::Parts,
    )
};
