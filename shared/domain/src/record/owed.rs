//! What is still to be done for a declaration, written down before it is begun.

use super::TargetState;
use crate::change::Change;
use crate::declaration::{Manifest, Target};
use crate::name::ObjectName;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many changes are kept: one for each key that a declaration reads, up to this many. Sweeps see the others.
const MOST_CHANGES: usize = 8;
/// How long a version that a change names is looked for. A store that has not shown it by then never had it, or has
/// replaced it. Source: Secrets Manager's listings lag by five minutes at most.
const LOOKED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long what was begun may take at most before it counts as interrupted: the longest that a Lambda function runs is
/// 15 minutes.
const LONGEST_WORK: SignedDuration = SignedDuration::from_mins(20);

/// What is still to be done for a declaration. While there is any of it, the record is not settled, so that sweeps
/// find it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Owed {
    /// What the registry is about to hold. Only a delivery of just that settles the declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Declared>,
    /// Changes whose version was reported and not seen yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Former targets that must be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<FormerTarget>,
    /// The target was deleted because its keys were gone, and is made again when they come back, although the
    /// declaration is not read again for anything else. Source: ESO, which looks for a missing target at each interval.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub target: bool,
    /// Since when the declaration is being removed: nothing is written for it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Timestamp>,
    /// Since when a store has been answering with an older version than was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_since: Option<Timestamp>,
}

/// A declaration and its stores as they are about to be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Declared {
    /// A digest of them.
    pub digest: String,
    /// When this was noted.
    pub at: Timestamp,
}

/// A target that the declaration named before.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FormerTarget {
    /// Its name.
    pub name: ObjectName,
    /// Its kind, where it is no Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
}

impl From<&Target> for FormerTarget {
    /// What a declaration with this target left behind, once it names another one.
    fn from(target: &Target) -> Self {
        Self { name: target.name.clone(), manifest: target.generic().cloned() }
    }
}

impl From<&TargetState> for FormerTarget {
    fn from(written: &TargetState) -> Self {
        Self { name: written.name.clone(), manifest: written.manifest.clone() }
    }
}

impl Owed {
    /// Whether nothing is left to be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes a change whose version is not seen yet, in place of an earlier one of the same key. A change that names no
    /// version says nothing that a later look would not find.
    pub fn want(&mut self, change: &Change) {
        if change.version.is_none() {
            return;
        }
        let same_key = |other: &Change| other.location == change.location && other.names == change.names;
        if self.changes.iter().any(|other| same_key(other) && other.at > change.at) {
            return;
        }
        self.changes.retain(|other| !same_key(other));
        self.changes.push(change.clone());
        if self.changes.len() > MOST_CHANGES {
            self.changes.remove(0);
        }
    }

    /// Notes a target that must be deleted, once.
    pub fn owe(&mut self, target: FormerTarget) {
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }

    /// Whether a declaration and stores with this digest may be settled now: nothing else is about to be declared, or
    /// whoever was about to did not get that far.
    pub fn admits(&self, digest: &str, now: Timestamp) -> bool {
        self.declared.as_ref().is_none_or(|declared| declared.digest == digest || is_over(declared.at, now))
    }

    /// Whether everything that was under way when the removal began has ended, so that nothing can bring the target
    /// back any more.
    pub fn removal_is_over(&self, now: Timestamp) -> bool {
        self.removed.is_some_and(|removed| is_over(removed, now))
    }
}

/// Whether the version that a change names is still worth looking for.
pub fn is_looked_for(change: &Change, now: Timestamp) -> bool {
    change.version.is_some() && now.duration_since(change.at) < LOOKED_FOR
}

/// Whether what began at `since` has ended or was interrupted. A `since` in the future was set by a clock that was ahead.
pub fn is_over(since: Timestamp, now: Timestamp) -> bool {
    let elapsed = now.duration_since(since);
    elapsed >= LONGEST_WORK || elapsed <= -LONGEST_WORK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Moved;
    use crate::change::Extent;
    use crate::key::Location;
    use crate::provider::Provider;
    use std::collections::BTreeSet;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn change(key: &str, version: Option<&str>, second: i64) -> Change {
        Change {
            id: "1".into(),
            location: Location { provider: Provider::Vault, region: String::new(), account: None },
            names: BTreeSet::from([key.to_owned()]),
            extent: Extent::Key,
            version: version.map(str::to_owned),
            moved: Moved::Current,
            at: at(second),
        }
    }

    #[test]
    fn of_one_key_the_latest_change_is_kept() {
        let mut owed = Owed::default();
        for change in [
            change("a", Some("2"), 20),
            change("a", Some("1"), 10),
            change("a", None, 40),
            change("b", Some("1"), 10),
            change("a", Some("3"), 30),
        ] {
            owed.want(&change);
        }
        assert_eq!(owed.changes, [change("b", Some("1"), 10), change("a", Some("3"), 30)]);
        for key in 0..20 {
            owed.want(&change(&format!("k{key}"), Some("1"), 50));
        }
        assert_eq!(owed.changes.len(), MOST_CHANGES);
    }

    #[test]
    fn only_what_is_about_to_be_declared_settles_unless_nobody_came_to_it() {
        let declared = Declared { digest: "new".into(), at: at(0) };
        let owed = Owed { declared: Some(declared), ..Owed::default() };
        for (digest, second, want) in [
            ("new", 1, true),
            ("old", 1, false),
            ("old", 1199, false),
            ("old", 1200, true),
            ("old", -1200, true),
        ] {
            assert_eq!(owed.admits(digest, at(second)), want, "{digest} at {second}");
        }
        assert!(Owed::default().admits("old", at(0)));
    }

    #[test]
    fn records_of_earlier_versions_owe_nothing() {
        assert_eq!(serde_json::from_str::<Owed>("{}").unwrap(), Owed::default());
        assert_eq!(serde_json::to_string(&Owed::default()).unwrap(), "{}");
    }
}
