//! What becomes of changes that audit records told, when the flow has trouble.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::{Change, DigestKey, Kind, SecretValue};
use pawl_pipeline::{Pipeline, Settings};
use pawl_runtime::audit::feed;
use pawl_world::{Fault, Point, World, cluster, declaration, secrets_manager};
use std::sync::Arc;
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_looked_up_is_tried_again() {
    let world = world();
    let change = world.rotate("app/db", "new");
    world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup).times(3));
    sync(&world, [change]).await;
    assert_eq!(world.value("blue/shop/db", "value").as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_never_can_is_left_to_the_sweep() {
    let world = world();
    let change = world.rotate("app/db", "new");
    world.inject(Fault::fail(Kind::Unreachable).at(Point::Lookup));
    sync(&world, [change]).await;
    assert_eq!(world.value("blue/shop/db", "value"), None);
}

#[tokio::test(start_paused = true)]
async fn everything_that_was_taken_in_is_synced_before_the_end() {
    let world = world();
    let changes: Vec<Change> = (0..100).map(|number| world.rotate("app/db", format!("{number}"))).collect();
    sync(&world, changes).await;
    assert_eq!(world.value("blue/shop/db", "value").as_deref(), Some("99"));
}

fn world() -> World {
    let world = World::new();
    world.add_store(secrets_manager("aws"));
    world.add_cluster(cluster("blue"));
    world.declare(declaration("blue/shop/db").reads("app/db"));
    world
}

/// Returns when nothing is left of these changes.
async fn sync(world: &World, changes: impl IntoIterator<Item = Change>) {
    let key = DigestKey::new(SecretValue::new("a key of sixteen bytes or more")).unwrap();
    let pipeline = Pipeline::new(world.clone(), Settings::default(), key);
    let (near, far) = mpsc::channel(1000);
    for change in changes {
        near.try_send(change).unwrap();
    }
    drop(near);
    feed::sync(Arc::new(pipeline), far).await;
}
