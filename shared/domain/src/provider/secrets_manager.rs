//! AWS Secrets Manager. Source: ESO's AWS provider, version 2.9, and the service's API reference.

use super::{Arn, Capabilities, Changes, Extract, Lookup, Order, Place, Profile, SpecName, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "secrets-manager",
    indexed_as: "secrets-manager",
    spec_names: &[AWS],
    place: Place::Region,
    arn_service: Some("secretsmanager"),
    names,
    shows_secrets: names,
    selector,
    selector_in_key: |_| None,
    order: Order::Unordered { in_force: CURRENT },
    compared_by_time: false,
    labels_that_follow: &["AWSPREVIOUS"],
    metadata_follows_value: false,
    capabilities: Capabilities {
        // The list is sorted by the date of the last change, and what is gone has none.
        changes: Changes::Since,
        lists_labels: true,
        versions: true,
        labels: true,
        reads_values: false,
        searches_lag: true,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::NameWithDotsFirst,
    metadata_lookup: Lookup::NameWithDotsFirst,
    extract: Extract::Raw,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |_| None,
    doubtful_version: |text| {
        is_uuid(text).then(|| {
            format!("is read as the name of a staging label; for the version with this id write uuid/{text}")
        })
    },
};

/// Both stores of AWS have it.
pub(super) const AWS: SpecName = SpecName { name: "aws", capabilities: "ReadWrite", is_maintained: true };

const CURRENT: &str = "AWSCURRENT";

/// The same secret is named by its name, by its ARN, to which Secrets Manager appends six random characters, and by its
/// ARN without them. A suffix can only be guessed, never proven, so a name that ends like one is kept whole as well.
pub(crate) fn names(text: &str) -> Vec<String> {
    let Some(arn) = Arn::parse(text) else { return vec![text.to_owned()] };
    let name = arn.resource.strip_prefix("secret:").unwrap_or(arn.resource);
    std::iter::once(name).chain(without_suffix(name)).map(str::to_owned).collect()
}

/// The name without the hyphen and the six characters that end an ARN.
fn without_suffix(name: &str) -> Option<&str> {
    let (head, suffix) = name.rsplit_once('-')?;
    (!head.is_empty() && suffix.len() == 6 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()))
        .then_some(head)
}

/// `uuid/<id>` is an id, anything else a staging label.
fn selector(text: &str) -> VersionSelector {
    match text.strip_prefix("uuid/") {
        Some("") => VersionSelector::Current,
        Some(id) => VersionSelector::Id(id.to_owned()),
        None if text == CURRENT => VersionSelector::Current,
        None => VersionSelector::Label(text.to_owned()),
    }
}

pub(super) fn missing_property(property: &str, key: &str) -> String {
    format!("key {property} does not exist in secret {key}")
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
