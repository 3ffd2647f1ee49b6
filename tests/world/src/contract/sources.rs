//! The contract of [`Sources`].

use jiff::{SignedDuration, Timestamp};
use pawl_domain::provider::{Capabilities, Changes};
use pawl_domain::{Access, Fetched, Kind, SecretValue, Step, Version, VersionSelector};
use pawl_ports::{Error, Listed, Listing, Part, Sources, Wanted};
use std::collections::BTreeMap;
use std::future::Future;

/// A store that a suite can change, with the port that reads it.
pub trait Held {
    /// The port.
    type Sources: Sources;

    /// The port.
    fn sources(&self) -> &Self::Sources;

    /// An identity that may read and list everything in the store.
    fn access(&self) -> &Access;

    /// A new version of a key, in force at once; returns the version's id. The key comes into being if it is not there.
    fn put(&self, key: &str, value: &str) -> impl Future<Output = String>;

    /// Moves a label to a version of a key.
    fn label(&self, key: &str, version: &str, label: &str) -> impl Future<Output = ()>;

    /// Deletes a key, the way that can be taken back where the store has one.
    fn delete(&self, key: &str) -> impl Future<Output = ()>;

    /// Deletes a key for good, at once.
    fn destroy(&self, key: &str) -> impl Future<Output = ()> {
        self.delete(key)
    }

    /// What it is that a key does not exist: `Invalid` where the store does not tell it from one that may not be seen.
    fn absence(&self) -> Kind {
        Kind::NotFound
    }

    /// The id of a version that no key has, in the form that the store knows.
    fn unknown_version(&self) -> &'static str;

    /// The key, as [`Wanted::key`] has it, that the other methods call by this name.
    fn key(&self, name: &str) -> String {
        name.to_owned()
    }

    /// What a listing calls the version with this id.
    fn listed(&self, version: &str) -> String {
        version.to_owned()
    }

    /// The text that was put, out of the value that the store gives for it.
    fn text(&self, value: &SecretValue) -> String {
        value.expose_str().expect("text").to_owned()
    }

    /// What such a store can. What it cannot is not asked of it.
    fn can(&self) -> Capabilities {
        self.access().backend.capabilities()
    }
}

/// Runs every case, each on keys of its own in one store that must be empty before.
pub async fn suite(store: &impl Held) {
    let can = store.can();
    nothing_wanted(store).await;
    answers_stand_alone_and_in_order(store).await;
    if can.versions {
        the_selected_version_is_read(store).await;
    }
    if can.labels {
        labels_are_followed(store).await;
    }
    many_keys_are_answered(store).await;
    match can.changes {
        Changes::Untold => what_cannot_be_listed_is_not_refused(store).await,
        Changes::Whole | Changes::Since | Changes::Never => {
            listings_miss_nothing(store).await;
            listings_tell_labels_or_say_that_they_do_not(store).await;
        }
        Changes::Made => panic!("what makes values is no store"),
    }
    deleted_keys_do_not_exist(store).await;
    every_lost_event_is_found(store).await;
}

async fn nothing_wanted(store: &impl Held) {
    assert_eq!(fetch(store, &[]).await, [], "no keys wanted are none to answer");
    assert_eq!(versions(store, &[]).await, [], "no keys wanted are none to answer");
    if store.can().changes != Changes::Untold {
        let empty = Listing { keys: Vec::new(), complete: true };
        assert_eq!(listing(store, None).await, empty, "an empty store lists nothing");
    }
}

async fn answers_stand_alone_and_in_order(store: &impl Held) {
    let a = store.put("order-a", "A").await;
    let b = store.put("order-b", "B").await;
    let wanted =
        ["order-none", "order-b", "order-a", "order-b", "order-nothing"].map(|name| current(store, name));
    let want = [missing(store), Ok(("B", &b)), Ok(("A", &a)), Ok(("B", &b)), missing(store)];
    assert_eq!(
        fetch(store, &wanted).await,
        owned(&want),
        "a missing key hides no other, a key wanted twice is answered twice"
    );
    let want = [Err(store.absence()), Ok(b.clone()), Ok(a), Ok(b), Err(store.absence())];
    assert_eq!(versions(store, &wanted).await, want, "versions stand as values do");
    for one in &wanted {
        let [alone] = <[_; 1]>::try_from(fetch(store, std::slice::from_ref(one)).await).unwrap();
        let place = wanted.iter().position(|other| other == one).unwrap();
        assert_eq!(alone, fetch(store, &wanted).await[place], "{one:?} is the same alone and among others");
    }
}

async fn the_selected_version_is_read(store: &impl Held) {
    let first = store.put("version", "one").await;
    let second = store.put("version", "two").await;
    assert_ne!(first, second, "each version has an id of its own");
    let by_id = |id: &str| Wanted {
        key: store.key("version"),
        selector: VersionSelector::Id(id.to_owned()),
        part: Part::Value,
    };
    let wanted = [by_id(&first), current(store, "version"), by_id(&second), by_id(store.unknown_version())];
    let want = [Ok(("one", &first)), Ok(("two", &second)), Ok(("two", &second)), missing(store)];
    assert_eq!(fetch(store, &wanted).await, owned(&want), "an id selects its version for ever");
    let want = [Ok(first), Ok(second.clone()), Ok(second)];
    assert_eq!(versions(store, &wanted[..3]).await, want, "versions are told as they are fetched");
}

async fn labels_are_followed(store: &impl Held) {
    let first = store.put("label", "one").await;
    let second = store.put("label", "two").await;
    let by = |label: &str| Wanted {
        key: store.key("label"),
        selector: VersionSelector::Label(label.to_owned()),
        part: Part::Value,
    };
    for (version, value) in [(&first, "one"), (&second, "two"), (&first, "one")] {
        store.label("label", version, "live").await;
        let wanted = [by("live"), by("dead")];
        assert_eq!(
            fetch(store, &wanted).await,
            owned(&[Ok((value, version)), missing(store)]),
            "a label is where it was moved"
        );
        let want = [Ok(version.clone()), Err(store.absence())];
        assert_eq!(versions(store, &wanted).await, want, "a label is where it was moved");
    }
    assert_eq!(versions(store, &[current(store, "label")]).await, [Ok(second)], "a label moves nothing else");
}

/// More than any provider's batch.
const MANY: usize = 45;

async fn many_keys_are_answered(store: &impl Held) {
    let (mut wanted, mut want) = (Vec::new(), Vec::new());
    for number in 0..MANY {
        let key = format!("many-{number}");
        if number % 10 != 7 {
            let version = store.put(&key, &format!("value {number}")).await;
            want.push(Ok((format!("value {number}"), version)));
        } else {
            want.push(Err(store.absence()));
        }
        wanted.push(current(store, &key));
    }
    assert_eq!(fetch(store, &wanted).await, want, "more keys than one batch takes");
    let want: Vec<_> = want.into_iter().map(|answer| answer.map(|(_, version)| version)).collect();
    assert_eq!(versions(store, &wanted).await, want, "more keys than one batch takes");
}

async fn listings_miss_nothing(store: &impl Held) {
    store.put("list-changed", "one").await;
    let calm = store.put("list-calm", "one").await;
    let changed = store.put("list-changed", "two").await;
    let all = listing(store, None).await;
    assert!(all.complete, "a listing since ever is complete");
    for (key, version) in [("list-changed", &changed), ("list-calm", &calm)] {
        let entry = of(&all, &store.key(key)).unwrap_or_else(|| panic!("{key} is in the list of all keys"));
        let version = Some(store.listed(version));
        assert_eq!(entry.version, version, "{key} is listed with its version in force");
    }
    let since = of(&all, &store.key("list-changed")).unwrap().changed;
    let recent = listing(store, since).await;
    let entry = of(&recent, &store.key("list-changed"))
        .expect("a key that changed at the very moment is in the list since then");
    let want = Some(store.listed(&changed));
    assert_eq!(entry.version, want, "a listing since a moment tells the version in force");
    for since in [since, since.map(|since| since + SignedDuration::from_hours(1))] {
        let recent = listing(store, since).await;
        assert!(
            !recent.complete || recent.keys.len() == all.keys.len(),
            "a listing is complete only when all keys are in it"
        );
        assert!(
            recent.complete || store.can().changes != Changes::Whole,
            "each listing is whole, says the port"
        );
    }
}

async fn listings_tell_labels_or_say_that_they_do_not(store: &impl Held) {
    let first = store.put("list-label", "one").await;
    let second = store.put("list-label", "two").await;
    let live = async || {
        let all = listing(store, None).await;
        let entry = of(&all, &store.key("list-label")).expect("the key is in the list of all keys");
        assert_eq!(entry.version, Some(store.listed(&second)), "a label moves no other");
        assert_eq!(entry.labels.is_some(), store.can().lists_labels, "None says that it does not tell");
        entry.labels.as_ref().and_then(|labels| labels.get("live").cloned())
    };
    assert_eq!(live().await, None, "nobody has put the label there");
    if !store.can().labels {
        return;
    }
    for version in [&first, &second, &first] {
        store.label("list-label", version, "live").await;
        let want = Some(version.clone()).filter(|_| store.can().lists_labels);
        assert_eq!(live().await, want, "a label is listed at the version where it is");
    }
}

async fn what_cannot_be_listed_is_not_refused(store: &impl Held) {
    let error = store.sources().changed_since(store.access(), None).await.expect_err("there is no listing");
    assert_eq!(error.kind, Kind::Invalid, "no right to list would help");
}

async fn deleted_keys_do_not_exist(store: &impl Held) {
    store.put("gone", "one").await;
    store.put("stays", "one").await;
    store.delete("gone").await;
    let wanted = [current(store, "gone")];
    assert_eq!(fetch(store, &wanted).await, [Err(store.absence())], "a deleted key does not exist");
    assert_eq!(versions(store, &wanted).await, [Err(store.absence())], "a deleted key does not exist");
    let stays = fetch(store, &[current(store, "stays")]).await;
    assert!(stays[0].is_ok(), "the deletion of a key hides no other");
    if store.can().changes == Changes::Untold {
        return;
    }
    let all = listing(store, None).await;
    let nothing =
        |entry: &Listed| entry.version.is_none() && entry.labels.as_ref().is_none_or(BTreeMap::is_empty);
    assert!(
        of(&all, &store.key("gone")).is_none_or(nothing),
        "a deleted key is listed without a version and labels"
    );
    assert!(of(&all, &store.key("stays")).is_some(), "the deletion of a key hides no other");

    store.put("destroyed", "one").await;
    store.destroy("destroyed").await;
    assert_eq!(
        fetch(store, &[current(store, "destroyed")]).await,
        [Err(store.absence())],
        "it does not exist"
    );
    let all = listing(store, None).await;
    assert!(
        all.complete && of(&all, &store.key("destroyed")).is_none(),
        "what was deleted for good is listed no more"
    );
}

/// `refreshInterval` is a promise: with every event lost, a sweep finds each change, by the list where there is one and by the
/// keys themselves where that may not be read; and finds nothing where nothing changed.
async fn every_lost_event_is_found(store: &impl Held) {
    let key = store.key("lost");
    let wanted = [current(store, "lost")];
    let mut known = None;
    for value in [Some("one"), Some("two"), Some("three"), None, Some("one"), None] {
        match value {
            Some(value) => drop(store.put("lost", value).await),
            None => store.destroy("lost").await,
        }
        let by_key = there(store, versions(store, &wanted).await.remove(0));
        assert_ne!(by_key, known, "{value:?} is a change that each key tells by itself");
        let read = there(store, fetch(store, &wanted).await.remove(0));
        assert_eq!(read.as_ref().map(|(_, version)| version), by_key.as_ref(), "it is told as it is read");
        assert_eq!(
            read.as_ref().map(|(text, _)| text.as_str()),
            value,
            "what a sweep fetches then is the change"
        );
        let again = there(store, versions(store, &wanted).await.remove(0));
        assert_eq!(again, by_key, "where nothing changed, nothing is found");
        if store.can().changes != Changes::Untold {
            for _ in 0..2 {
                let all = listing(store, None).await;
                let listed = of(&all, &key).and_then(|entry| entry.version.clone());
                let want = by_key.as_ref().map(|version| store.listed(version));
                assert_eq!(listed, want, "a list tells it, {value:?}, as well");
            }
        }
        known = by_key;
    }
}

/// What is there; `None` for what is not.
fn there<T>(store: &impl Held, answer: Told<T>) -> Option<T> {
    answer.map_err(|kind| assert_eq!(kind, store.absence(), "it may be read")).ok()
}

type Told<T> = Result<T, Kind>;

fn current(store: &impl Held, name: &str) -> Wanted {
    Wanted { key: store.key(name), selector: VersionSelector::Current, part: Part::Value }
}

fn missing<T>(store: &impl Held) -> Told<T> {
    Err(store.absence())
}

fn owned(answers: &[Told<(&str, &String)>]) -> Vec<Told<(String, String)>> {
    answers.iter().map(|answer| answer.map(|(value, version)| (value.to_owned(), version.clone()))).collect()
}

async fn fetch(store: &impl Held, wanted: &[Wanted]) -> Vec<Told<(String, String)>> {
    let answers = store.sources().fetch(store.access(), wanted).await;
    assert_eq!(answers.len(), wanted.len(), "one answer for each key");
    let told = |fetched: Fetched| (store.text(&fetched.value), fetched.version.id);
    answers.into_iter().map(|answer| answer.map(told).map_err(kind)).collect()
}

async fn versions(store: &impl Held, wanted: &[Wanted]) -> Vec<Told<String>> {
    let answers = store.sources().versions(store.access(), wanted).await;
    assert_eq!(answers.len(), wanted.len(), "one answer for each key");
    answers
        .into_iter()
        .map(|answer: Result<Version, Error>| answer.map(|version| version.id).map_err(kind))
        .collect()
}

async fn listing(store: &impl Held, since: Option<Timestamp>) -> Listing {
    store.sources().changed_since(store.access(), since).await.expect("the identity may list")
}

fn of<'a>(listing: &'a Listing, key: &str) -> Option<&'a Listed> {
    listing.keys.iter().find(|entry| entry.names.contains(key))
}

fn kind(error: Error) -> Kind {
    assert_eq!(error.step, Step::Fetch, "the identity is proven: {error}");
    error.kind
}
