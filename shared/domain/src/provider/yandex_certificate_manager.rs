//! Yandex Certificate Manager. Source: ESO's provider, version 2.9, and Yandex Cloud's definition of its API.

use super::{Extract, Lookup, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    // Answers do not tell which version they are.
    selector: |text| VersionSelector::Id(text.to_owned()),
    impossible_key: |key| key.is_empty().then_some("is empty; write the certificate's id, or its name"),
    doubtful_version: |_| None,
    ..Profile::of_server(
        "yandexcertificatemanager",
        &[SpecName { name: "yandexcertificatemanager", capabilities: "ReadOnly", is_maintained: true }],
        Lookup::Parts,
        Extract::Parts,
    )
};
