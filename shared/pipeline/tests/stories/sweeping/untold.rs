//! Stores that do not tell what changed: the versions of their declared keys are asked for, one by one.

use super::{HOUR, MINUTE};
use crate::story::Story;
use pawl_domain::Kind;
use pawl_domain::record::State;
use pawl_world::{Fault, Point, declaration, vault};

const ID: &str = "blue/shop/db";

/// A declaration that reads a Vault. It was written, and swept an hour after.
async fn settled() -> Story {
    let story = Story::new();
    story.world.add_store(vault("vault"));
    story.world.declare(declaration(ID).reads("app/db").of("vault"));
    rotate(&story, 1);
    for _ in 0..2 {
        story.flow().sweep(true).await.unwrap();
        story.world.advance(HOUR);
    }
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.world.forget_calls();
    story
}

fn rotate(story: &Story, number: usize) {
    story.world.rotate_at(&vault("vault").location(), "secret/app/db", story.value(number));
}

fn state(story: &Story) -> State {
    story.world.record(ID).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn a_store_that_tells_no_changes_is_not_asked_for_them() {
    let story = settled().await;
    rotate(&story, 2);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    let calls = story.world.calls();
    assert_eq!((calls.listings, calls.versions, calls.values), (0, 1, 1));
    story.end();
}

/// The numbers of a key that is made anew begin anew.
#[tokio::test(start_paused = true)]
async fn a_key_that_was_destroyed_and_made_anew_is_seen_within_the_interval() {
    let story = settled().await;
    story.world.destroy_at(&vault("vault").location(), "secret/app/db");
    rotate(&story, 2);
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    story.world.forget_calls();
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.calls().values, 0, "once");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_shows_at_the_declarations_once_they_are_overdue() {
    let story = settled().await;
    story.flow().sweep(false).await.unwrap();
    story.world.inject(Fault::fail(Kind::Unreachable).among(&[Point::Versions, Point::Fetch]));
    story.world.advance(HOUR);
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.failed.len(), 1, "{swept:?}");
    assert!(matches!(state(&story), State::Settled(_)), "it may be back in time");
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert!(matches!(state(&story), State::Failed(_)));

    story.world.mend_all();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert!(matches!(state(&story), State::Settled(_)), "it is back");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_does_not_count_as_an_answer() {
    let story = settled().await;
    story.world.inject(Fault::fail(Kind::Unreachable).among(&[Point::Versions, Point::Fetch]));
    let flow = story.flow();
    for _ in 0..10 {
        flow.sweep(false).await.unwrap();
    }
    assert_eq!(story.world.calls().version_calls, 3, "three in vain, then its circuit breaker lets it rest");
}
