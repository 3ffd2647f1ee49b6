//! Which version counts, metadata, searches, versions.

use super::{World, current, told, wanted, world};
use pawl_domain::{Find, Keep, Kind, Provider, VersionSelector};
use pawl_ports::{Part, Sources};
use std::collections::BTreeMap;

fn find(name: Option<&str>, path: Option<&str>, tags: &[(&str, &str)]) -> Find {
    Find {
        name: name.map(str::to_owned),
        path: path.map(str::to_owned),
        tags: tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_version_that_is_off_is_an_error_unless_the_store_falls_back() {
    for (states, strict, lenient) in [
        (["ENABLED", "ENABLED", "ENABLED"], "three", "three"),
        (["ENABLED", "ENABLED", "DISABLED"], "invalid", "two"),
        (["ENABLED", "DISABLED", "DESTROYED"], "invalid", "one"),
        (["DISABLED", "DESTROYED", "DISABLED"], "invalid", "invalid"),
    ] {
        for (falls_back, want) in [(false, strict), (true, lenient)] {
            let world = world(|store| store.falls_back = falls_back).await;
            for (value, state) in ["one", "two", "three"].into_iter().zip(states) {
                let number = world.google.add(None, "db", value.as_bytes());
                world.google.set_state(None, "db", number, state);
            }
            assert_eq!(world.read("db").await, want, "{states:?} {falls_back}");
            let version = world.version(current("db")).await;
            let fetched = world.fetch(current("db")).await.map(|fetched| fetched.version.id);
            let kind = |answer: Result<String, pawl_ports::Error>| answer.map_err(|error| error.kind);
            assert_eq!(kind(version), kind(fetched), "versions are told as they are fetched");
            // A number is meant for ever, whatever the store's policy is.
            let third = wanted("db", VersionSelector::Id("3".to_owned()), Part::Value);
            let exact = if states[2] == "ENABLED" { "three" } else { "invalid" };
            assert_eq!(told(&world.fetch(third).await), exact);
        }
    }
}

#[tokio::test]
async fn the_newest_enabled_version_is_found_on_any_page() {
    let world = world(|store| store.falls_back = true).await;
    world.google.set_page(2);
    for number in 1..=7 {
        world.google.add(None, "db", format!("value {number}").as_bytes());
    }
    for number in 2..=7 {
        world.google.set_state(None, "db", number, "DISABLED");
    }
    world.google.set_state(None, "db", 3, "ENABLED");
    assert_eq!(world.read("db").await, "value 3");
}

#[tokio::test]
async fn a_secret_without_versions_does_not_exist_and_an_empty_value_is_an_error() {
    let world = world(|_| {}).await;
    world.google.create(None, "new");
    world.google.add(None, "empty", b"");
    assert_eq!((world.read("new").await, world.read("empty").await), ("not-found".into(), "invalid".into()));
    let error = world.fetch(current("empty")).await.unwrap_err();
    assert!(error.message().ends_with("its value is empty; give it one"), "{error}");
}

#[tokio::test]
async fn values_are_bytes() {
    let world = world(|_| {}).await;
    world.google.add(None, "raw", &[0, 255, 10]);
    assert_eq!(world.fetch(current("raw")).await.unwrap().value.expose(), [0, 255, 10]);
}

#[tokio::test]
async fn metadata_is_labels_and_annotations() {
    let world = world(|_| {}).await;
    let metadata = || wanted("db", VersionSelector::Current, Part::Metadata);
    assert_eq!(told(&world.fetch(metadata()).await), "not-found");
    world.google.add(None, "db", b"one");
    assert_eq!(told(&world.fetch(metadata()).await), r#"{"annotations":null,"labels":null}"#);
    let bare = world.version(metadata()).await.unwrap();
    world.google.describe(None, "db", &[("team", "a")], &[("example.com/owner", "<b>")]);
    let described = world.fetch(metadata()).await.unwrap();
    let text = r#"{"annotations":{"example.com/owner":"\u003cb\u003e"},"labels":{"team":"a"}}"#;
    assert_eq!(described.value.expose_str(), Some(text));
    let version = world.version(metadata()).await.unwrap();
    assert_eq!((&version, version != bare), (&described.version.id, true));
    world.google.add(None, "db", b"two");
    assert_eq!(world.version(metadata()).await.unwrap(), version, "another value changes nothing of it");
}

#[tokio::test]
async fn searches_are_by_name_or_by_labels_and_pass_over_what_has_no_value() {
    let world = world(|_| {}).await;
    world.google.set_page(2);
    for (id, labels) in [
        ("app-db", &[("team", "a"), ("env", "prod")][..]),
        ("app-web", &[("team", "a")]),
        ("old-app", &[("team", "b")]),
        ("app-off", &[("team", "a")]),
        ("app-empty", &[("team", "a")]),
        ("app-none", &[("team", "a")]),
    ] {
        world.google.create(None, id);
        world.google.describe(None, id, labels, &[]);
        match id {
            "app-none" => {}
            "app-empty" => _ = world.google.add(None, id, b""),
            id => _ = world.google.add(None, id, id.as_bytes()),
        }
    }
    world.google.set_state(None, "app-off", 1, "DISABLED");
    for (find, want) in [
        (find(Some("app"), None, &[]), &["app-db", "app-web", "old-app"][..]),
        (find(Some("^app"), None, &[]), &["app-db", "app-web"]),
        (find(Some("app"), Some("app-"), &[]), &["app-db", "app-web"]),
        (find(Some("app"), Some("pp-"), &[]), &[]),
        (find(Some("old"), None, &[("team", "a")]), &["old-app"]),
        (find(None, None, &[("team", "a")]), &["app-db", "app-web"]),
        (find(None, None, &[("team", "a"), ("env", "prod")]), &["app-db"]),
        (find(None, Some("app-w"), &[("team", "a")]), &["app-web"]),
        (find(None, None, &[("team", "a OR labels.team=b")]), &[]),
    ] {
        let want: Vec<_> = want.iter().map(|id| (*id, *id)).collect();
        assert_eq!(world.found(&find).await.unwrap(), map(&want), "{find:?}");
    }
    for refused in [find(None, Some("app"), &[]), find(Some("("), None, &[])] {
        assert_eq!(world.found(&refused).await.unwrap_err().kind, Kind::Invalid, "{refused:?}");
    }
    world.google.hide("app-web");
    assert_eq!(world.found(&find(Some("^app"), None, &[])).await.unwrap_err().kind, Kind::Denied);
}

#[tokio::test]
async fn searches_stay_in_their_location() {
    let here = world(|store| store.location = Some("europe-west3".to_owned())).await;
    for (location, value) in [(None, "global"), (Some("europe-west3"), "here"), (Some("us-east1"), "there")] {
        here.google.add(location, "db", value.as_bytes());
        here.google.describe(location, "db", &[("team", "a")], &[]);
    }
    for search in [find(Some("db"), None, &[]), find(None, None, &[("team", "a")])] {
        assert_eq!(here.found(&search).await.unwrap(), map(&[("db", "here")]), "{search:?}");
    }
    assert_eq!(here.read("db").await, "here");
}

#[tokio::test]
async fn what_a_search_may_not_read_is_not_asked_for() {
    let world = world(|_| {}).await;
    for id in ["app-db", "web-db"] {
        world.google.add(None, id, b"x");
    }
    let keys = Some(["app-*".parse().unwrap()].into());
    let keep = Keep::new(Provider::GcpSecretManager, keys, Default::default());
    world.google.asked();
    let found = world.sources.find(&world.access, &find(Some("db"), None, &[]), &keep).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["app-db"]);
    assert!(world.google.asked().iter().all(|asked| !asked.contains("web-db")));
}

/// The calls of one question, without those of the login.
async fn asked(world: &World, keys: usize) -> Vec<String> {
    let wanted: Vec<_> = (0..keys).map(|number| current(&format!("key-{number}"))).collect();
    world.google.asked();
    let answers = world.sources.versions(&world.access, &wanted).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|version| version.id == "1")));
    world.google.asked().into_iter().filter(|asked| asked.contains("/secrets")).collect()
}

#[tokio::test]
async fn few_versions_are_told_without_values_where_the_identity_may_see_them() {
    let world = world(|_| {}).await;
    for number in 0..201 {
        world.google.add(None, &format!("key-{number}"), b"x");
    }
    let reads_values = |calls: &[String]| calls.iter().filter(|call| call.ends_with(":access")).count();
    let calls = asked(&world, 200).await;
    assert_eq!((calls.len(), reads_values(&calls)), (200, 0));
    // Google allows few such calls a minute, and many that read values.
    let calls = asked(&world, 201).await;
    assert_eq!((calls.len(), reads_values(&calls)), (201, 201));
    world.google.set_viewer(false);
    let calls = asked(&world, 20).await;
    assert_eq!(reads_values(&calls), 20, "values are read where nothing else may be seen");
    let calls = asked(&world, 20).await;
    assert_eq!((calls.len(), reads_values(&calls)), (20, 20), "which is tried once for each session");
}

/// What a sweep of a large store costs, as docs/stores.md says.
#[tokio::test]
async fn many_keys_that_did_not_change_cost_a_call_each() {
    // Many more than are told one by one without values; no number above that makes a difference.
    const KEYS: usize = 1_000;
    let world = world(|_| {}).await;
    for number in 0..KEYS {
        world.google.add(None, &format!("key-{number}"), b"x");
    }
    let calls = asked(&world, KEYS).await;
    assert_eq!(calls.len(), KEYS);
    assert!(calls.iter().all(|call| call.ends_with(":access")), "of the limit that allows so many");
    let cost = pawl_domain::Provider::GcpSecretManager.profile().capabilities.sweep_cost();
    assert_eq!(cost, pawl_domain::provider::SweepCost::Keys);
}

#[tokio::test]
async fn versions_that_are_throttled_are_told_by_values() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    for _ in 0..3 {
        world.google.answer(
            "versions/latest",
            429,
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#,
            &[],
        );
    }
    assert_eq!(world.version(current("db")).await.unwrap(), "1");
}
