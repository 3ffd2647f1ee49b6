//! A declaration whose delivery ends its process is set aside after some attempts, and holds up nobody else.
//!
//! A process that ends is played by dropping its flow while a store is silent, and making a new one.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{MINUTE, Story, applying, manifests};
use pawl_domain::{DeclarationId, Kind, Record, Step};
use pawl_ports::{Clock, Job, Ledger, Ports};
use pawl_world::{Fault, Point, declaration, secrets_manager};
use std::time::Duration;

/// Longer than any process here lives.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);
const LIFE: Duration = Duration::from_secs(5);

fn id(text: &str) -> DeclarationId {
    text.parse().unwrap()
}

async fn record(story: &Story, of: &str) -> Record {
    story.world.ledger().entries(&[id(of)]).await.unwrap().remove(0).record
}

/// Whoever reads `app/bomb` ends.
fn bomb(story: &Story) {
    story.world.inject(Fault::slow(FOR_EVER).at(Point::Fetch).on("app/bomb"));
}

async fn begin() -> Story {
    let story = Story::new();
    story.with_namespace("shop");
    story.with_namespace("bank");
    story.world.rotate("app/bomb", story.value(1));
    story.world.rotate("app/db", story.value(2));
    story
}

/// Lives of a process that sweeps at its start; returns how many ended by the bomb.
async fn lives(story: &Story, most: u32) -> u32 {
    for life in 0..most {
        story.world.advance(20 * MINUTE);
        let process = story.flow();
        if tokio::time::timeout(LIFE, process.sweep(false)).await.is_ok() {
            return life;
        }
    }
    most
}

#[tokio::test(start_paused = true)]
async fn sweeps_set_aside_what_ends_their_process_and_do_all_else() {
    let story = begin().await;
    let given = manifests(vec![
        declaration("blue/bank/a").reads("app/bomb").build(),
        declaration("blue/shop/b").reads("app/db").build(),
        declaration("blue/shop/c").reads("app/db").build(),
    ]);
    bomb(&story);
    story.flow().index(given.clone(), &applying()).await.unwrap();
    story.world.jobs().take();

    let ended = lives(&story, 10).await;
    assert_eq!(ended, 4, "once unnoticed, then three times with care");
    for other in ["blue/shop/b", "blue/shop/c"] {
        assert_eq!(story.world.value(other, "value"), Some(story.value(2)), "{other}");
        assert_eq!(record(&story, other).await.begun, None, "whatever ends counts from nothing");
    }
    let aside = record(&story, "blue/bank/a").await;
    assert!(aside.is_set_aside(&given.declarations[0]));
    let failure = format!("{:?}", aside.state);
    assert!(
        failure.contains("it is set aside, for 3 deliveries") && failure.contains("pawl sync"),
        "{failure}"
    );

    // Sweeps, events and jobs leave it alone, and say that there is one.
    let report = story.flow().sweep(true).await.unwrap();
    assert_eq!((report.promise.set_aside, report.promise.failing), (1, 1));
    let change = story.world.rotate("app/bomb", story.value(3));
    let report = tokio::time::timeout(LIFE, story.flow().sync(&change)).await.unwrap().unwrap();
    let (_, error) = report.failures().next().unwrap();
    assert_eq!((error.step, error.kind), (Step::Render, Kind::Invalid), "{error}");

    // A person may try it; and when it ends well, all is forgotten.
    story.world.mend_all();
    let job = Job { declarations: vec![id("blue/bank/a")], change: None, at: story.world.clock().now() };
    assert!(story.flow().deliver(&job).await.unwrap().failures().next().is_some());
    assert!(story.flow().insisting().deliver(&job).await.unwrap().failures().next().is_none());
    assert_eq!(story.world.value("blue/bank/a", "value"), Some(story.value(3)));
    assert_eq!(record(&story, "blue/bank/a").await.begun, None);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_edited_manifest_and_an_edited_store_are_tried_again() {
    for edits_store in [false, true] {
        let story = begin().await;
        bomb(&story);
        let given = manifests(vec![declaration("blue/bank/a").reads("app/bomb").build()]);
        story.flow().index(given.clone(), &applying()).await.unwrap();
        story.world.jobs().take();
        lives(&story, 10).await;
        assert!(record(&story, "blue/bank/a").await.is_set_aside(&given.declarations[0]));
        story.world.mend_all();
        let mut edited = given;
        match edits_store {
            true => edited.stores = vec![secrets_manager("aws").prefix("app/").build()],
            false => edited.declarations = vec![declaration("blue/bank/a").reads("app/db").build()],
        }
        story.world.rotate("app/app/bomb", story.value(9));
        story.flow().index(edited, &applying()).await.unwrap();
        assert!(story.work_off().await.failures().next().is_none(), "store edited: {edits_store}");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_ends_its_process_is_done_but_for_the_one_that_does() {
    let story = begin().await;
    bomb(&story);
    let given = manifests(vec![
        declaration("blue/bank/a").reads("app/bomb").build(),
        declaration("blue/shop/b").reads("app/db").build(),
    ]);
    story.flow().index(given.clone(), &applying()).await.unwrap();
    let job = story.world.jobs().take().remove(0);
    let mut received = 0;
    loop {
        received += 1;
        assert!(received < 10, "it never ends");
        story.world.advance(MINUTE);
        let process = if received > 1 { story.flow().with_care() } else { story.flow() };
        if tokio::time::timeout(LIFE, process.deliver(&job)).await.is_ok() {
            break;
        }
    }
    assert_eq!(received, 5);
    assert!(record(&story, "blue/bank/a").await.is_set_aside(&given.declarations[0]));
    assert_eq!(story.world.value("blue/shop/b", "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn care_costs_nothing_where_the_last_attempt_ended() {
    let story = begin().await;
    let given = manifests(vec![declaration("blue/shop/b").reads("app/db").build()]);
    story.flow().index(given, &applying()).await.unwrap();
    let job = story.world.jobs().take().remove(0);
    story.world.advance(MINUTE);
    story.world.inject(Fault::down("blue"));
    assert!(story.flow().deliver(&job).await.unwrap().failures().next().is_some());
    story.world.mend_all();
    story.world.advance(10 * MINUTE);
    let before = story.world.calls().ledger_writes;
    assert!(story.flow().with_care().deliver(&job).await.unwrap().failures().next().is_none());
    assert_eq!(story.world.calls().ledger_writes - before, 2, "that it creates, and its record");
    story.end();
}
