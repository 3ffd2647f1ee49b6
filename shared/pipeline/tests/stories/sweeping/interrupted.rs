//! Sweeps that are cut off, refused or killed: what they did not finish is found by the next.

use super::{HOUR, MINUTE, settled, sweep_for, work_off, written};
use crate::story::{Story, applying, flow, pruning};
use crate::targets::{config_map, from_config_map};
use futures::FutureExt;
use pawl_domain::{Kind, Manifests};
use pawl_pipeline::Settings;
use pawl_ports::Ports;
use pawl_world::{Fault, Point, cluster, declaration, every_order, secrets_manager};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn what_the_job_queue_refuses_once_is_queued_by_the_next_sweep() {
    let story = Story::new();
    for number in 0..201 {
        story.declare(&format!("blue/shop/db-{number:03}"), "app/db");
    }
    story.world.rotate("app/db", story.value(1));
    story.flow().sweep(true).await.unwrap();
    work_off(&story).await;
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    work_off(&story).await;
    story.world.advance(10 * MINUTE);
    story.world.rotate("app/db", story.value(2));
    story.world.advance(50 * MINUTE);
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue).times(1));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.failures().count(), 201);
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    work_off(&story).await;
    assert_eq!(story.world.value("blue/shop/db-007", "value"), Some(story.value(2)));
}

#[tokio::test(start_paused = true)]
async fn what_could_neither_be_noted_nor_queued_is_found_again() {
    let story = Story::new();
    for number in 0..201 {
        story.declare(&format!("blue/shop/db-{number:03}"), "app/db");
    }
    story.world.rotate("app/db", story.value(1));
    story.flow().sweep(true).await.unwrap();
    work_off(&story).await;
    story.world.advance(HOUR);
    story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Record));
    story.flow().sweep(false).await.unwrap();
    story.world.mend_all();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    work_off(&story).await;
    assert_eq!(story.world.value("blue/shop/db-007", "value"), Some(story.value(2)));
}

/// Searches and templates have marks of their own kind of work, and the same promise.
#[tokio::test(start_paused = true)]
async fn what_is_refused_once_is_queued_by_the_next_sweep_for_searches_and_templates_too() {
    for (searches, refused) in
        [(true, Point::Enqueue), (true, Point::Record), (false, Point::Enqueue), (false, Point::Record)]
    {
        let story = Story::new();
        for number in 0..201 {
            let db = declaration(&format!("blue/shop/db-{number:03}"));
            story.world.declare(match searches {
                true => db.finds("^app/"),
                false => db.reads("app/db").template(from_config_map("texts", "text")),
            });
        }
        let (key, text) = if searches { ("app_db", "") } else { ("text", "one") };
        config_map(&story, "blue", "texts", &[("text", text)]);
        story.world.rotate("app/db", story.value(1));
        for _ in 0..2 {
            story.flow().sweep(true).await.unwrap();
            work_off(&story).await;
            story.world.advance(HOUR);
        }
        let (before, after) =
            if searches { (story.value(1), story.value(2)) } else { ("one".into(), "two".into()) };
        let held = || story.world.value("blue/shop/db-007", key);
        assert_eq!(held(), Some(before), "searches: {searches}");
        if searches {
            story.world.rotate("app/db", story.value(2));
        }
        config_map(&story, "blue", "texts", &[("text", "two")]);
        story.world.inject(Fault::fail(Kind::Throttled).at(refused));
        let _ = story.flow().sweep(false).await;
        assert_ne!(held().as_ref(), Some(&after), "searches: {searches}, {refused:?}: it was refused");
        story.world.mend_all();
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
        work_off(&story).await;
        assert_eq!(held(), Some(after), "searches: {searches}, {refused:?}");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_could_not_be_recorded_is_found_again() {
    let story = written("blue/shop/db", "app/db").await;
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    story.world.advance(10 * MINUTE);
    story.world.rotate("app/db", story.value(2));
    story.world.advance(50 * MINUTE);
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Write));
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Record).times(1));
    story.flow().sweep(false).await.unwrap();
    story.world.mend_all();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
}

#[tokio::test(start_paused = true)]
async fn a_repair_of_drift_that_is_killed_anywhere_is_finished_by_the_next_sweep() {
    every_order(async |schedule| {
        let story = written("blue/shop/db", "app/db").await;
        story.world.advance(2 * HOUR);
        story.world.clusters().edit("blue/shop/db", |secret| secret.set("value", "by hand"));
        let world = story.world.seen_by("a");
        let flow_a = flow(&world, Settings { stale_attempts: 0, ..Settings::default() });
        let task = flow_a.sweep(false);
        schedule
            .with_mortal("a")
            .run(&story.world, &[Point::Record, Point::Read, Point::Write], [("a", task.boxed())])
            .await;
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_of_drift_that_meets_a_throttled_read_is_finished_by_the_next_sweep() {
    for strike in 0..8 {
        let story = written("blue/shop/db", "app/db").await;
        story.world.advance(2 * HOUR);
        story.world.clusters().edit("blue/shop/db", |secret| secret.set("value", "by hand"));
        let world = story.world.seen_by("a");
        let gate = story.world.gate(Point::Entries);
        let flow_a = flow(&world, Settings::default());
        let sweep = flow_a.sweep(false);
        let watch = async {
            for _ in 0..strike {
                gate.arrived().await.release();
            }
            let last = gate.arrived().await;
            story.world.inject(Fault::fail(Kind::Throttled).at(Point::Entries).times(1));
            last.release();
            drop(gate);
        };
        tokio::select! {
            _ = async { futures::join!(sweep, watch) } => {}
            () = tokio::time::sleep(HOUR) => {}
        }
        story.world.mend_all();
        for _ in 0..2 {
            story.world.advance(MINUTE);
            story.flow().sweep(false).await.unwrap();
        }
        let value = story.world.value("blue/shop/db", "value");
        assert_eq!(value, Some(story.value(1)), "read {strike} was throttled");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_tell_versions_for_the_moment_is_asked_again() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Listing));
    story.world.rotate("app/db", story.value(1));
    story.flow().sweep(true).await.unwrap();
    story.world.advance(10 * MINUTE);
    story.world.rotate("app/db", story.value(2));
    story.world.advance(50 * MINUTE);
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Versions).on("app/db"));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!((swept.listed, swept.failed.len()), (0, 1), "{swept:?}");
    story.world.mend("app/db");
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
}

/// A thousand new declarations, taken in by an index.
async fn indexed() -> Story {
    let story = Story::new();
    story.world.clusters().ensure_namespace(&"blue".parse().unwrap(), &"shop".parse().unwrap());
    story.world.rotate("app/a", story.value(1));
    let each = |number| declaration(&format!("blue/shop/a-{number:04}")).reads("app/a").build();
    let manifests = Manifests {
        declarations: (0..1000).map(each).collect(),
        stores: vec![secrets_manager("aws").into()],
        clusters: vec![cluster("blue").into()],
        ..Manifests::default()
    };
    // The index is refused by the queue where the story says so.
    story.flow().index(manifests, &pruning()).await.unwrap();
    story
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_queue_is_not_queued_again_by_every_sweep() {
    let story = indexed().await;
    let queued = story.world.jobs().waiting().len();
    assert_eq!(queued, 5);
    for minute in 1..=14 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
        assert_eq!(story.world.jobs().waiting().len(), queued, "after {minute} minutes");
    }
    work_off(&story).await;
    assert_eq!(story.world.value("blue/shop/a-0999", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn what_was_noted_and_never_reached_the_queue_is_found_soon() {
    let story = indexed().await;
    // The queue loses them, so that only the notes are left.
    story.world.jobs().take();
    story.world.advance(16 * MINUTE);
    story.flow().sweep(false).await.unwrap();
    let again: usize = story.world.jobs().take().iter().map(|job| job.declarations.len()).sum();
    assert_eq!(again, 1000, "what a queue lost is queued again");

    let story = Story::new();
    story.world.clusters().ensure_namespace(&"blue".parse().unwrap(), &"shop".parse().unwrap());
    story.world.rotate("app/a", story.value(1));
    let manifests = Manifests {
        declarations: vec![declaration("blue/shop/a").reads("app/a").build()],
        stores: vec![secrets_manager("aws").into()],
        clusters: vec![cluster("blue").into()],
        ..Manifests::default()
    };
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
    story.flow().index(manifests, &applying()).await.unwrap();
    story.world.advance(Duration::from_secs(61));
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/a", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_takes_too_long_is_cut_off_and_made_again() {
    let story = settled(1).await;
    story.world.rotate("app/key-0", story.value(2));
    story.world.inject(Fault::slow(10 * HOUR).at(Point::Listing).times(1));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.failed.len(), 1, "{swept:?}");
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db-000", "value"), Some(story.value(2)));
    sweep_for(&story, 1).await;
    story.end();
}
