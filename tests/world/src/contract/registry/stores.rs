use super::super::shuffled;
use super::put;
use crate::build::{
    cluster, cluster_name, declaration, generator, object_name, parameter_store, password, secrets_manager,
    store_id,
};
use pawl_domain::declaration::RefreshPolicy;
use pawl_domain::store::{Condition, LabelSelector};
use pawl_domain::{Generator, Home, Store, StoreId};
use pawl_ports::{Catalogue, Put, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) async fn kept_and_removed<R: Registry + Catalogue>(registry: &R) {
    let blue = Home::Cluster(cluster_name("blue"));
    let in_order: Vec<Store> = vec![
        secrets_manager("aws").build(),
        secrets_manager("aws-2").prefix("\u{1f511}/").build(),
        parameter_store("aws").namespaced("shop").build(),
        named("aws", password()),
        named("aws", generator(Generator::Uuid)),
        password(),
        parameter_store("aws").namespaced("shop-2").role("arn:aws:iam::111122223333:role/r").build(),
        secrets_manager("aws").home(blue.clone()).build(),
        secrets_manager("a").namespaced("shop").home(blue).build(),
        secrets_manager("aws").home(Home::Cluster(cluster_name("blue-2"))).build(),
    ];
    for store in shuffled(&in_order) {
        assert_eq!(
            registry.put_store(&store).await.unwrap(),
            Put::Created,
            "put of {} where nothing stood",
            store.id
        );
    }
    let ids: BTreeSet<StoreId> = in_order.iter().map(|store| store.id.clone()).collect();
    let asked = ids.iter().cloned().chain([store_id("unknown")]).collect();
    let found = registry.stores(&asked).await.unwrap();
    assert_eq!(found, in_order, "stores come in ascending order, unknown ones are left out");
    assert_eq!(registry.stores(&BTreeSet::new()).await.unwrap(), [], "no ids have no stores");
    let swept: Vec<_> = registry.swept_stores().await.unwrap().into_iter().map(|swept| swept.store).collect();
    assert_eq!(swept, in_order, "every store is swept, in ascending order");

    let selector =
        LabelSelector { labels: BTreeMap::from([("team".into(), "shop".into())]), expressions: vec![] };
    let condition = Condition { selector: Some(selector), ..Condition::default() };
    let edited = secrets_manager("aws").condition(condition).build();
    let only = BTreeSet::from([edited.id.clone()]);
    assert_eq!(registry.put_store(&in_order[0]).await.unwrap(), Put::Unchanged, "put of the same store");
    assert_eq!(registry.put_store(&edited).await.unwrap(), Put::Changed, "put of another store");
    assert_eq!(
        registry.stores(&only).await.unwrap(),
        std::slice::from_ref(&edited),
        "the store that was put last stands"
    );
    assert!(registry.remove_store(&edited.id).await.unwrap(), "remove of a store that stood");
    assert!(!registry.remove_store(&edited.id).await.unwrap(), "remove of a store that was removed");
    assert_eq!(registry.stores(&only).await.unwrap(), [], "a removed store stands no more");
    assert_eq!(registry.stores(&ids).await.unwrap(), in_order[1..], "the other stores stay");
}

/// The same by another name: each kind of generator has names of its own, and so have stores.
fn named(name: &str, store: Store) -> Store {
    let id = StoreId { name: object_name(name), ..store.id.clone() };
    Store { id, ..store }
}

pub(super) async fn swept<R: Registry + Catalogue>(registry: &R) {
    let early = declaration("blue/shop/early").reads("a").of("two").every(Duration::from_secs(90)).build();
    put(registry, &early, &["a"]).await;
    for name in ["none", "once", "one", "two"] {
        registry.put_store(&secrets_manager(name).build()).await.unwrap();
    }
    assert_eq!(
        interval(registry, "two").await,
        Some(secs(90)),
        "declarations that came before their store count"
    );
    assert_eq!(interval(registry, "none").await, None, "a store that nobody reads has no interval");

    for (name, policy, interval) in [
        ("created-once", RefreshPolicy::CreatedOnce, 5),
        ("on-change", RefreshPolicy::OnChange, 5),
        ("zero", RefreshPolicy::Periodic, 0),
    ] {
        let once =
            declaration(&format!("blue/once/{name}")).reads("a").of("once").refresh(policy, secs(interval));
        put(registry, &once.build(), &["a"]).await;
    }
    assert_eq!(interval(registry, "once").await, None, "what is read once asks for no sweep");

    for (name, seconds) in [("b", 3600), ("c", 60), ("d", 86_400)] {
        let read = declaration(&format!("blue/shop/{name}")).reads("a").of("one").reads("b").of("one");
        put(registry, &read.every(secs(seconds)).build(), &["a"]).await;
    }
    assert_eq!(interval(registry, "one").await, Some(secs(60)), "the shortest interval counts");
    assert_eq!(interval(registry, "two").await, Some(secs(90)), "each store has its own");
    let both = declaration("blue/shop/e").reads("a").of("one").reads("b").of("two").every(secs(30)).build();
    put(registry, &both, &["a"]).await;
    for name in ["one", "two"] {
        assert_eq!(
            interval(registry, name).await,
            Some(secs(30)),
            "a declaration counts for each of its stores"
        );
    }
    let precise = Duration::new(7, 123_000_000);
    put(registry, &declaration("blue/shop/c").reads("a").of("one").every(precise).build(), &["a"]).await;
    let shown = interval(registry, "one").await.unwrap();
    assert!(shown <= precise && shown >= secs(7), "parts of seconds never make it longer: {shown:?}");

    // What is gone may still make the interval shorter, but nothing may make it longer than the truth.
    registry.remove(&both.id).await.unwrap();
    let shown = interval(registry, "two").await;
    assert!(shown.is_some_and(|shown| shown <= secs(90)), "after a removal it is never longer: {shown:?}");
    put(registry, &declaration("blue/shop/c").reads("a").of("two").every(secs(40)).build(), &["a"]).await;
    let shown = interval(registry, "two").await;
    assert!(shown.is_some_and(|shown| shown <= secs(40)), "after an edit it is never longer: {shown:?}");
    let shown = interval(registry, "one").await;
    assert!(
        shown.is_some_and(|shown| shown <= secs(3600)),
        "the store that was left is never longer: {shown:?}"
    );

    let twins = ["twin-a", "twin-b", "twin-c"]
        .map(|name| declaration(&format!("blue/shop/{name}")).reads("a").of("none").every(secs(10)).build());
    for twin in &twins {
        put(registry, twin, &["a"]).await;
    }
    registry.remove(&twins[0].id).await.unwrap();
    put(registry, &declaration("blue/shop/twin-b").reads("a").of("none").every(secs(20)).build(), &["a"])
        .await;
    let shown = interval(registry, "none").await;
    assert!(
        shown.is_some_and(|shown| shown <= secs(10)),
        "one of many with the same interval still counts: {shown:?}"
    );

    registry.remove_store(&store_id("two")).await.unwrap();
    registry.put_store(&secrets_manager("two").build()).await.unwrap();
    let shown = interval(registry, "two").await;
    assert!(shown.is_some_and(|shown| shown <= secs(40)), "declarations outlive their store: {shown:?}");
}

pub(super) async fn clusters<R: Registry + Catalogue>(registry: &R) {
    assert_eq!(registry.clusters().await.unwrap(), [], "a new registry has no clusters");
    let in_order = [
        cluster("blue").label("tier", "\u{1f511}").build(),
        cluster("blue-2").indexed().build(),
        cluster("blue.example").build(),
        cluster("green").build(),
    ];
    for cluster in shuffled(&in_order) {
        let put = registry.put_cluster(&cluster).await.unwrap();
        assert_eq!(put, Put::Created, "put of the cluster {} where nothing stood", cluster.name);
    }
    assert_eq!(registry.clusters().await.unwrap(), in_order, "clusters come whole, in ascending order");
    assert_eq!(registry.put_cluster(&in_order[3]).await.unwrap(), Put::Unchanged, "put of the same cluster");
    let edited = cluster("green").indexed().build();
    assert_eq!(registry.put_cluster(&edited).await.unwrap(), Put::Changed, "put of another cluster");
    put(registry, &declaration("blue/shop/db").reads("a").build(), &["a"]).await;
    assert!(registry.remove_cluster(&in_order[0].name).await.unwrap(), "remove of a cluster that stood");
    assert!(
        !registry.remove_cluster(&in_order[0].name).await.unwrap(),
        "remove of a cluster that was removed"
    );
    let left = [in_order[1].clone(), in_order[2].clone(), edited];
    assert_eq!(registry.clusters().await.unwrap(), left, "the other clusters stay");
    let found = super::found(registry, &["a"]).await;
    assert_eq!(found, ["blue/shop/db"], "a cluster's declarations outlive it");
}

async fn interval<R: Registry>(registry: &R, name: &str) -> Option<Duration> {
    let swept = registry.swept_stores().await.unwrap();
    let found = swept.into_iter().find(|swept| swept.store.id == store_id(name));
    found.unwrap_or_else(|| panic!("the store {name} is not swept")).interval
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
