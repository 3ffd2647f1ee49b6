//! Holds what pushes to both services have in common.

use crate::error::Call;
use pawl_domain::push::AsText;
use pawl_domain::push::metadata::{InvalidMetadata, MANAGED_BY, MANAGER};
use pawl_domain::push::property::{self, Left};
use pawl_domain::{Kind, Pushed, SecretValue};
use pawl_ports::{Error, OVERTAKEN};
use std::collections::BTreeMap;

/// Somebody else wrote in between, each time.
pub(super) fn never_alone(call: &Call<'_>) -> Error {
    call.complaint(Kind::Conflict, OVERTAKEN)
}

/// Whether the tags say that PushSecrets manage it.
pub(super) fn is_managed(tags: &BTreeMap<String, String>) -> bool {
    tags.get(MANAGED_BY).is_some_and(|manager| manager == MANAGER)
}

/// It stands there, and is somebody else's.
pub(super) fn not_ours(call: &Call<'_>) -> Error {
    let what = format!(
        "it exists and PushSecrets do not manage it; push to another key, or give it the tag {MANAGED_BY}={MANAGER}"
    );
    call.complaint(Kind::Denied, what)
}

/// The value that is pushed.
pub(super) fn given(call: &Call<'_>, pushed: &Pushed, whole: AsText) -> Result<SecretValue, Error> {
    pushed.value(whole).map_err(|error| call.complaint(Kind::Invalid, error))
}

/// The metadata cannot be used.
pub(super) fn of_metadata(call: &Call<'_>, error: &InvalidMetadata) -> Error {
    call.complaint(Kind::Invalid, error)
}

/// What stands there afterwards: what is given, or what stands there now with it at the property.
pub(super) fn written(
    call: &Call<'_>,
    property: Option<&str>,
    standing: Option<&SecretValue>,
    given: SecretValue,
) -> Result<SecretValue, Error> {
    property::with(property, standing, given).map_err(|error| call.complaint(Kind::Invalid, error))
}

/// What is left of a value without a property.
pub(super) fn left(call: &Call<'_>, property: &str, standing: &SecretValue) -> Result<Left, Error> {
    property::without(property, standing).map_err(|error| call.complaint(Kind::Invalid, error))
}

/// Whether a value has a property.
pub(super) fn has(call: &Call<'_>, property: &str, standing: &SecretValue) -> Result<bool, Error> {
    property::has(property, standing).map_err(|error| call.complaint(Kind::Invalid, error))
}

/// What must change for tags to be as they are wanted.
pub(super) struct TagChanges {
    /// Tags to set.
    pub(super) set: Vec<(String, String)>,
    /// Tags to take away.
    pub(super) remove: Vec<String>,
}

impl TagChanges {
    /// From these to those. AWS's own tags stay.
    pub(super) fn between(standing: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Self {
        let set = wanted.iter().filter(|(key, value)| standing.get(*key) != Some(value));
        let remove = standing.keys().filter(|key| !wanted.contains_key(*key) && !key.starts_with("aws:"));
        Self {
            set: set.map(|(key, value)| (key.clone(), value.clone())).collect(),
            remove: remove.cloned().collect(),
        }
    }
}
