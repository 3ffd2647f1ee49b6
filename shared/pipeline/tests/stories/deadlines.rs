//! One that hangs holds up nobody, one fetch serves all, and what there is no time for goes to the job queue.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{HOUR, Story, flow};
use pawl_domain::store::Home;
use pawl_domain::{Kind, Outcome, Store};
use pawl_pipeline::Settings;
use pawl_ports::{Job, Ports};
use pawl_world::{Fault, Point, declaration, secrets_manager};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// `app/db` of this region is declared by many, `app/far` of another one by one.
fn two_stores(story: &Story) -> Job {
    story.world.add_store(secrets_manager("far").region("us-east-1"));
    let far: Store = secrets_manager("far").region("us-east-1").into();
    story.world.rotate("app/db", story.value(1));
    story.world.rotate_at(&far.location(), "app/far", story.value(1));
    story.world.declare(declaration("blue/shop/far").reads("app/far").of("far"));
    let mut declarations = vec!["blue/shop/far".parse().unwrap()];
    for number in 0..100 {
        let id = format!("blue/shop/near-{number:02}");
        story.declare(&id, "app/db");
        declarations.push(id.parse().unwrap());
    }
    Job { declarations, change: None, at: pawl_world::build::at(10) }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_holds_up_none_that_do_not_read_it() {
    let story = Story::new();
    let job = two_stores(&story);
    story.world.inject(Fault::slow(HOUR).at(Point::Fetch).on("app/far"));
    let flow = flow(&story.world, Settings { concurrency: 4, ..Settings::default() });
    let deliver = flow.deliver(&job);
    assert!(tokio::time::timeout(10 * SECOND, deliver).await.is_err(), "one is still waiting");
    assert_eq!(story.world.value("blue/shop/near-99", "value"), Some(story.value(1)));
    let recorded = story.world.record("blue/shop/near-99").unwrap();
    assert!(recorded.state.is_settled());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_hangs_holds_up_no_other() {
    let story = Story::new();
    for number in 0..20 {
        story.declare(&format!("green/shop/db-{number}"), "app/db");
    }
    story.declare("blue/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.world.inject(Fault::slow(HOUR).among(&Point::OF_CLUSTERS).on("green"));
    let flow = flow(&story.world, Settings { concurrency: 4, ..Settings::default() });
    assert!(tokio::time::timeout(10 * SECOND, flow.sync(&change)).await.is_err());
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_time_for_goes_to_the_job_queue_with_its_change() {
    let story = Story::new();
    two_stores(&story);
    let change = story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::slow(HOUR).at(Point::Write).on("blue/shop/near-42"));
    let flow = story.flow().until(Instant::now() + 10 * SECOND);
    let report = flow.sync(&change).await.unwrap();
    assert_eq!((report.count(Outcome::Written), report.count(Outcome::Queued)), (99, 1), "{report:?}");
    let jobs = story.world.jobs().waiting();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].declarations[0].to_string(), "blue/shop/near-42");
    assert_eq!(jobs[0].change.as_ref().and_then(|it| it.version.as_deref()), Some("v2"));
    story.world.mend_all();
    story.work_off().await;
    assert_eq!(story.world.value("blue/shop/near-42", "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_there_is_no_time_for_goes_back_and_is_not_lost_where_the_queue_refuses() {
    let story = Story::new();
    let job = two_stores(&story);
    story.world.inject(Fault::slow(HOUR).at(Point::Fetch).on("app/far"));
    let report = story.flow().until(Instant::now() + 5 * SECOND).deliver(&job).await.unwrap();
    assert_eq!(report.count(Outcome::Queued), 1, "{report:?}");
    assert!(!report.is_retryable(), "the job is done: another one has the rest");
    story.world.jobs().take();
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
    let job = Job { at: jiff::Timestamp::MAX, ..job };
    let report = story.flow().until(Instant::now() + 5 * SECOND).deliver(&job).await.unwrap();
    assert!(report.is_retryable(), "the job comes again: {report:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_loses_nothing() {
    let story = Story::new();
    two_stores(&story);
    let change = story.world.rotate("app/db", story.value(2));
    let report = story.flow().until(Instant::now()).sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Queued), 100, "{report:?}");
    story.work_off().await;
    assert_eq!(story.world.value("blue/shop/near-00", "value"), Some(story.value(2)));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_targets_of_one_key_share_one_fetch() {
    let story = Story::new();
    for number in 0..1000 {
        let cluster = if number % 2 == 0 { "blue" } else { "green" };
        story.declare(&format!("{cluster}/shop/db-{number:03}"), "app/db");
    }
    for version in 1..=2 {
        let change = story.world.rotate("app/db", story.value(version));
        story.world.forget_calls();
        let report = story.flow().sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 1000);
        assert_eq!((story.world.calls().fetches, story.world.calls().values), (1, 1));
        assert_eq!(story.world.calls().jobs, 0);
    }
    assert_eq!(story.world.calls().reads, 0, "the second rotation is one write each");
    story.end();
}

/// Jobs are worked on by processes of their own, and a value never leaves the one that fetched it: each fetches for itself.
#[tokio::test(start_paused = true)]
async fn five_thousand_targets_of_one_key_cost_one_fetch_and_one_more_for_each_job() {
    let story = Story::new();
    for number in 0..5000 {
        let cluster = if number % 2 == 0 { "blue" } else { "green" };
        story.declare(&format!("{cluster}/shop/db-{number:04}"), "app/db");
    }
    story.world.rotate("app/db", story.value(1));
    for version in 2..=3 {
        let change = story.world.rotate("app/db", story.value(version));
        story.world.forget_calls();
        let report = story.flow().sync(&change).await.unwrap();
        assert_eq!((report.count(Outcome::Written), report.count(Outcome::Queued)), (2000, 3000));
        assert_eq!(story.world.calls().fetches, 1);
        let jobs = story.world.jobs().waiting().len();
        // 200 declarations each, but for the last ones of each page of the registry.
        assert_eq!(jobs, 18);
        assert_eq!(story.work_off().await.count(Outcome::Written), 3000);
        assert_eq!((story.world.calls().fetches, story.world.calls().values), (1 + jobs, 1 + jobs));
        assert_eq!(story.world.value("green/shop/db-4999", "value"), Some(story.value(version)));
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_answers_late_costs_one_fetch_more() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    story.declare("green/shop/db", "app/db");
    story.world.inject(Fault::slow(5 * SECOND).at(Point::Read).on("green"));
    let change = story.world.rotate("app/db", story.value(1));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 2);
    assert_eq!(story.world.calls().fetches, 2, "what was fetched before it was looked at is not used for it");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn all_secrets_are_written_before_any_status_and_a_status_never_fails_one() {
    let story = Story::new();
    let home = Home::Cluster("blue".parse().unwrap());
    let mut store: Store = secrets_manager("aws").into();
    store.id.home = home.clone();
    story.world.add_store(store.clone());
    for number in 0..50 {
        let each = declaration(&format!("blue/shop/db-{number}")).home(home.clone()).uid("u");
        story.world.declare(each.reads("app/db").of_store(store.id.clone()));
    }
    let change = story.world.rotate("app/db", story.value(1));
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Publish).times(10));
    let gate = story.world.gate(Point::Publish);
    let flow = story.flow();
    let watch = async {
        let first = gate.arrived().await;
        let written =
            (0..50).filter(|number| !story.world.data(&format!("blue/shop/db-{number}")).is_empty());
        assert_eq!(written.count(), 50);
        first.release();
        drop(gate);
    };
    let (report, ()) = futures::join!(flow.sync(&change), watch);
    assert_eq!(report.unwrap().count(Outcome::Written), 50);
    assert_eq!(story.world.clusters().published(&"blue".parse().unwrap()).len(), 40);
    story.end();
}
