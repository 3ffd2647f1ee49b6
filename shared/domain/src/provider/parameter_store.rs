//! AWS Systems Manager Parameter Store. Source: ESO's AWS provider, version 2.9, and the service's API reference.

use super::secrets_manager::{self, missing_property};
use super::{Arn, Capabilities, Changes, Extract, Lookup, Order, Place, Profile, VersionSelector};

pub(super) static PROFILE: Profile = Profile {
    name: "parameter-store",
    indexed_as: "parameter-store",
    spec_names: &[secrets_manager::AWS],
    place: Place::Region,
    arn_service: Some("ssm"),
    // `/a` and `a` share one ARN, so the leading slash cannot tell parameters apart.
    names: |text| vec![split(resource(text, "parameter")).0.trim_start_matches('/').to_owned()],
    shows_secrets,
    // Digits are a version number, anything else is a label.
    selector: |text| match text.bytes().all(|b| b.is_ascii_digit()) {
        true => VersionSelector::Id(text.to_owned()),
        false => VersionSelector::Label(text.to_owned()),
    },
    selector_in_key: |text| split(resource(text, "")).1.filter(|selector| !selector.is_empty()),
    order: Order::Number,
    // Each version is stamped with the time of its making.
    compared_by_time: true,
    labels_that_follow: &[],
    metadata_follows_value: false,
    capabilities: Capabilities {
        // The list is whole, whatever is asked.
        changes: Changes::Whole,
        // They change without a new date.
        lists_labels: false,
        versions: true,
        labels: true,
        reads_values: false,
        searches_lag: false,
    },
    finds_last_version: false,
    converts_found_names: false,
    writes_objects_anew: false,
    lookup: Lookup::NameWithDotsFirst,
    metadata_lookup: Lookup::NameWithDotsFirst,
    extract: Extract::Raw,
    missing_property,
    missing_property_is_missing_key: false,
    impossible_key: |key| {
        key.ends_with('/').then_some(
            "Parameter Store has no parameter whose name ends with /; for all parameters below a path write \
             dataFrom[].find with path",
        )
    },
    doubtful_version: |_| None,
};

/// The parameters under which secrets of Secrets Manager are given out. Source: the user guide, "Referencing AWS Secrets
/// Manager secrets from Parameter Store parameters".
const REFERENCE: &str = "aws/reference/secretsmanager/";

fn shows_secrets(key: &str) -> Vec<String> {
    let Some((_, secret)) = resource(key, "").split_once(REFERENCE) else { return Vec::new() };
    // A parameter's version or label may stand behind the name.
    let bare = secret.split(':').next().unwrap_or_default();
    [secret, bare].into_iter().flat_map(secrets_manager::names).collect()
}

/// What an ARN names, without this before it; a plain name is kept.
fn resource<'a>(text: &'a str, prefix: &str) -> &'a str {
    Arn::parse(text).map_or(text, |arn| arn.resource.strip_prefix(prefix).unwrap_or(arn.resource))
}

/// The name, and the version number or label behind it, as in `/app/db:3`. Names cannot contain colons, and AWS reads what
/// follows one as the selector of a version (API reference of GetParameter).
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once(':').map_or((name, None), |(name, selector)| (name, Some(selector)))
}

#[cfg(test)]
mod tests {
    use super::PROFILE;

    #[test]
    fn a_selector_in_a_parameters_key_is_no_part_of_its_name() {
        let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b";
        for (declared, selector) in [
            ("/a/b", None),
            ("/a/b:", None),
            ("/a/b:prod", Some("prod")),
            ("/a/b:3", Some("3")),
            (arn, None),
            (&format!("{arn}:prod"), Some("prod")),
            (&format!("{arn}:3"), Some("3")),
        ] {
            assert_eq!((PROFILE.selector_in_key)(declared), selector, "{declared}");
            assert_eq!((PROFILE.names)(declared), ["a/b"], "{declared}");
        }
        assert_ne!((PROFILE.names)("/a/b2:3"), ["a/b"]);
    }
}
