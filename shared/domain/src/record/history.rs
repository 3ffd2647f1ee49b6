//! The last writes of a target: when, why, and to which versions.

use crate::values::{Version, Versions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// So many writes are remembered, the last ones.
pub const MOST_WRITES: usize = 8;
/// So many bytes they may take, about, in a record: it is an item of a table, whose price grows with each 1024 bytes.
pub const MOST_BYTES: usize = 1024;
/// So many keys are named of one write.
pub const MOST_NAMED: usize = 3;

/// What a write takes besides its keys and versions.
const FRAME: usize = 64;

/// The last writes of a target, the newest last. Bounded by [`MOST_WRITES`] and [`MOST_BYTES`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct History(Vec<Written>);

/// One write of a target.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Written {
    /// When it was recorded, in whole seconds.
    pub at: Timestamp,
    /// What called for it.
    pub cause: Cause,
    /// How many seconds after the event, where one caused it.
    pub seconds: Option<u32>,
    /// Whether it deleted the target.
    pub deleted: bool,
    /// The keys that moved with it, the first [`MOST_NAMED`].
    pub keys: Vec<MovedKey>,
    /// So many more keys moved.
    pub more: u32,
}

/// A key that moved.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MovedKey {
    /// The key, as the manifest or the search names it.
    pub key: String,
    /// The version that was written; `None` where the store has no such key any more.
    pub version: Option<String>,
}

/// What called for a write.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It was declared, or it or its store was edited.
    Edit,
    /// An event told of a change.
    Event,
    /// A sweep found it, or tried it again.
    Sweep,
    /// Somebody else had changed or deleted the target.
    Drift,
    /// A person asked for it.
    Hand,
}

impl Cause {
    /// The cause's name in output and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Event => "event",
            Self::Sweep => "sweep",
            Self::Drift => "drift",
            Self::Hand => "hand",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl History {
    /// These writes, as far as there is room for them.
    pub fn of(writes: Vec<Written>) -> Self {
        let mut history = Self(writes);
        history.bound();
        history
    }

    /// The writes, the oldest first.
    pub fn writes(&self) -> &[Written] {
        &self.0
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the last write. The oldest go where there is no room.
    pub fn push(&mut self, written: Written) {
        self.0.push(written);
        self.bound();
    }

    /// Takes in what somebody else remembers of the same target.
    pub fn join(&mut self, other: &Self) {
        let new: Vec<_> = other.0.iter().filter(|written| !self.0.contains(written)).cloned().collect();
        self.0.extend(new);
        self.0.sort_by_key(|written| written.at);
        self.bound();
    }

    fn bound(&mut self) {
        for written in &mut self.0 {
            written.bound();
        }
        let many = self.0.len().saturating_sub(MOST_WRITES);
        self.0.drain(..many);
        while self.0.len() > 1 && self.0.iter().map(Written::size).sum::<usize>() > MOST_BYTES {
            self.0.remove(0);
        }
    }
}

impl Written {
    /// About how many bytes it takes in a document.
    fn size(&self) -> usize {
        let of_key = |moved: &MovedKey| moved.key.len() + moved.version.as_ref().map_or(0, String::len) + 24;
        FRAME + self.keys.iter().map(of_key).sum::<usize>()
    }

    /// Names no more keys than there is room for.
    fn bound(&mut self) {
        while self.keys.len() > MOST_NAMED || (self.size() > MOST_BYTES && !self.keys.is_empty()) {
            self.keys.pop();
            self.more = self.more.saturating_add(1);
        }
    }
}

/// The keys of one read whose versions are others than before, as `key` and what a search found call them.
pub fn moved(key: &str, before: Option<&Versions>, now: &Versions) -> Vec<MovedKey> {
    let moved = |key: &str, before: Option<&Version>, now: Option<&Version>| {
        let id = |version: Option<&Version>| version.map(|version| version.id.clone());
        (id(before) != id(now)).then(|| MovedKey { key: key.to_owned(), version: id(now) })
    };
    match (before, now) {
        (before, Versions::One(_) | Versions::Missing) => {
            moved(key, before.and_then(Versions::one), now.one()).into_iter().collect()
        }
        (before, Versions::Many(found)) => {
            let before = match before {
                Some(Versions::Many(before)) => Some(before),
                _ => None,
            };
            let new = found.iter().filter_map(|(name, version)| {
                moved(name, before.and_then(|before| before.get(name)), Some(version))
            });
            let left = before.into_iter().flatten().filter(|(name, _)| !found.contains_key(*name));
            new.chain(left.filter_map(|(name, version)| moved(name, Some(version), None))).collect()
        }
        // Which versions these are, nobody recorded.
        (_, Versions::Uncounted) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(second: i64, keys: &[(&str, &str)]) -> Written {
        let moved = |(key, version): &(&str, &str)| MovedKey {
            key: (*key).to_owned(),
            version: Some((*version).to_owned()),
        };
        Written {
            at: Timestamp::from_second(second).unwrap(),
            cause: Cause::Event,
            seconds: Some(1),
            deleted: false,
            keys: keys.iter().map(moved).collect(),
            more: 0,
        }
    }

    #[test]
    fn the_oldest_go_where_there_is_no_room() {
        let mut history = History::default();
        for second in 0..20 {
            history.push(written(second, &[("app/db", "v1")]));
        }
        let seconds: Vec<_> = history.writes().iter().map(|written| written.at.as_second()).collect();
        assert_eq!(seconds, (12..20).collect::<Vec<_>>());
        let long = "x".repeat(300);
        for second in 20..25 {
            history.push(written(second, &[(&long, &long)]));
        }
        let seconds: Vec<_> = history.writes().iter().map(|written| written.at.as_second()).collect();
        assert_eq!(seconds, [24], "two of them would take more than {MOST_BYTES} bytes");
        assert!(serde_json::to_string(&history).unwrap().len() < 2 * MOST_BYTES);
    }

    #[test]
    fn what_cannot_be_named_is_counted() {
        let long = "x".repeat(2000);
        let history = History::of(vec![
            written(1, &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")]),
            written(2, &[(&long, "1")]),
        ]);
        let told = |at: usize| (history.writes()[at].keys.len(), history.writes()[at].more);
        assert_eq!((told(0), told(1)), ((3, 2), (0, 1)));
    }

    #[test]
    fn two_that_meet_are_one_in_order() {
        let mut ours = History::of(vec![written(1, &[]), written(4, &[])]);
        ours.join(&History::of(vec![written(1, &[]), written(3, &[])]));
        let seconds: Vec<_> = ours.writes().iter().map(|written| written.at.as_second()).collect();
        assert_eq!(seconds, [1, 3, 4]);
    }

    #[test]
    fn keys_move_when_their_version_is_another() {
        let one = |id: &str| Versions::One(Version { id: id.to_owned(), since: None });
        let many = |pairs: &[(&str, &str)]| {
            let version = |id: &str| Version { id: id.to_owned(), since: None };
            Versions::Many(pairs.iter().map(|(name, id)| ((*name).to_owned(), version(id))).collect())
        };
        let told = |before: Option<Versions>, now: Versions| {
            let moved = moved("app/db", before.as_ref(), &now).into_iter();
            moved.map(|it| format!("{} {}", it.key, it.version.unwrap_or_default())).collect::<Vec<_>>()
        };
        assert_eq!(told(None, one("v1")), ["app/db v1"]);
        assert!(told(Some(one("v1")), one("v1")).is_empty());
        assert_eq!(told(Some(one("v1")), one("v2")), ["app/db v2"]);
        assert_eq!(told(Some(one("v1")), Versions::Missing), ["app/db "]);
        assert!(told(None, Versions::Missing).is_empty());
        let before = many(&[("a", "v1"), ("b", "v1"), ("c", "v1")]);
        assert_eq!(
            told(Some(before.clone()), many(&[("a", "v1"), ("b", "v2"), ("d", "v1")])),
            ["b v2", "d v1", "c "]
        );
        assert!(told(Some(before), Versions::Uncounted).is_empty());
    }
}
