//! What failed is tried again as ESO does it: after one second, then two, up to seven minutes.

use super::{HOUR, MINUTE, settled, sweep_for};
use crate::story::Story;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::record::State;
use pawl_domain::{Kind, Outcome};
use pawl_ports::Ports;
use pawl_world::{Fault, Point, declaration};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_secret_to_merge_into_that_comes_later_is_filled_by_the_next_sweep() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/db").creation(CreationPolicy::Merge));
    let change = story.world.rotate("app/db", story.value(1));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::TargetMissing), 1, "{report:?}");
    sweep_for(&story, 2).await;
    story.world.forget_calls();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!((story.world.calls().reads, story.world.calls().values), (1, 0), "one look and no fetch");

    story.world.clusters().edit("blue/shop/db", |secret| secret.set("theirs", "x"));
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    assert_eq!(story.world.value("blue/shop/db", "theirs").as_deref(), Some("x"));
}

/// What `pawl serve` does.
async fn retry_for(story: &Story, flow: &pawl_pipeline::Pipeline<pawl_world::World>, seconds: u64) {
    for _ in 0..seconds {
        story.world.advance(Duration::from_secs(1));
        // The clock of the story stands still while tokio's runs, so that what is not due now does not come.
        let due = tokio::time::timeout(Duration::from_millis(1), flow.until_due());
        if due.await.is_ok() {
            flow.retry_due().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_lived_process_tries_again_in_seconds() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let flow = story.flow();
    // Somebody listens from the beginning.
    let _ = tokio::time::timeout(Duration::from_millis(1), flow.until_due()).await;
    let change = story.world.rotate("app/db", story.value(1));
    story.world.inject(Fault::fail(Kind::Invalid).at(Point::Fetch));
    flow.sync(&change).await.unwrap();
    story.world.forget_calls();
    retry_for(&story, &flow, 20).await;
    // After 1, 3, 7 and 15 seconds.
    assert_eq!(story.world.calls().fetches, 4);
    let state = story.world.record("blue/shop/db").unwrap().state;
    assert!(matches!(state, State::Failed(failure) if failure.attempts == 5));
    story.world.mend_all();
    retry_for(&story, &flow, 16).await;
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    retry_for(&story, &flow, 5).await;
}

/// Fails once, with a store that asks to be left alone for 90 seconds. The queue loses the job.
fn asked_to_wait() -> Story {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    let rest = Duration::from_secs(90);
    story.world.inject(Fault::fail(Kind::Throttled).resting(rest).at(Point::Fetch).times(1));
    story
}

#[tokio::test(start_paused = true)]
async fn a_store_that_asks_to_be_left_alone_is_left_alone_by_sweeps() {
    let story = asked_to_wait();
    story.flow().sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    story.world.jobs().take();
    story.world.forget_calls();
    for (seconds, fetches) in [(1, 0), (59, 0), (29, 0), (1, 1)] {
        story.world.advance(Duration::from_secs(seconds));
        story.flow().sweep(false).await.unwrap();
        assert_eq!(story.world.calls().fetches, fetches, "after {seconds} s more");
    }
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_asks_to_be_left_alone_is_left_alone_by_a_long_lived_process() {
    let story = asked_to_wait();
    let flow = story.flow();
    let _ = tokio::time::timeout(Duration::from_millis(1), flow.until_due()).await;
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    story.world.jobs().take();
    story.world.forget_calls();
    retry_for(&story, &flow, 89).await;
    assert_eq!(story.world.calls().fetches, 0);
    retry_for(&story, &flow, 2).await;
    assert_eq!(story.world.calls().fetches, 1);
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_an_hour_is_over_within_seven_minutes_and_a_sweep() {
    let story = settled(2).await;
    story.world.rotate("app/key-0", story.value(2));
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Fetch));
    for _ in 0..60 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
    }
    story.world.mend_all();
    for _ in 0..8 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
    }
    assert_eq!(story.world.value("blue/shop/db-000", "value"), Some(story.value(2)));
    story.world.advance(HOUR);
    story.end();
}
