//! Stores that can be watched: which there are, and the look at them when a watch begins.

use super::settled;
use crate::story::Story;
use pawl_domain::declaration::RefreshPolicy;
use pawl_domain::{Access, Home, Kind, Provider};
use pawl_pipeline::sweep::Watchable;
use pawl_world::build::cluster_name;
use pawl_world::{Fault, Point, cluster, declaration, secrets_manager};
use std::time::Duration;

/// What a sweep tells of them.
async fn told(story: &Story) -> Vec<Watchable> {
    let flow = story.flow();
    let mut told = flow.watchable();
    flow.sweep(false).await.unwrap();
    assert!(
        told.has_changed().unwrap(),
        "each sweep tells, so that who watches can look whether all are watched"
    );
    told.borrow_and_update().clone()
}

#[tokio::test(start_paused = true)]
async fn only_stores_that_can_be_watched_and_are_read_more_than_once_are_told() {
    let story = Story::new();
    story.declare("blue/shop/db", "app/db");
    assert!(told(&story).await.is_empty(), "nothing can be watched");
    story.world.let_watch(Provider::ParameterStore);
    assert!(told(&story).await.is_empty(), "this store cannot");
    story.world.let_watch(Provider::SecretsManager);
    let found = told(&story).await;
    let stores: Vec<(&Access, usize)> = found.iter().map(|of| (of.access(), of.stores().count())).collect();
    let [(access, 1)] = stores[..] else { panic!("{stores:?}") };
    assert_eq!(access.backend.location().provider, Provider::SecretsManager);
    assert_eq!(found[0].stores().next().unwrap().name.as_str(), "aws");
    assert_eq!(told(&story).await, found, "who watches can tell that nothing changed");

    let story = Story::new();
    story.world.let_watch(Provider::SecretsManager);
    story.world.declare(declaration("blue/shop/once").reads("app/a").every(Duration::ZERO));
    let policy = RefreshPolicy::CreatedOnce;
    story
        .world
        .declare(declaration("blue/shop/created").reads("app/a").refresh(policy, Duration::from_secs(60)));
    assert!(told(&story).await.is_empty(), "what is read once waits for no change");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_no_policy_allows_is_not_watched() {
    let story = Story::without_policies();
    story.world.let_watch(Provider::SecretsManager);
    story.world.add_cluster(cluster("blue").indexed());
    let home = Home::Cluster(cluster_name("blue"));
    let store = secrets_manager("aws").namespaced("shop").home(home.clone()).build();
    let of_store = store.id.clone();
    story.world.add_store(store);
    story.world.declare(declaration("blue/shop/db").home(home).uid("u").reads("app/db").of_store(of_store));
    assert!(told(&story).await.is_empty());
}

async fn the_watchable(story: &Story) -> Watchable {
    story.world.let_watch(Provider::SecretsManager);
    told(story).await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_changed_before_a_watch_began_is_found_though_nothing_is_due() {
    let story = settled(3).await;
    let of = the_watchable(&story).await;
    story.world.forget_calls();
    story.world.rotate("app/key-1", story.value(2));
    assert_eq!(story.flow().sweep(false).await.unwrap().rested, 1, "it is not due");
    let swept = story.flow().catch_up(&of).await.unwrap().unwrap();
    assert!(swept.failed.is_empty());
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
        assert!(flow.catch_up(&of).await.unwrap().is_none(), "the list may be older than the watch");
        listing.release();
        drop(gate);
    };
    let (swept, ()) = futures::join!(flow.sweep(true), look);
    swept.unwrap();
    assert!(flow.catch_up(&of).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_says_why() {
    let story = settled(1).await;
    let of = the_watchable(&story).await;
    story.world.inject(Fault::fail(Kind::Unreachable).among(&[Point::Listing]));
    let swept = story.flow().catch_up(&of).await.unwrap().unwrap();
    assert!(swept.failed[0].1.is_retryable(), "{swept:?}");
}
