//! The entries of a manifest as keys with versions.

use pawl_domain::store::{FakeEntry, FakeStore};
use pawl_domain::{Fetched, Find, Kind, Provider, SecretValue, Step, Version, VersionSelector};
use pawl_ports::{Error, Wanted};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One key in one version.
///
/// # Errors
/// `NotFound` when no entry has exactly this version.
pub(crate) fn fetched(store: &FakeStore, wanted: &Wanted) -> Result<Fetched, Error> {
    let version = match &wanted.selector {
        VersionSelector::Current => "",
        VersionSelector::Label(version) | VersionSelector::Id(version) => version,
    };
    // Of two entries with one key and version the last counts.
    let mut last_first = store.data.iter().rev();
    let entry = last_first.find(|entry| entry.key == wanted.key && entry.version == version);
    entry.map(of).ok_or_else(|| missing(&wanted.key, version))
}

/// The last version of each key that the pattern matches.
///
/// # Errors
/// `Invalid` for criteria other than a pattern.
pub(crate) fn found(store: &FakeStore, find: &Find) -> Result<BTreeMap<String, Fetched>, Error> {
    let invalid = |what: String| Error::new(Step::Fetch, Kind::Invalid, format!("fake: find: {what}"));
    if find.name.is_none() {
        return Err(invalid("a fake store is searched by name only; write find.name.regexp".to_owned()));
    }
    let pattern = find.pattern().map_err(|error| invalid(error.to_string()))?;
    let met = store.data.iter().filter(|entry| pattern.is_match(&entry.key));
    let found = met.filter_map(|entry| Some((entry.key.clone(), last(store, &entry.key)?)));
    Ok(found.collect())
}

/// What a listing tells of a key: the entry without a version, or else its last one.
pub(crate) fn current(store: &FakeStore, key: &str) -> Option<Fetched> {
    let plain = store.data.iter().rev().find(|entry| entry.key == key && entry.version.is_empty());
    plain.map(of).or_else(|| last(store, key))
}

/// The last version of a key in the order of text; of equal ones the last entry.
fn last(store: &FakeStore, key: &str) -> Option<Fetched> {
    let entries = store.data.iter().filter(|entry| entry.key == key);
    entries.max_by(|one, other| one.version.cmp(&other.version)).map(of)
}

fn of(entry: &FakeEntry) -> Fetched {
    let mut id = hex::encode(Sha256::digest(&entry.value));
    id.truncate(DIGEST_LENGTH);
    Fetched {
        provider: Provider::Fake,
        value: SecretValue::new(entry.value.clone()),
        version: Version { id, since: None },
        labels: Vec::new(),
    }
}

/// Enough hexadecimal digits that two values are never taken for one.
const DIGEST_LENGTH: usize = 32;

fn missing(key: &str, version: &str) -> Error {
    let version =
        if version.is_empty() { "without a version".to_owned() } else { format!("of version {version}") };
    let message =
        format!("fake: {key}: no entry {version} stands in the store; add it, or correct the key or version");
    Error::new(Step::Fetch, Kind::NotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_ports::Part;

    fn store(entries: &[(&str, &str, &str)]) -> FakeStore {
        let entry = |(key, version, value): &(&str, &str, &str)| FakeEntry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            version: (*version).to_owned(),
        };
        FakeStore { data: entries.iter().map(entry).collect(), ..FakeStore::default() }
    }

    fn text(fetched: Fetched) -> String {
        fetched.value.expose_str().unwrap().to_owned()
    }

    #[test]
    fn a_key_is_read_by_its_exact_version() {
        let store = store(&[("a", "", "plain"), ("a", "v1", "one"), ("b", "v1", "b"), ("a", "v1", "last")]);
        let read = |key: &str, version: &str| {
            let selector = VersionSelector::parse(Provider::Fake, Some(version));
            let answer = fetched(&store, &Wanted { key: key.to_owned(), selector, part: Part::Value });
            answer.map(text).map_err(|error| error.kind)
        };
        for (key, version, want) in [
            ("a", "", Ok("plain")),
            ("a", "v1", Ok("last")),
            ("a", "v2", Err(Kind::NotFound)),
            ("b", "", Err(Kind::NotFound)),
            ("b", "v1", Ok("b")),
            ("c", "", Err(Kind::NotFound)),
        ] {
            assert_eq!(read(key, version), want.map(str::to_owned), "{key} {version}");
        }
    }

    #[test]
    fn a_search_takes_the_last_version_in_the_order_of_text() {
        let store =
            store(&[("app/a", "v10", "ten"), ("app/a", "v2", "two"), ("app/b", "", "b"), ("web/a", "", "w")]);
        let find = Find { name: Some("^app/".to_owned()), path: Some("web".to_owned()), ..Find::default() };
        let all: Vec<_> =
            found(&store, &find).unwrap().into_iter().map(|(key, value)| (key, text(value))).collect();
        let want = [("app/a", "two"), ("app/b", "b")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(all, want, "the path is not looked at");
        for find in [
            Find { name: Some("a(".to_owned()), ..Find::default() },
            Find { tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]), ..Find::default() },
        ] {
            assert_eq!(found(&store, &find).unwrap_err().kind, Kind::Invalid, "{find:?}");
        }
    }

    #[test]
    fn versions_are_equal_while_values_are() {
        let version = |value| current(&store(&[("a", "", value)]), "a").unwrap().version.id;
        assert_eq!(version("one"), version("one"));
        assert_ne!(version("one"), version("two"));
        assert!(!version("one").contains("one"));
    }
}
