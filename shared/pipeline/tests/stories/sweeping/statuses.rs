//! Stores that live in clusters are told how they are by sweeps, where the index may not have their identities.

use crate::story::{MINUTE, Story, flow};
use pawl_domain::{Home, Kind, Manifests, Namespace, Standing, Store, StoreId};
use pawl_pipeline::Settings;
use pawl_ports::{Ports, Validity};
use pawl_world::build::cluster_name;
use pawl_world::{Fault, Point, World, cluster, secrets_manager};
use std::time::Duration;

fn settings() -> Settings {
    Settings { store_status_interval: Some(Duration::from_secs(300)), ..Settings::default() }
}

/// The indexed cluster blue with these SecretStores.
fn stage(stores: impl IntoIterator<Item = (String, &'static str)>) -> Story {
    let story = Story::new();
    story.world.add_cluster(cluster("blue").indexed());
    let home = Home::Cluster(cluster_name("blue"));
    let build = |(name, namespace): (String, &str)| {
        secrets_manager(&name).namespaced(namespace).home(home.clone()).build()
    };
    let stores: Vec<Store> = stores.into_iter().map(build).collect();
    let standing = stores.iter().map(|store| (store.id.clone(), Standing::default())).collect();
    let found = Manifests { stores, standing, ..Manifests::default() };
    story.world.clusters().set_manifests(&cluster_name("blue"), found);
    story
}

fn told(world: &World) -> Vec<(StoreId, Validity)> {
    let told = world.clusters().told_stores(&cluster_name("blue"));
    told.into_iter().map(|(id, status)| (id, status.validity)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_index_proves_no_identity_where_sweeps_validate() {
    let story = stage([("aws".to_owned(), "shop")]);
    let flow = flow(&story.world, settings());
    flow.index_clusters().await.unwrap();
    let calls = story.world.calls();
    assert_eq!((calls.validations, calls.store_calls(), calls.accounts), (0, 0, 0), "{calls:?}");
    assert!(told(&story.world).is_empty());

    flow.sweep(false).await.unwrap();
    let all = told(&story.world);
    assert!(matches!(all.as_slice(), [(_, Validity::Valid)]), "{all:?}");
    assert_eq!(story.world.calls().validations, 1);

    // Not at each sweep, and no index in between.
    for (minutes, want) in [(1, 1), (3, 1), (2, 2)] {
        story.world.advance(minutes * MINUTE);
        flow.index_clusters().await.unwrap();
        flow.sweep(false).await.unwrap();
        let calls = story.world.calls();
        assert_eq!((calls.validations, calls.store_lists), (want, want), "{minutes} minutes later");
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_the_index_validates_and_sweeps_do_not() {
    let story = stage([("aws".to_owned(), "shop")]);
    story.flow().sweep(true).await.unwrap();
    assert_eq!((story.world.calls().validations, story.world.calls().store_lists), (0, 0));
    story.flow().index_clusters().await.unwrap();
    assert_eq!((story.world.calls().validations, told(&story.world).len()), (1, 1));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_fails_no_sweep_and_is_asked_again() {
    let story = stage([("aws".to_owned(), "shop")]);
    let flow = flow(&story.world, settings());
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Manifests).on("blue").times(1));
    let swept = flow.sweep(false).await.unwrap();
    assert!(swept.failed.is_empty(), "{:?}", swept.failed);
    assert!(told(&story.world).is_empty());
    story.world.advance(MINUTE);
    flow.sweep(false).await.unwrap();
    assert_eq!(told(&story.world).len(), 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn many_stores_of_one_namespace_come_after_the_first_of_all_others() {
    let many = (0..100).map(|number| (format!("store-{number}"), "evil"));
    let story = stage(many.chain([("aws".to_owned(), "shop")]));
    flow(&story.world, settings()).sweep(false).await.unwrap();
    let all = told(&story.world);
    assert_eq!(all.len(), 101);
    let shop: Namespace = "shop".parse().unwrap();
    let place = all.iter().position(|(id, _)| id.namespace.as_ref() == Some(&shop)).unwrap();
    assert!(place < 16, "told as number {place}");
    story.end();
}
