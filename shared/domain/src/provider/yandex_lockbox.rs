//! Yandex Lockbox. Source: ESO's provider, version 2.9, and Yandex Cloud's definition of its API.

use super::{Capabilities, Extract, Lookup, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    selector: |text| VersionSelector::Id(text.to_owned()),
    capabilities: Capabilities { versions: true, ..BASE.capabilities },
    impossible_key: |key| key.is_empty().then_some("is empty; write the secret's id, or its name"),
    doubtful_version: |_| None,
    ..BASE
};

const BASE: Profile = Profile::of_server(
    "yandexlockbox",
    &[SpecName { name: "yandexlockbox", capabilities: "ReadOnly", is_maintained: true }],
    Lookup::Parts,
    Extract::Parts,
);
