//! Stores that can be watched: which there are, and the look at them when a watch begins.

use super::settled;
use crate::story::Story;
use pawl_domain::declaration::RefreshPolicy;
use pawl_domain::{Access, Provider};
use pawl_pipeline::sweep::Watchable;
use pawl_world::{Point, declaration};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn only_stores_that_can_be_watched_and_are_read_more_than_once_are_named() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/once").reads("app/a").every(Duration::ZERO));
    assert!(story.flow().watchable().await.unwrap().is_empty(), "nothing can be watched");
    story.world.let_watch(Provider::ParameterStore);
    story.declare("blue/shop/db", "app/db");
    assert!(story.flow().watchable().await.unwrap().is_empty(), "this store cannot");
    story.world.let_watch(Provider::SecretsManager);
    let found = story.flow().watchable().await.unwrap();
    let told: Vec<(&Access, usize)> = found.iter().map(|of| (of.access(), of.stores().count())).collect();
    let [(access, 1)] = told[..] else { panic!("{told:?}") };
    assert_eq!(access.backend.location().provider, Provider::SecretsManager);
    assert_eq!(found[0].stores().next().unwrap().name.as_str(), "aws");

    let story = Story::new();
    story.world.let_watch(Provider::SecretsManager);
    story.world.declare(declaration("blue/shop/once").reads("app/a").every(Duration::ZERO));
    let policy = RefreshPolicy::CreatedOnce;
    story
        .world
        .declare(declaration("blue/shop/created").reads("app/a").refresh(policy, Duration::from_secs(60)));
    assert!(story.flow().watchable().await.unwrap().is_empty(), "what is read once waits for no change");
}

async fn the_watchable(story: &Story) -> Watchable {
    story.world.let_watch(Provider::SecretsManager);
    story.flow().watchable().await.unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_changed_before_a_watch_began_is_found_though_nothing_is_due() {
    let story = settled(3).await;
    let of = the_watchable(&story).await;
    story.flow().sweep(false).await.unwrap();
    story.world.forget_calls();
    story.world.rotate("app/key-1", story.value(2));
    assert_eq!(story.flow().sweep(false).await.unwrap().rested, 1, "it is not due");
    assert!(story.flow().catch_up(&of).await.unwrap());
    assert_eq!(story.world.value("blue/shop/db-001", "value"), Some(story.value(2)));
    assert_eq!(story.world.calls().values, 1, "and nothing else is read");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_look_that_meets_a_sweep_says_so() {
    let story = settled(1).await;
    let of = the_watchable(&story).await;
    let gate = story.world.gate(Point::Listing);
    let flow = story.flow();
    let look = async {
        let listing = gate.arrived().await;
        assert!(!flow.catch_up(&of).await.unwrap(), "the list may be older than the watch");
        listing.release();
        drop(gate);
    };
    let (swept, ()) = futures::join!(flow.sweep(true), look);
    swept.unwrap();
    assert!(flow.catch_up(&of).await.unwrap());
}
