//! Whether what a listing tells of a key is what was written. Pure.

use crate::marks::before;
use pawl_domain::{Record, Version, VersionSelector};
use pawl_ports::Listed;
use std::time::Duration;

/// Whether a listing tells of another version than the one written of a read. Versions are compared wherever the listing
/// tells them; where it tells only a time, a change after the last refresh counts, or shortly before: what was read then
/// may have lagged.
pub(super) fn differs(
    listed: &Listed,
    selector: &VersionSelector,
    metadata: bool,
    (record, position): (Option<&Record>, usize),
    overlap: Duration,
) -> bool {
    let written = written(record, position);
    if metadata {
        return match &listed.tags {
            Some(tags) if listed.version.is_some() => written != Some(Version::id_of_tags(tags).as_str()),
            _ => changed_since(listed, record, overlap),
        };
    }
    match (selector, &listed.labels) {
        (VersionSelector::Current, _) => written != listed.version.as_deref(),
        (VersionSelector::Label(label), Some(labels)) => written != labels.get(label).map(String::as_str),
        (VersionSelector::Label(_), None) => changed_since(listed, record, overlap),
        // It only comes and goes with its key.
        (VersionSelector::Id(_), _) => written.is_some() != listed.version.is_some(),
    }
}

/// Whether a listed key changed after the last refresh, less an overlap, or may have.
pub(super) fn changed_since(listed: &Listed, record: Option<&Record>, overlap: Duration) -> bool {
    let Some(refreshed) = record.and_then(|record| record.refreshed) else { return true };
    listed.changed.is_none_or(|changed| changed > before(refreshed, overlap))
}

/// The version that was written of a read of one key.
pub(super) fn written(record: Option<&Record>, position: usize) -> Option<&str> {
    Some(record?.versions.get(position)?.one()?.id.as_str())
}
