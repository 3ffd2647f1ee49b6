//! Whether a listed key has the version that was written. Pure.

use crate::base::marks::before;
use pawl_domain::provider::Order;
use pawl_domain::{Record, Version, VersionSelector};
use pawl_ports::Listed;
use std::time::Duration;

/// Whether a listing tells of another version than the one written of a read. Versions are compared wherever the listing
/// tells them; where it tells only a time, a change after the last refresh counts, or shortly before: what was read then
/// may have lagged.
pub(super) fn differs(
    listed: &Listed,
    order: Order,
    selector: &VersionSelector,
    metadata: bool,
    (record, position): (Option<&Record>, usize),
    overlap: Duration,
) -> bool {
    let known = known(record, position);
    let written = known.map(|version| version.id.as_str());
    if metadata {
        return match &listed.tags {
            Some(tags) if listed.version.is_some() => written != Some(Version::id_of_tags(tags).as_str()),
            _ => changed_since(listed, record, overlap),
        };
    }
    match (selector, &listed.labels) {
        (VersionSelector::Current, _) => !is_same(known, listed, order),
        (VersionSelector::Label(label), Some(labels)) => written != labels.get(label).map(String::as_str),
        (VersionSelector::Label(_), None) => changed_since(listed, record, overlap),
        // It only comes and goes with its key.
        (VersionSelector::Id(_), _) => written.is_some() != listed.version.is_some(),
    }
}

/// Whether the version that is known of a key is the one that it is listed with. A listing of numbers changes a key's time
/// with its versions alone.
pub(super) fn is_same(known: Option<&Version>, listed: &Listed, order: Order) -> bool {
    match (known, &listed.version) {
        (Some(known), Some(version)) => {
            let is_remade = matches!(order, Order::Number) && known.is_of_another_key(listed.changed);
            known.is_listed_as(version) && !is_remade
        }
        (known, listed) => known.is_none() && listed.is_none(),
    }
}

/// Whether a listed key changed after the last refresh, less an overlap, or may have.
pub(super) fn changed_since(listed: &Listed, record: Option<&Record>, overlap: Duration) -> bool {
    let Some(refreshed) = record.and_then(|record| record.refreshed) else { return true };
    listed.changed.is_none_or(|changed| changed > before(refreshed, overlap))
}

/// The version that was written of a read of one key.
pub(super) fn known(record: Option<&Record>, position: usize) -> Option<&Version> {
    record?.versions.get(position)?.one()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_version_is_known_by_its_id_or_by_when_it_came_to_be() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let known = Version { id: "a".to_owned(), since: Some(at(1)) };
        for (known, listed, same) in [
            (Some(&known), Some("a".to_owned()), true),
            (Some(&known), Some(Version::listed_since(at(1))), true),
            (Some(&known), Some(Version::listed_since(at(2))), false),
            (Some(&known), Some("b".to_owned()), false),
            (Some(&known), None, false),
            (None, Some("a".to_owned()), false),
            (None, None, true),
        ] {
            let listed = Listed {
                names: BTreeSet::new(),
                version: listed,
                changed: None,
                labels: Some(BTreeMap::new()),
                tags: None,
            };
            assert_eq!(is_same(known, &listed, Order::Number), same, "{known:?} {listed:?}");
        }
    }

    #[test]
    fn a_number_that_is_listed_at_another_time_is_of_a_key_that_was_made_anew() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let known = Version { id: "1".to_owned(), since: Some(at(10)) };
        let unordered = Order::Unordered { in_force: "" };
        for (order, changed, same) in [
            (Order::Number, Some(10), true),
            (Order::Number, Some(60), false),
            (Order::Number, None, true),
            // Other times move with labels and tags.
            (unordered, Some(60), true),
        ] {
            let listed = Listed {
                names: BTreeSet::new(),
                version: Some("1".to_owned()),
                changed: changed.map(at),
                labels: None,
                tags: None,
            };
            assert_eq!(is_same(Some(&known), &listed, order), same, "{order:?} {changed:?}");
        }
    }
}
