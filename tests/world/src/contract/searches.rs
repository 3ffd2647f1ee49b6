//! The contract of searches and metadata, for stores whose keys have tags.

use super::sources::Held;
use crate::build::patterns;
use pawl_domain::{Fetched, Find, Keep, Kind, VersionSelector};
use pawl_ports::{Part, Sources, Wanted};
use std::collections::BTreeMap;
use std::future::Future;

/// A store that a suite can change, tags included.
pub trait Tagged: Held {
    /// Gives a key a tag in place of what it had by this name.
    fn tag(&self, key: &str, tag: &str, value: &str) -> impl Future<Output = ()>;
}

/// Runs every case, each on keys of its own in one store.
pub async fn suite(store: &impl Tagged) {
    names_are_matched_anywhere(store).await;
    paths_narrow_a_search(store).await;
    tags_must_all_be_there(store).await;
    listings_tell_tags_or_say_that_they_do_not(store).await;
    all_pages_are_read(store).await;
    keys_that_may_not_be_read_are_left_out(store).await;
    criteria_that_find_anything_are_refused(store).await;
    metadata_is_a_sorted_object(store).await;
    missing_metadata_is_no_missing_value(store).await;
}

async fn names_are_matched_anywhere(store: &impl Tagged) {
    let one = store.put("/name/a", "A").await;
    store.put("/name/b", "old").await;
    let two = store.put("/name/b", "B").await;
    store.put("/name/c", "C").await;
    let want = [("/name/a", "A", &one), ("/name/b", "B", &two)];
    assert_eq!(found(store, &name("ame/[ab]$")).await, owned(&want), "whole names, with the values in force");
    assert_eq!(found(store, &name("^nothing")).await, [], "a search that finds nothing is no failure");
    store.delete("/name/a").await;
    assert_eq!(found(store, &name("ame/[ab]$")).await, owned(&want[1..]), "a deleted key is not found");
}

async fn paths_narrow_a_search(store: &impl Tagged) {
    let one = store.put("/path/in/a", "A").await;
    store.put("/path/out/a", "A").await;
    store.put("/elsewhere/path/in/a", "A").await;
    let find = Find { path: Some("/path/in".to_owned()), ..name("a$") };
    assert_eq!(found(store, &find).await, owned(&[("/path/in/a", "A", &one)]), "only below the path");
    let find = Find { path: Some("/path/none".to_owned()), ..name("a$") };
    assert_eq!(found(store, &find).await, [], "nothing is there");
}

async fn tags_must_all_be_there(store: &impl Tagged) {
    let one = store.put("/tag/a", "A").await;
    let two = store.put("/tag/b", "B").await;
    store.put("/tag/c", "C").await;
    for (key, tag, value) in
        [("/tag/a", "team", "shop"), ("/tag/a", "stage", "live"), ("/tag/b", "team", "shop")]
    {
        store.tag(key, tag, value).await;
    }
    let (a, b) = (("/tag/a", "A", &one), ("/tag/b", "B", &two));
    assert_eq!(found(store, &tags(&[("team", "shop")])).await, owned(&[a, b]), "by one tag");
    let both = tags(&[("team", "shop"), ("stage", "live")]);
    assert_eq!(found(store, &both).await, owned(&[a]), "by both tags");
    assert_eq!(found(store, &tags(&[("team", "other")])).await, [], "a tag of another value is not it");
    let below = Find { path: Some("/none".to_owned()), ..tags(&[("team", "shop")]) };
    assert_eq!(found(store, &below).await, [], "the path holds as well");
    store.tag("/tag/b", "team", "other").await;
    assert_eq!(found(store, &tags(&[("team", "shop")])).await, owned(&[a]), "tags are those of now");
}

async fn listings_tell_tags_or_say_that_they_do_not(store: &impl Tagged) {
    store.put("/listed-tag/a", "A").await;
    store.put("/listed-tag/b", "B").await;
    store.tag("/listed-tag/a", "team", "shop").await;
    store.tag("/listed-tag/a", "stage", "live").await;
    let listing = store.sources().changed_since(store.access(), None).await.expect("the identity may list");
    for (key, tags) in [("/listed-tag/a", &[("stage", "live"), ("team", "shop")][..]), ("/listed-tag/b", &[])]
    {
        let entry = listing.keys.iter().find(|entry| entry.names.contains(key)).expect("the key is listed");
        let tags = tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect();
        let want = Some(tags).filter(|_| store.can().lists_labels);
        assert_eq!(entry.tags, want, "{key} is listed with its tags, or without a word about tags");
    }
}

/// More than any provider's page.
const MANY: usize = 130;

async fn all_pages_are_read(store: &impl Tagged) {
    let mut want = Vec::new();
    for number in 0..MANY {
        let key = format!("/page/{number:03}");
        let version = store.put(&key, &format!("value {number}")).await;
        want.push((key, format!("value {number}"), version));
    }
    assert_eq!(found(store, &name("^/page/")).await, want, "more keys than one page has");
}

async fn criteria_that_find_anything_are_refused(store: &impl Tagged) {
    let path = Find { path: Some("/path".to_owned()), ..Find::default() };
    for find in [Find::default(), path, name("a(")] {
        let failed = store
            .sources()
            .find(store.access(), &find, &everything(store))
            .await
            .expect_err("it cannot be served");
        assert_eq!(failed.kind, Kind::Invalid, "{find:?}");
    }
}

async fn metadata_is_a_sorted_object(store: &impl Tagged) {
    let version = store.put("/meta/a", "A").await;
    let wanted = [of("/meta/a", Part::Metadata), of("/meta/a", Part::Value), of("/meta/a", Part::Metadata)];
    let [none, value, again] = fetched(store, &wanted).await;
    assert_eq!((none.0.as_str(), &none), ("{}", &again), "a key without tags has an empty object");
    assert_eq!(value, ("A".to_owned(), version.clone()), "metadata hides no value");
    store.tag("/meta/a", "team", "a&b").await;
    store.tag("/meta/a", "env", "prod").await;
    let [tagged, value, again] = fetched(store, &wanted).await;
    assert_eq!(tagged.0, r#"{"env":"prod","team":"a\u0026b"}"#, "as Go writes it");
    assert_eq!(value.1, version, "a tag is no new version of the value");
    assert_ne!(tagged.1, none.1, "the version of metadata moves with it");
    store.put("/meta/a", "B").await;
    let [later, ..] = fetched(store, &wanted).await;
    assert_eq!(later, again, "the version of metadata moves with nothing else");
    let versions = store.sources().versions(store.access(), &wanted).await;
    let versions: Vec<_> = versions.into_iter().map(|answer| answer.expect("it is there").id).collect();
    assert_eq!((&versions[0], &versions[2]), (&later.1, &later.1), "versions are told as they are fetched");
    assert_ne!(versions[1], later.1, "each part has its own");
}

async fn missing_metadata_is_no_missing_value(store: &impl Tagged) {
    store.put("/missing/a", "A").await;
    let wanted = [
        of("/missing/none", Part::Metadata),
        of("/missing/none", Part::Value),
        of("/missing/a", Part::Value),
    ];
    let kinds = |answers: Vec<Option<Kind>>| <[_; 3]>::try_from(answers).expect("three answers");
    let fetched = store.sources().fetch(store.access(), &wanted).await;
    let fetched = kinds(fetched.into_iter().map(|answer| answer.err().map(|error| error.kind)).collect());
    let versions = store.sources().versions(store.access(), &wanted).await;
    let versions = kinds(versions.into_iter().map(|answer| answer.err().map(|error| error.kind)).collect());
    assert_eq!(
        fetched,
        [Some(Kind::Invalid), Some(Kind::NotFound), None],
        "deletionPolicy tolerates values only"
    );
    assert_eq!(versions, fetched, "versions stand as values do");
}

fn name(pattern: &str) -> Find {
    Find { name: Some(pattern.to_owned()), ..Find::default() }
}

fn tags(pairs: &[(&str, &str)]) -> Find {
    let owned = pairs.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned()));
    Find { tags: owned.collect(), ..Find::default() }
}

fn of(key: &str, part: Part) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part }
}

fn owned(keys: &[(&str, &str, &String)]) -> Vec<(String, String, String)> {
    let owned = |(key, value, version): &(&str, &str, &String)| {
        ((*key).to_owned(), (*value).to_owned(), (*version).clone())
    };
    keys.iter().map(owned).collect()
}

/// Names with values and versions.
async fn found(store: &impl Tagged, find: &Find) -> Vec<(String, String, String)> {
    let found: BTreeMap<String, Fetched> = store
        .sources()
        .find(store.access(), find, &everything(store))
        .await
        .expect("the identity may search");
    let told = |(name, fetched): (String, Fetched)| {
        let (value, version) = told(fetched);
        (name, value, version)
    };
    found.into_iter().map(told).collect()
}

fn everything(store: &impl Tagged) -> Keep {
    Keep::everything(store.access().backend.location().provider)
}

/// What may not be read is left out, whatever matches.
async fn keys_that_may_not_be_read_are_left_out(store: &impl Tagged) {
    for key in ["/kept/a", "/kept/b", "/withheld/a"] {
        store.put(key, "value").await;
    }
    let provider = store.access().backend.location().provider;
    let keep = Keep::new(provider, Some(patterns(&["/kept/*"])), Default::default());
    let find = name("^/(kept|withheld)/");
    let found = store.sources().find(store.access(), &find, &keep).await.expect("the identity may search");
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["/kept/a", "/kept/b"]);
}

/// Values and versions.
async fn fetched<const N: usize>(store: &impl Tagged, wanted: &[Wanted; N]) -> [(String, String); N] {
    let answers = store.sources().fetch(store.access(), wanted).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| told(answer.expect("it is there"))).collect();
    answers.try_into().expect("one answer for each key")
}

fn told(fetched: Fetched) -> (String, String) {
    (fetched.value.expose_str().expect("text").to_owned(), fetched.version.id)
}
