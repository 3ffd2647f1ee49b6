//! The ledger remembers the last writes of each target, with what called for them, and no call more is made for that.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{MINUTE, Story, applying, manifests};
use pawl_domain::Change;
use pawl_domain::declaration::DeletionPolicy;
use pawl_pipeline::BY_HAND;
use pawl_ports::{Clock, Job, Ports};
use pawl_world::declaration;
use std::time::Duration;

const ID: &str = "blue/shop/db";

/// Each write, as `<cause> <key> <version>`, a `-` for what is gone, the oldest first.
fn told(story: &Story) -> Vec<String> {
    let record = story.world.record(ID).unwrap();
    let of_write = |written: &pawl_domain::record::Written| {
        let keys = written.keys.iter();
        let keys = keys.map(|it| format!("{} {}", it.key, it.version.as_deref().unwrap_or("-")));
        format!("{} {}", written.cause, keys.collect::<Vec<_>>().join(" "))
    };
    record.history.writes().iter().map(of_write).collect()
}

#[tokio::test(start_paused = true)]
async fn each_write_is_remembered_with_what_called_for_it() {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/db", story.value(1));
    let declared = declaration(ID).reads("app/db");
    story.flow().index(manifests(vec![declared.clone().into()]), &applying()).await.unwrap();
    story.work_off().await;

    let change = story.world.rotate("app/db", story.value(2));
    story.world.advance(Duration::from_secs(3));
    story.flow().sync(&change).await.unwrap();
    // The event of the next one is lost.
    story.world.rotate("app/db", story.value(3));
    story.world.advance(60 * MINUTE);
    story.flow().sweep(false).await.unwrap();
    // Somebody edits the Secret.
    story.world.clusters().edit(ID, |secret| secret.set("value", "another"));
    story.flow().sweep(true).await.unwrap();
    // Somebody asks for a key by hand.
    let change = story.world.rotate("app/db", story.value(4));
    story.flow().sync(&Change { id: BY_HAND.to_owned(), ..change }).await.unwrap();
    let edited = declared.reads("app/other").into_key("other");
    story.world.rotate("app/other", story.value(5));
    story.flow().index(manifests(vec![edited.into()]), &applying()).await.unwrap();
    story.work_off().await;
    assert_eq!(
        told(&story),
        [
            "edit app/db v1",
            "event app/db v2",
            "sweep app/db v3",
            "drift ",
            "hand app/db v4",
            "edit app/db v4 app/other v1",
        ]
    );
    let record = story.world.record(ID).unwrap();
    let seconds: Vec<_> = record.history.writes().iter().map(|written| written.seconds).collect();
    assert_eq!(seconds, [None, Some(3), None, None, None, None]);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_writes_nothing_is_not_remembered_and_a_deletion_is_once() {
    let story = Story::new();
    story.world.declare(declaration(ID).reads("app/db").deletion(DeletionPolicy::Delete));
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    let job = Job::chunks(&[ID.parse().unwrap()], None, story.world.clock().now()).remove(0);
    for _ in 0..3 {
        story.world.advance(MINUTE);
        story.flow().deliver(&Job { at: story.world.clock().now(), ..job.clone() }).await.unwrap();
    }
    assert_eq!(told(&story), ["edit app/db v1"], "it was declared");
    let change = story.world.delete_secret("app/db");
    for _ in 0..3 {
        story.flow().sync(&change).await.unwrap();
        story.world.advance(MINUTE);
        story.flow().sweep(true).await.unwrap();
    }
    assert_eq!(told(&story), ["edit app/db v1", "event app/db -"]);
    assert!(story.world.record(ID).unwrap().history.writes()[1].deleted);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_called_as_often_with_a_long_history_as_with_none() {
    let story = Story::new();
    story.declare(ID, "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    let mut calls = Vec::new();
    for number in 2..20 {
        let change = story.world.rotate("app/db", story.value(number));
        story.world.advance(MINUTE);
        story.world.forget_calls();
        story.flow().sync(&change).await.unwrap();
        let made = story.world.calls();
        calls.push((made.ledger_reads, made.ledger_writes));
    }
    assert!(calls.iter().all(|made| *made == calls[0]), "{calls:?}");
    assert_eq!(told(&story).len(), pawl_domain::record::MOST_WRITES);
    story.end();
}
