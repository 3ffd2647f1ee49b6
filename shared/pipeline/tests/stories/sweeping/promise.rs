//! What a sweep finds, and what it costs when there is nothing to find.

use super::{HOUR, settled};
use crate::story::{Story, flow};
use pawl_domain::record::State;
use pawl_domain::{Kind, Outcome};
use pawl_pipeline::Settings;
use pawl_ports::{Clock, Ledger, Ports};
use pawl_world::{Fault, Point, declaration};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_lost_event_is_made_good_within_the_interval() {
    let story = settled(20).await;
    story.world.rotate("app/key-7", story.value(2));
    story.world.advance(Duration::from_secs(60));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
    assert_eq!(story.world.value("blue/shop/db-007", "value"), Some(story.value(2)));
    assert_eq!((story.world.calls().listings, story.world.calls().values), (1, 1));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn when_nothing_changed_a_sweep_is_one_store_call() {
    let story = settled(300).await;
    let swept = story.flow().sweep(false).await.unwrap();
    assert!(swept.report.outcomes.is_empty(), "{swept:?}");
    let calls = story.world.calls();
    assert_eq!((calls.store_calls(), calls.values), (1, 0));
    assert_eq!(calls.cluster_calls() - calls.managed_lists, 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_is_swept_no_more_often_than_its_shortest_interval() {
    let story = settled(2).await;
    story.flow().sweep(false).await.unwrap();
    story.world.forget_calls();
    story.world.advance(Duration::from_secs(3599));
    assert_eq!(story.flow().sweep(false).await.unwrap().rested, 1);
    assert_eq!(story.world.calls().store_calls(), 0);
    story.world.advance(Duration::from_secs(1));
    assert_eq!(story.flow().sweep(false).await.unwrap().listed, 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_each_declared_key_is_described() {
    let story = settled(5).await;
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Listing));
    story.world.rotate("app/key-3", story.value(2));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
    assert_eq!(story.world.calls().versions, 5);
    assert_eq!(story.world.value("blue/shop/db-003", "value"), Some(story.value(2)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_listed_is_listed_the_next_time() {
    let story = settled(1).await;
    story.world.rotate("app/key-0", story.value(2));
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Listing).times(1));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.failed.len(), 1);
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_after_a_pause() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.world.inject(Fault::forbidden("blue"));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.failures().count(), 1);
    let state = |story: &Story| story.world.record("blue/shop/db").map(|record| record.state);
    assert!(matches!(state(&story), Some(State::Failed(failure)) if failure.attempts == 1));

    story.world.mend_all();
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 0, "too early: {swept:?}");
    story.world.advance(Duration::from_secs(1));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
    assert!(matches!(state(&story), Some(State::Settled(Outcome::Written))));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_changed_or_deleted_is_put_right() {
    let story = settled(3).await;
    story.world.clusters().edit("blue/shop/db-000", |secret| secret.set("value", "by hand"));
    story.world.clusters().delete("blue/shop/db-001");
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 2, "{swept:?}");
    for id in ["blue/shop/db-000", "blue/shop/db-001", "blue/shop/db-002"] {
        assert_eq!(story.world.value(id, "value"), Some(story.value(1)), "{id}");
    }
    assert_eq!(story.world.calls().managed_lists, 2, "one for each cluster");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_read_once_stays_as_it_is() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/db").every(Duration::ZERO));
    let flow = flow(&story.world, Settings::default());
    story.world.rotate("app/db", story.value(1));
    let job = pawl_ports::Job {
        declarations: vec!["blue/shop/db".parse().unwrap()],
        change: None,
        at: pawl_world::build::at(0),
    };
    flow.deliver(&job).await.unwrap();
    let change = story.world.rotate("app/db", story.value(2));
    assert!(flow.sync(&change).await.unwrap().outcomes.is_empty());
    story.world.advance(HOUR);
    flow.sweep(true).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_ahead_once_does_not_stop_the_sweep() {
    let story = settled(1).await;
    let right = story.world.clock().now();
    // One sweep runs on a machine whose clock is a day ahead.
    story.world.advance(24 * HOUR);
    story.flow().sweep(false).await.unwrap();
    // From now on every machine's clock is right; a rotation's event is lost, and a Secret is changed by hand.
    story.world.clock().set(right);
    story.world.rotate("app/key-0", story.value(2));
    story.world.advance(HOUR);
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
    story.world.clusters().edit("blue/shop/db-000", |secret| secret.set("value", "by hand"));
    story.world.advance(HOUR);
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
}

#[tokio::test(start_paused = true)]
async fn the_report_says_what_is_failing_and_what_is_overdue() {
    let story = settled(3).await;
    let flow = story.flow();
    for key in ["app/key-0", "app/key-1"] {
        story.world.rotate(key, story.value(2));
        story.world.inject(Fault::fail(Kind::Invalid).at(Point::Fetch).on(key));
    }
    let swept = flow.sweep(false).await.unwrap();
    assert_eq!((swept.promise.failing, swept.promise.overdue), (2, 0), "{swept:?}");
    story.world.mend("app/key-1");
    story.world.advance(HOUR + Duration::from_secs(70));
    let swept = flow.sweep(false).await.unwrap();
    assert_eq!((swept.promise.failing, swept.promise.overdue), (1, 1), "{swept:?}");
    assert_eq!(swept.promise.oldest_overdue, Duration::from_secs(10));
    assert_eq!(swept.overdue, ["blue/shop/db-000".parse().unwrap()]);
    story.world.mend_all();
    story.world.advance(HOUR);
    let swept = flow.sweep(false).await.unwrap();
    assert_eq!((swept.promise, swept.overdue), Default::default());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_knows_that_nothing_is_due_asks_nobody() {
    let story = settled(1).await;
    let flow = story.flow();
    flow.sweep(false).await.unwrap();
    story.world.advance(Duration::from_secs(60));
    story.world.forget_calls();
    assert_eq!(flow.sweep(false).await.unwrap().rested, 1);
    let calls = story.world.calls();
    assert_eq!((calls.marks, calls.store_calls(), calls.cluster_calls()), (0, 0, 0));
    assert!(story.world.ledger().mark("drift/blue").await.unwrap().is_some());
}
