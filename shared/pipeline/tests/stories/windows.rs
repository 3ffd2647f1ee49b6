//! While a sync window holds a declaration back nothing new is written; when it lets go, nothing was lost.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::Story;
use jiff::Timestamp;
use pawl_domain::declaration::{SyncWindow, SyncWindows, WindowKind};
use pawl_domain::record::State;
use pawl_domain::{Affected, Declaration, Kind, NotAffected, Outcome};
use pawl_ports::{Clock, Job, Ports};
use pawl_world::{Fault, Point, declaration};
use std::time::Duration;

const ID: &str = "blue/shop/db";
const SHUT: &str = "2027-01-05T12:30:00Z";
const OPEN: &str = "2027-01-05T14:00:01Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Reads `app/db`, but not between 12:00 and 14:00.
fn guarded() -> Declaration {
    let window = SyncWindow { schedule: "0 12 * * *".into(), duration: Duration::from_secs(2 * 3600) };
    let mut declaration: Declaration = declaration(ID).reads("app/db").into();
    declaration.refresh.windows = Some(SyncWindows { kind: WindowKind::Deny, windows: vec![window] });
    declaration
}

/// Written once with value 1, and swept, before the window shuts.
async fn settled() -> Story {
    let story = Story::new();
    story.world.clock().set(at("2027-01-05T10:00:00Z"));
    story.world.declare(guarded());
    story.world.rotate("app/db", story.value(1));
    story.flow().sweep(true).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story
}

async fn assert_held_back_then_written(story: &Story) {
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    assert_eq!(story.world.record(ID).unwrap().state, State::Pending);
    story.flow().sweep(true).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)), "the window is still shut");
    story.world.clock().set(at(OPEN));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.report.count(Outcome::Written), 1, "{swept:?}");
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Written));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_the_window() {
    let story = settled().await;
    story.world.clock().set(at(SHUT));
    let change = story.world.rotate("app/db", story.value(2));
    story.world.forget_calls();
    let report = story.flow().sync(&change).await.unwrap();
    assert!(report.outcomes.is_empty(), "{report:?}");
    assert_eq!((story.world.calls().values, story.world.calls().cluster_calls()), (0, 0));
    let explained = story.flow().explain(&change).await.unwrap();
    assert_eq!(explained[0].affected, Affected::No(NotAffected::WindowClosed));
    assert_held_back_then_written(&story).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_event_found_by_a_sweep_waits_for_the_window() {
    let story = settled().await;
    story.world.clock().set(at(SHUT));
    story.world.rotate("app/db", story.value(2));
    let swept = story.flow().sweep(true).await.unwrap();
    assert!(swept.report.outcomes.is_empty(), "{swept:?}");
    assert_held_back_then_written(&story).await;
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_version_that_is_written_leaves_nothing_to_wait_for() {
    let story = settled().await;
    story.world.clock().set(at("2027-01-05T11:00:00Z"));
    let change = story.world.rotate("app/db", story.value(2));
    story.flow().sync(&change).await.unwrap();
    story.world.clock().set(at(SHUT));
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.record(ID).unwrap().state, State::Settled(Outcome::Written));
}

#[tokio::test(start_paused = true)]
async fn first_syncs_edits_and_jobs_do_not_ask() {
    let story = Story::new();
    story.world.clock().set(at(SHUT));
    let change = story.world.rotate("app/db", story.value(1));
    let mut declaration = story.world.declare(guarded());
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1, "never written before");

    declaration.labels.insert("edited".into(), "yes".into());
    story.world.declare(declaration.clone());
    let change = story.world.rotate("app/db", story.value(2));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1, "edited");

    story.world.rotate("app/db", story.value(3));
    story.world.advance(Duration::from_secs(1));
    let job = Job::chunks(&[declaration.id], None, story.world.clock().now()).remove(0);
    let report = story.flow().deliver(&job).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1, "a job was let through when it was queued");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_noted_is_not_acknowledged() {
    let story = settled().await;
    story.world.clock().set(at(SHUT));
    let change = story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Record));
    assert!(story.flow().sync(&change).await.is_err());
    story.world.mend_all();
    story.flow().sync(&change).await.unwrap();
    assert_held_back_then_written(&story).await;
}
