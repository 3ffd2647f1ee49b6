//! OpenBao. Source: ESO's OpenBao provider, version 2.9. It reads the engines that Vault has, by rules of its own.

use super::{Lookup, Profile, SpecName, vault};

pub(super) static PROFILE: Profile = Profile {
    name: "openbao",
    // Audit records do not tell which of the two wrote them.
    indexed_as: vault::PROFILE.indexed_as,
    spec_names: &[SpecName { name: "openBao", capabilities: "ReadOnly", is_maintained: true }],
    // No path leads into a value.
    lookup: Lookup::Member,
    metadata_lookup: Lookup::Member,
    doubtful_version: |text| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        (!is_number)
            .then(|| "is no number, and OpenBao's versions are; write one, or leave it out".to_owned())
    },
    ..vault::PROFILE
};
