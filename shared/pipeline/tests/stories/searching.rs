//! Declarations that search: keys that come, change and go, and what a search costs.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, flow};
use pawl_domain::{Change, Find, Kind, Outcome, Version, Versions};
use pawl_pipeline::Settings;
use pawl_ports::Ports;
use pawl_world::build::{parameter_store_location, secrets_manager_location};
use pawl_world::{Fault, Point, World, declaration, parameter_store};
use std::collections::BTreeMap;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A story in which `blue/shop/all` holds every secret below `app/`: two of them, written once.
async fn found() -> Story {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/all").finds("^app/"));
    story.world.rotate("app/a", story.value(1));
    story.flow().sync(&story.world.rotate("app/b", story.value(1))).await.unwrap();
    story.world.forget_calls();
    story
}

fn data(world: &World, id: &str) -> Vec<(String, String)> {
    world.data(id).into_iter().collect()
}

fn want(story: &Story, entries: &[(&str, usize)]) -> Vec<(String, String)> {
    entries.iter().map(|(key, number)| ((*key).to_owned(), story.value(*number))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_a_found_key_reaches_every_declaration_with_one_search() {
    let story = found().await;
    for cluster in ["blue", "green"] {
        for number in 0..20 {
            story.world.declare(declaration(&format!("{cluster}/shop/more-{number}")).finds("^app/"));
        }
    }
    story.world.declare(declaration("green/shop/other").finds("^web/"));
    story.world.forget_calls();
    let report = story.flow().sync(&story.world.rotate("app/a", story.value(2))).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 41, "{report:?}");
    for id in ["blue/shop/all", "green/shop/more-19"] {
        assert_eq!(data(&story.world, id), want(&story, &[("app_a", 2), ("app_b", 1)]), "{id}");
    }
    assert!(story.world.data("green/shop/other").is_empty());
    let calls = story.world.calls();
    assert_eq!((calls.searches, calls.fetches, calls.lookups), (1, 0, 1));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_written_costs_no_call() {
    let story = found().await;
    let change = story.world.rotate("app/a", story.value(2));
    story.flow().sync(&change).await.unwrap();
    story.world.forget_calls();
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Unchanged), 1);
    assert_eq!((story.world.calls().store_calls(), story.world.calls().cluster_calls()), (0, 0));
    let other = story.flow().sync(&story.world.rotate("web/a", story.value(1))).await.unwrap();
    assert!(other.outcomes.is_empty(), "a key that no search finds concerns none");
    assert_eq!(story.world.calls().store_calls(), 0);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn keys_that_come_and_go_are_followed() {
    let story = found().await;
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/c", story.value(1))).await.unwrap();
    assert_eq!(
        data(&story.world, "blue/shop/all"),
        want(&story, &[("app_a", 1), ("app_b", 1), ("app_c", 1)])
    );
    flow.sync(&story.world.delete_secret("app/a")).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("app_b", 1), ("app_c", 1)]));
    let version = |id: &str| Some(Version { id: id.to_owned(), since: Some(pawl_world::build::at(0)) });
    let Versions::Many(versions) = &story.world.record("blue/shop/all").unwrap().versions[0] else {
        panic!("a search records many versions")
    };
    assert_eq!((versions.get("app/b").cloned(), versions.get("app/a").cloned()), (version("v1"), None));
    story.end();
}

/// The list does not know the newest version of a key yet, or the key itself; its value can be read.
#[tokio::test(start_paused = true)]
async fn a_list_that_lags_hides_no_change() {
    for (key, entries) in [
        ("app/a", &[("app_a", 2), ("app_b", 1)][..]),
        ("app/new", &[("app_a", 1), ("app_b", 1), ("app_new", 2)]),
    ] {
        let story = found().await;
        let before = story.world.rotate("app/other", story.value(1));
        story.flow().sync(&before).await.unwrap();
        story.world.delete_secret("app/other");
        let change = story.world.rotate(key, story.value(2));
        // Every key loses its last version here, so those that have one alone are given another.
        for other in ["app/a", "app/b"].into_iter().filter(|other| *other != key) {
            story.world.rotate(other, story.value(1));
        }
        story.world.inject(Fault::stale(1).at(Point::Search));
        let report = story.flow().sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 1, "{key}: {report:?}");
        assert_eq!(data(&story.world, "blue/shop/all"), want(&story, entries), "{key}");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn values_that_lag_behind_the_change_are_not_written() {
    let story = found().await;
    let change = story.world.rotate("app/a", story.value(2));
    story.world.inject(Fault::stale(1).among(&[Point::Search, Point::Fetch]));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Queued), 1, "{report:?}");
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("app_a", 1), ("app_b", 1)]));
    story.world.mend_all();
    for job in story.world.jobs().take() {
        story.flow().deliver(&job).await.unwrap();
    }
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("app_a", 2), ("app_b", 1)]));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn found_parameters_never_go_back_and_may_begin_anew() {
    let story = Story::new();
    story.world.add_store(parameter_store("parameters"));
    story.world.declare(declaration("blue/shop/all").finds("^/app/").of("parameters"));
    let rotate = |number| {
        story.world.advance(Duration::from_secs(5));
        Change { version: None, ..story.world.rotate_parameter("/app/a", story.value(number)) }
    };
    rotate(1);
    story.flow().sync(&rotate(2)).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("_app_a", 2)]));

    // An older event arrives late, at a replica that lags: what it read is older than what was written.
    let change = rotate(3);
    story.flow().sync(&change).await.unwrap();
    story.world.inject(Fault::stale(2).among(&[Point::Search, Point::Fetch]));
    let late = Change { at: pawl_world::build::at(0), ..change };
    let report = story.flow().sync(&late).await.unwrap();
    assert_eq!(report.count(Outcome::Queued), 1, "{report:?}");
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("_app_a", 3)]));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn lost_events_are_made_good_by_the_sweep() {
    let story = found().await;
    story.world.advance(HOUR);
    story.flow().sweep(true).await.unwrap();
    for step in 0..3 {
        story.world.advance(HOUR);
        story.world.forget_calls();
        let entries: &[(&str, usize)] = match step {
            0 => {
                story.world.rotate("app/a", story.value(2));
                &[("app_a", 2), ("app_b", 1)]
            }
            1 => {
                story.world.rotate("app/new", story.value(1));
                &[("app_a", 2), ("app_b", 1), ("app_new", 1)]
            }
            _ => {
                story.world.delete_secret("app/b");
                &[("app_a", 2), ("app_new", 1)]
            }
        };
        story.world.rotate("web/noise", story.value(9));
        let swept = story.flow().sweep(false).await.unwrap();
        assert_eq!(swept.report.count(Outcome::Written), 1, "{step}: {swept:?}");
        assert_eq!(data(&story.world, "blue/shop/all"), want(&story, entries), "{step}");
        let calls = story.world.calls();
        assert_eq!((calls.listings, calls.searches, calls.values), (1, 1, 0), "{step}");
    }
    story.world.advance(HOUR);
    story.world.forget_calls();
    let swept = story.flow().sweep(false).await.unwrap();
    assert!(swept.report.outcomes.is_empty(), "nothing changed: {swept:?}");
    assert_eq!(story.world.calls().store_calls(), 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn tags_are_searched_and_swept() {
    let story = Story::new();
    let live = Find { tags: BTreeMap::from([("stage".to_owned(), "live".to_owned())]), ..Find::default() };
    story.world.declare(declaration("blue/shop/live").finds_by(live));
    for key in ["app/a", "app/b"] {
        story.world.rotate(key, story.value(1));
    }
    let flow = story.flow();
    flow.sync(&story.world.tag_secret("app/a", "stage", "live")).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/live"), want(&story, &[("app_a", 1)]), "a tag is an event");
    story.world.advance(HOUR);
    flow.sweep(true).await.unwrap();

    story.world.advance(HOUR);
    story.world.tag_secret("app/b", "stage", "live");
    flow.sweep(false).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/live"), want(&story, &[("app_a", 1), ("app_b", 1)]));

    story.world.advance(HOUR);
    story.world.tag_secret("app/a", "stage", "test");
    flow.sweep(false).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/live"), want(&story, &[("app_b", 1)]));
    story.end();
}

/// A change of a tag leaves no trace in the listing of parameters.
#[tokio::test(start_paused = true)]
async fn tags_of_parameters_are_asked_for_at_each_interval() {
    let story = Story::new();
    let location = parameter_store_location();
    let live = Find { tags: BTreeMap::from([("stage".to_owned(), "live".to_owned())]), ..Find::default() };
    story.world.add_store(parameter_store("parameters"));
    story.world.declare(declaration("blue/shop/live").finds_by(live).of("parameters"));
    story
        .world
        .declare(declaration("blue/shop/tags").reads("/app/a").metadata().of("parameters").into_key("tags"));
    let change = story.world.rotate_parameter("/app/a", story.value(1));
    story.world.sources().tag(&location, "/app/a", "stage", "test");
    let flow = story.flow();
    flow.sweep(true).await.unwrap();
    flow.sync(&change).await.unwrap();
    assert_eq!(story.world.value("blue/shop/tags", "tags").as_deref(), Some(r#"{"stage":"test"}"#));

    story.world.sources().tag(&location, "/app/a", "stage", "live");
    story.world.advance(HOUR);
    flow.sweep(false).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/live"), want(&story, &[("_app_a", 1)]));
    assert_eq!(story.world.value("blue/shop/tags", "tags").as_deref(), Some(r#"{"stage":"live"}"#));
    story.world.forget_calls();
    story.world.advance(HOUR / 2);
    flow.sweep(false).await.unwrap();
    assert_eq!(story.world.calls().searches, 0, "its interval has not passed");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn metadata_follows_its_events_and_sweeps_and_no_rotation() {
    let story = Story::new();
    story
        .world
        .declare(declaration("blue/shop/tags").reads("app/a").metadata().property("team").into_key("team"));
    story.world.rotate("app/a", story.value(1));
    let flow = story.flow();
    flow.sync(&story.world.tag_secret("app/a", "team", "one")).await.unwrap();
    assert_eq!(story.world.value("blue/shop/tags", "team").as_deref(), Some("one"));
    let rotated = flow.sync(&story.world.rotate("app/a", story.value(2))).await.unwrap();
    assert!(rotated.outcomes.is_empty(), "{rotated:?}");
    flow.sweep(true).await.unwrap();
    story.world.advance(HOUR);
    story.world.tag_secret("app/a", "team", "two");
    flow.sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/tags", "team").as_deref(), Some("two"));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_a_search_is_made_when_its_interval_has_passed() {
    let story = found().await;
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Listing));
    story.flow().sweep(true).await.unwrap();
    story.world.rotate("app/a", story.value(2));
    story.world.forget_calls();
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("app_a", 2), ("app_b", 1)]));
    assert_eq!((story.world.calls().searches, story.world.calls().versions), (1, 0));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_search_that_fails_hurts_no_other_declaration() {
    let story = found().await;
    story.declare("blue/shop/one", "app/a");
    story.world.declare(declaration("blue/shop/wrong").finds("app/("));
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Search));
    let report = story.flow().sync(&story.world.rotate("app/a", story.value(2))).await.unwrap();
    assert_eq!((report.count(Outcome::Written), report.count(Outcome::Queued)), (1, 2), "{report:?}");
    assert_eq!(story.world.value("blue/shop/one", "value"), Some(story.value(2)));
    story.world.mend_all();
    for job in story.world.jobs().take() {
        let report = story.flow().deliver(&job).await.unwrap();
        let failed: Vec<_> = report.failures().map(|(id, error)| (id.to_string(), error.kind)).collect();
        assert_eq!(failed, [("blue/shop/wrong".to_owned(), Kind::Invalid)]);
    }
    assert_eq!(data(&story.world, "blue/shop/all"), want(&story, &[("app_a", 2), ("app_b", 1)]));
    story.end();
}

/// Whatever is found is read once for all who want it, also where it is read by its name as well.
#[tokio::test(start_paused = true)]
async fn many_searches_are_made_side_by_side_and_each_once() {
    let story = Story::new();
    for number in 0..40 {
        story.world.rotate(&format!("app/{number:02}"), story.value(1));
        for cluster in ["blue", "green"] {
            let id = format!("{cluster}/shop/search-{number}");
            story.world.declare(declaration(&id).finds(&format!("^app/[0-9]*{}$", number % 10)));
        }
    }
    let flow = flow(&story.world, Settings { inline_targets: 1000, ..Settings::default() });
    story.world.inject(Fault::slow(Duration::from_millis(100)).at(Point::Search));
    let started = tokio::time::Instant::now();
    flow.sweep(true).await.unwrap();
    assert_eq!(story.world.data("blue/shop/search-7").len(), 4);
    assert_eq!(story.world.calls().searches, 10, "each distinct one once");
    assert!(started.elapsed() < Duration::from_millis(300), "they are made at the same time");
    assert_eq!(secrets_manager_location().search_key().as_str(), "secrets-manager/eu-central-1/");
    story.end();
}
