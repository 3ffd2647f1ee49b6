//! What was fetched for a declaration, each value with its version. Values live in memory only.

use crate::change::Change;
use crate::entries::Entries;
use crate::provider::{Lookup, Provider};
use crate::secret::SecretValue;
use jiff::{SignedDuration, Timestamp};
use pawl_golang::json::{self, Html, Tree};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One version of a key: its id, and when it came to be where the store tells.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Version {
    /// Secrets Manager's version id, or the version's number.
    pub id: String,
    /// When this version came to be, by the store's clock.
    pub since: Option<Timestamp>,
}

impl Version {
    /// The id of these tags. Stores have no versions of tags, so a digest is the version: equal exactly while no tag
    /// changes.
    pub fn id_of_tags(tags: &BTreeMap<String, String>) -> String {
        digest(&tags_as_json(tags))
    }

    /// What a listing calls the version of a key of which it tells when it came to be, and not its id. No id begins so.
    pub fn listed_since(since: Timestamp) -> String {
        format!("since {since}")
    }

    /// Whether this is the version that a listing calls so: by its id, or by when it came to be.
    pub fn is_listed_as(&self, listed: &str) -> bool {
        self.id == listed || self.since.is_some_and(|since| Self::listed_since(since) == listed)
    }

    /// Whether both are one version of one key: by their ids, and by when they came to be where both tell. Numbers alone do not
    /// say it: a key that was deleted and made anew counts from the beginning.
    pub fn is_same(&self, told: &Self) -> bool {
        self.id == told.id && !self.since.zip(told.since).is_some_and(|(mine, theirs)| apart(mine, theirs))
    }

    /// Whether a listing of numbers tells a time at which this version did not come to be.
    pub fn is_of_another_key(&self, changed: Option<Timestamp>) -> bool {
        self.since.zip(changed).is_some_and(|(since, changed)| apart(since, changed))
    }

    /// Whether it came to be after the change, for certain: events tell whole seconds, and senders' and stores' clocks
    /// agree to about [`CLOCK_SKEW`].
    pub fn is_younger_than(&self, change: &Change) -> bool {
        self.since.is_some_and(|since| since.duration_since(change.at) > CLOCK_SKEW)
    }
}

/// Stores tell times in whole seconds in one answer, and in parts of them in another.
fn apart(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() > SignedDuration::from_secs(1)
}

/// By how much the clocks of senders and stores may differ.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);

/// One value as a store gave it.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The store's kind; property lookup differs by it.
    pub provider: Provider,
    /// The value, text or binary.
    pub value: SecretValue,
    /// Its version.
    pub version: Version,
    /// The labels that this version carries now, where the store says so.
    pub labels: Vec<String>,
}

impl Fetched {
    /// Tags as ESO's `metadataPolicy: Fetch` gives them: a JSON object as Go writes it, with sorted keys.
    pub fn of_tags(provider: Provider, tags: &BTreeMap<String, String>) -> Self {
        let object = tags_as_json(tags);
        let version = Version { id: digest(&object), since: None };
        let value = match provider.profile().lookup {
            Lookup::Entries => Entries::about(Some(tags), None).to_value(),
            _ => SecretValue::new(object),
        };
        Self { provider, value, version, labels: Vec::new() }
    }

    /// Several maps of tags as ESO's `metadataPolicy: Fetch` gives them: a JSON object with one member for each map, which is
    /// null where the map is empty.
    pub fn of_maps(provider: Provider, maps: &[(&str, &BTreeMap<String, String>)]) -> Self {
        let tree = |map: &BTreeMap<String, String>| if map.is_empty() { Tree::Null } else { tree(map) };
        let members = maps.iter().map(|(name, map)| (name.as_bytes().to_vec(), tree(map)));
        let object = json::encode(&Tree::Map(members.collect()), Html::Escape).unwrap_or_default();
        let version = Version { id: digest(&object), since: None };
        Self { provider, value: SecretValue::new(object), version, labels: Vec::new() }
    }
}

fn tags_as_json(tags: &BTreeMap<String, String>) -> Vec<u8> {
    // Texts always have a JSON form.
    json::encode(&tree(tags), Html::Escape).unwrap_or_default()
}

fn tree(tags: &BTreeMap<String, String>) -> Tree {
    let text =
        |(key, value): (&String, &String)| (key.clone().into_bytes(), Tree::Text(value.clone().into_bytes()));
    Tree::Map(tags.iter().map(text).collect())
}

fn digest(object: &[u8]) -> String {
    let mut id = hex::encode(Sha256::digest(object));
    id.truncate(DIGEST_LENGTH);
    id
}

/// Enough hexadecimal digits that two sets of tags are never taken for one.
const DIGEST_LENGTH: usize = 32;

/// What a declaration's reads gave, one for each, in the same order.
#[derive(Clone, Debug, Default)]
pub struct Values(pub Vec<Found>);

/// What one read gave.
#[derive(Clone, Debug)]
pub enum Found {
    /// The store says that the key does not exist, and the declaration's deletionPolicy tolerates that.
    Missing,
    /// The value of a key.
    One(Arc<Fetched>),
    /// The values of a search, by the name that ESO gives each: a search that finds nothing is empty.
    Many(BTreeMap<String, Arc<Fetched>>),
}

impl Found {
    /// The bytes of all values together.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Missing => 0,
            Self::One(fetched) => fetched.value.len(),
            Self::Many(found) => {
                found.values().fold(0, |sum, fetched| sum.saturating_add(fetched.value.len()))
            }
        }
    }

    /// The versions of what was found, for the ledger.
    pub fn versions(&self) -> Versions {
        match self {
            Self::Missing => Versions::Missing,
            Self::One(fetched) => Versions::One(fetched.version.clone()),
            Self::Many(found) => {
                let size = |(name, fetched): (&String, &Arc<Fetched>)| name.len() + fetched.version.id.len();
                if found.iter().map(size).sum::<usize>() > MOST_RECORDED {
                    return Versions::Uncounted;
                }
                let version =
                    |(name, fetched): (&String, &Arc<Fetched>)| (name.clone(), fetched.version.clone());
                Versions::Many(found.iter().map(version).collect())
            }
        }
    }
}

/// The names and ids of a search are recorded up to this number of bytes: about a thousand keys. A record is one item
/// of a table, which has its limits.
const MOST_RECORDED: usize = 64 * 1024;

/// The versions that one read gave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Versions {
    /// The key did not exist.
    Missing,
    /// The version of a key.
    One(Version),
    /// The version of each key that a search found, by name.
    Many(BTreeMap<String, Version>),
    /// A search found more keys than are recorded: which versions were written is not known.
    Uncounted,
}

impl Versions {
    /// The version of a single key.
    pub fn one(&self) -> Option<&Version> {
        match self {
            Self::One(version) => Some(version),
            Self::Missing | Self::Many(_) | Self::Uncounted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_what_go_makes_of_them() {
        let tags = |pairs: &[(&str, &str)]| {
            let owned = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            Fetched::of_tags(Provider::SecretsManager, &owned.collect())
        };
        let two = tags(&[("team", "a&b"), ("env", "prod")]);
        assert_eq!(two.value.expose_str(), Some(r#"{"env":"prod","team":"a\u0026b"}"#));
        let none = tags(&[]);
        assert_eq!(none.value.expose_str(), Some("{}"));
        assert_eq!(two.version, tags(&[("env", "prod"), ("team", "a&b")]).version);
        assert_ne!(two.version, none.version);
    }

    #[test]
    fn maps_become_what_go_makes_of_them() {
        let map = BTreeMap::from([("team".to_owned(), "a&b".to_owned())]);
        let given = |labels: &BTreeMap<String, String>| {
            Fetched::of_maps(
                Provider::GcpSecretManager,
                &[("annotations", &BTreeMap::new()), ("labels", labels)],
            )
        };
        let some = given(&map);
        assert_eq!(some.value.expose_str(), Some(r#"{"annotations":null,"labels":{"team":"a\u0026b"}}"#));
        assert_ne!(some.version, given(&BTreeMap::new()).version);
    }

    #[test]
    fn listings_call_a_version_by_its_id_or_by_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let version = |since| Version { id: "7".to_owned(), since };
        for (version, listed, same) in [
            (version(None), "7".to_owned(), true),
            (version(None), Version::listed_since(at(1)), false),
            (version(Some(at(1))), "7".to_owned(), true),
            (version(Some(at(1))), "8".to_owned(), false),
            (version(Some(at(1))), Version::listed_since(at(1)), true),
            (version(Some(at(1))), Version::listed_since(at(2)), false),
        ] {
            assert_eq!(version.is_listed_as(&listed), same, "{version:?} {listed}");
        }
    }

    #[test]
    fn a_number_is_the_same_version_only_where_it_came_to_be_at_the_same_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let version = |id: &str, since: Option<i64>| Version { id: id.to_owned(), since: since.map(at) };
        for (known, told, same) in [
            (version("1", Some(5)), version("1", Some(5)), true),
            (version("1", Some(5)), version("1", Some(6)), true),
            (version("1", Some(5)), version("1", Some(7)), false),
            (version("1", Some(7)), version("1", Some(5)), false),
            (version("1", None), version("1", Some(5)), true),
            (version("1", Some(5)), version("1", None), true),
            (version("1", Some(5)), version("2", Some(5)), false),
        ] {
            assert_eq!(known.is_same(&told), same, "{known:?} {told:?}");
            assert_eq!(
                known.is_of_another_key(told.since),
                !same && known.id == told.id,
                "{known:?} {told:?}"
            );
        }
    }

    #[test]
    fn versions_of_a_search_are_recorded_up_to_a_limit() {
        let fetched = Arc::new(Fetched::of_tags(Provider::SecretsManager, &BTreeMap::new()));
        let found = |count: usize| {
            Found::Many((0..count).map(|number| (format!("app/{number:04}"), Arc::clone(&fetched))).collect())
        };
        assert_eq!(found(0).versions(), Versions::Many(BTreeMap::new()));
        let Versions::Many(recorded) = found(1_000).versions() else {
            panic!("a thousand keys are recorded")
        };
        assert_eq!(recorded.get("app/0999"), Some(&fetched.version));
        assert_eq!(found(2_000).versions(), Versions::Uncounted);
    }
}
