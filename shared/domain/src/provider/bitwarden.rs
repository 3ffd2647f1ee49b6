//! Bitwarden Secrets Manager, by Bitwarden's own SDK server. Source: ESO's provider, version 2.9.

use super::{Extract, Lookup, Profile, SpecName};

pub(super) static PROFILE: Profile = Profile {
    names: |text| vec![if is_id(text) { plain(text) } else { text.to_owned() }],
    impossible_key: |key| key.is_empty().then_some("is empty; write the secret's id or its name"),
    doubtful_version: |_| Some("has no effect: Bitwarden gives the secret as it is; leave it out".to_owned()),
    ..Profile::of_server(
        "bitwardensecretsmanager",
        &[SpecName { name: "bitwardensecretsmanager", capabilities: "ReadWrite", is_maintained: true }],
        // ESO passes over properties.
        Lookup::PathFirst { whole: "" },
        Extract::Yaml,
    )
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
