//! Changes that no list in the order of changes tells of: deletions for good, labels, tags, and stores that may not be
//! used any more.

use super::{HOUR, MINUTE, settled};
use crate::story::Story;
use pawl_domain::declaration::DeletionPolicy;
use pawl_domain::record::State;
use pawl_domain::store::{Condition, LabelSelector};
use pawl_domain::{Find, Kind, Outcome, Store};
use pawl_ports::Ports;
use pawl_world::{Fault, Point, declaration, parameter_store, secrets_manager};
use std::collections::BTreeMap;

fn state(story: &Story, id: &str) -> State {
    story.world.record(id).unwrap().state
}

async fn swept(story: &Story) {
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
}

/// So many other secrets that a listing of what changed does not show all.
fn with_many_others(story: &Story) {
    for number in 0..120 {
        story.world.rotate(&format!("other/{number}"), "unused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_deleted_for_good_empties_what_goes_with_it_within_the_interval() {
    // So few that they are asked for, and so many that the whole list is read.
    for (count, listings) in [(1, 1), (30, 2)] {
        let story = Story::new();
        for number in 0..count {
            let id = format!("blue/shop/db-{number}");
            let key = format!("app/key-{number}");
            story.world.declare(declaration(&id).reads(&key).deletion(DeletionPolicy::Delete));
            story.world.rotate(&key, story.value(1));
        }
        with_many_others(&story);
        story.flow().sweep(true).await.unwrap();
        swept(&story).await;
        story.world.destroy_secret("app/key-0");
        story.world.forget_calls();
        swept(&story).await;
        assert_eq!(state(&story, "blue/shop/db-0"), State::Settled(Outcome::Deleted), "{count}");
        assert!(story.world.data("blue/shop/db-0").is_empty());
        assert_eq!(story.world.calls().listings, listings, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_deleted_for_good_is_missed_within_a_day_where_the_target_stays() {
    let story = settled(3).await;
    with_many_others(&story);
    story.flow().sweep(false).await.unwrap();
    story.world.advance(HOUR);
    story.world.destroy_secret("app/key-1");
    for _ in 0..24 {
        swept(&story).await;
    }
    assert!(matches!(state(&story, "blue/shop/db-001"), State::Failed(_)));
    assert_eq!(story.world.value("blue/shop/db-001", "value"), Some(story.value(1)), "it is retained");
    assert!(matches!(state(&story, "blue/shop/db-002"), State::Settled(_)));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_deleted_for_good_is_missed_within_the_interval_where_one_page_lists_all() {
    // The process that sweeps remembers what was listed before, or has just begun.
    for is_new in [false, true] {
        let story = settled(3).await;
        let flow = story.flow();
        flow.sweep(false).await.unwrap();
        story.world.destroy_secret("app/key-1");
        story.world.advance(HOUR);
        story.world.forget_calls();
        let flow = if is_new { story.flow() } else { flow };
        flow.sweep(false).await.unwrap();
        assert!(matches!(state(&story, "blue/shop/db-001"), State::Failed(_)), "{is_new}");
        assert!(matches!(state(&story, "blue/shop/db-002"), State::Settled(_)), "{is_new}");
        assert_eq!(story.world.calls().listings, 1, "{is_new}");
        // It is not asked for again because of that.
        story.world.advance(HOUR);
        flow.sweep(false).await.unwrap();
        story.world.advance(HOUR);
        story.world.forget_calls();
        flow.sweep(false).await.unwrap();
        assert_eq!(story.world.calls().versions, 0, "{is_new}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_misses_a_secret_that_is_deleted_for_good() {
    for (deletion, many) in [
        (DeletionPolicy::Merge, true),
        (DeletionPolicy::Merge, false),
        (DeletionPolicy::Retain, true),
        (DeletionPolicy::Retain, false),
    ] {
        let story = Story::new();
        story.world.declare(declaration("blue/shop/all").finds("^app/").deletion(deletion));
        for key in ["app/a", "app/b"] {
            story.world.rotate(key, story.value(1));
        }
        if many {
            with_many_others(&story);
        }
        let flow = story.flow();
        flow.sweep(true).await.unwrap();
        for _ in 0..2 {
            story.world.advance(HOUR);
            flow.sweep(false).await.unwrap();
        }
        assert_eq!(story.world.data("blue/shop/all").len(), 2);
        story.world.destroy_secret("app/b");
        story.world.advance(HOUR);
        flow.sweep(false).await.unwrap();
        let left: Vec<_> = story.world.data("blue/shop/all").into_keys().collect();
        assert_eq!(left, ["app_a"], "{deletion:?} {many}");
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_that_go_and_labels_that_move_are_seen_within_the_interval() {
    let story = Story::new();
    story.world.add_store(parameter_store("ssm"));
    story.world.declare(declaration("blue/shop/gone").reads("/app/gone").of("ssm"));
    story.world.declare(declaration("blue/shop/label").reads("/app/p").of("ssm").version("prod"));
    story.world.rotate_parameter("/app/gone", story.value(1));
    for number in 1..=2 {
        story.world.rotate_parameter("/app/p", story.value(number));
    }
    story.world.label_parameter("/app/p", "1", "prod");
    story.flow().sweep(true).await.unwrap();
    swept(&story).await;
    assert_eq!(story.world.value("blue/shop/label", "value"), Some(story.value(1)));
    story.world.forget_calls();
    swept(&story).await;
    let calls = story.world.calls();
    assert_eq!((calls.listings, calls.versions, calls.values), (1, 1, 0), "nothing changed");

    story.world.label_parameter("/app/p", "2", "prod");
    story.world.delete_parameter("/app/gone");
    swept(&story).await;
    assert_eq!(story.world.value("blue/shop/label", "value"), Some(story.value(2)));
    assert!(matches!(state(&story, "blue/shop/gone"), State::Failed(_)));
}

/// The numbers of a key that is made anew begin anew, so that its first version has the number of the last one's first.
#[tokio::test(start_paused = true)]
async fn a_parameter_that_was_deleted_and_made_anew_is_seen_within_the_interval() {
    let story = Story::new();
    story.world.add_store(parameter_store("ssm"));
    story.world.declare(declaration("blue/shop/db").reads("/app/db").of("ssm"));
    story.world.rotate_parameter("/app/db", story.value(1));
    story.flow().sweep(true).await.unwrap();
    swept(&story).await;
    story.world.delete_parameter("/app/db");
    let anew = story.world.rotate_parameter("/app/db", story.value(2));
    let written = story.world.record("blue/shop/db").unwrap().versions[0].one().unwrap().id.clone();
    assert_eq!(anew.version.unwrap_or(written.clone()), written, "it has the number that was written");
    swept(&story).await;
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
    story.world.forget_calls();
    swept(&story).await;
    assert_eq!(story.world.calls().values, 0, "once");
}

#[tokio::test(start_paused = true)]
async fn labels_and_tags_are_compared_by_version_and_not_by_clocks() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/label").reads("app/db").version("blue"));
    story.world.declare(declaration("blue/shop/tags").reads("app/db").metadata());
    let tagged = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
    story.world.declare(declaration("blue/shop/all").finds_by(Find { tags: tagged, ..Find::default() }));
    for number in 1..=2 {
        story.world.rotate("app/db", story.value(number));
    }
    story.world.label_secret("app/db", "v1", "blue");
    story.flow().sweep(true).await.unwrap();
    assert_eq!(story.world.value("blue/shop/label", "value"), Some(story.value(1)));
    // The events are lost; a delivery that began before the change ended after it, by its clock.
    story.world.label_secret("app/db", "v2", "blue");
    story.world.tag_secret("app/db", "team", "shop");
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/label", "value"), Some(story.value(2)));
    assert_eq!(story.world.value("blue/shop/tags", "value").as_deref(), Some(r#"{"team":"shop"}"#));
    assert_eq!(story.world.value("blue/shop/all", "app_db"), Some(story.value(2)));
    // What is listed again because lists overlap is not read again.
    story.world.forget_calls();
    story.flow().sweep(true).await.unwrap();
    assert_eq!((story.world.calls().values, story.world.calls().searches), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_gone_show_at_the_declarations() {
    let story = settled(2).await;
    story.world.inject(Fault::unauthenticated().among(&[Point::Listing, Point::Fetch]));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.failed.len(), 1, "{swept:?}");
    for id in ["blue/shop/db-000", "blue/shop/db-001"] {
        assert!(matches!(state(&story, id), State::Failed(_)), "{id}");
    }
    story.world.mend_all();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert!(matches!(state(&story, "blue/shop/db-000"), State::Settled(_)), "they are back");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_shows_at_the_declarations_once_they_are_overdue() {
    let story = settled(1).await;
    story.flow().sweep(false).await.unwrap();
    story.world.inject(Fault::fail(Kind::Unreachable).among(&[Point::Listing, Point::Fetch]));
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    assert!(matches!(state(&story, "blue/shop/db-000"), State::Settled(_)), "it may be back in time");
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert!(matches!(state(&story, "blue/shop/db-000"), State::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_may_not_use_its_store_any_more_is_found_within_the_interval() {
    let story = Story::new();
    let (blue, shop) = ("blue".parse().unwrap(), "shop".parse().unwrap());
    let labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let selector = LabelSelector { labels, ..LabelSelector::default() };
    let condition = Condition { selector: Some(selector), ..Condition::default() };
    let store: Store = secrets_manager("aws").condition(condition).into();
    story.world.add_store(store);
    story.declare("blue/shop/db", "app/db");
    story.world.clusters().set_namespace(&blue, &shop, &[("team", "a")]);
    story.world.rotate("app/db", story.value(1));
    story.flow().sweep(true).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    story.world.clusters().set_namespace(&blue, &shop, &[("team", "b")]);
    swept(&story).await;
    assert!(matches!(state(&story, "blue/shop/db"), State::Failed(_)));
    story.world.clusters().set_namespace(&blue, &shop, &[("team", "a")]);
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert!(matches!(state(&story, "blue/shop/db"), State::Settled(_)));
}
