//! What one tenant, store or cluster does not answer is no other's concern.

use super::{HOUR, MINUTE, settled};
use crate::story::Story;
use pawl_domain::store::{AwsAuth, Backend};
use pawl_domain::{Kind, Outcome, Store, StoreId};
use pawl_ports::{Clock, Ports};
use pawl_world::{Fault, Point, cluster, declaration, secrets_manager, vault};
use std::time::Duration;

/// A SecretStore of a namespace, in a region of its own, read with an identity of that namespace.
fn own(namespace: &str, name: &str, region: &str) -> Store {
    let key = |key: &str| pawl_domain::store::SecretKeyRef {
        name: "aws".parse().unwrap(),
        key: key.to_owned(),
        namespace: None,
    };
    let auth =
        AwsAuth::Static { access_key_id: key("id"), secret_access_key: key("key"), session_token: None };
    secrets_manager(name).namespaced(namespace).region(region).auth(auth).build()
}

/// A declaration that reads one key of such a store, written once and swept.
async fn tenant(story: &Story, namespace: &str, name: &str, region: &str) -> Store {
    let store = own(namespace, name, region);
    story.world.add_store(store.clone());
    let id: StoreId = store.id.clone();
    story.world.declare(declaration(&format!("blue/{namespace}/{name}")).reads("app/db").of_store(id));
    story.world.rotate_at(&store.location(), "app/db", story.value(1));
    store
}

#[tokio::test(start_paused = true)]
async fn slow_stores_of_one_tenant_hold_up_no_other() {
    let story = Story::new();
    for number in 0..100 {
        tenant(&story, "slow", &format!("s-{number:03}"), "eu-west-1").await;
    }
    let store = tenant(&story, "shop", "mine", "eu-west-2").await;
    story.flow().sweep(true).await.unwrap();
    for job in story.world.jobs().take() {
        story.flow().deliver(&job).await.unwrap();
    }
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    story.world.advance(HOUR);
    story.world.rotate_at(&store.location(), "app/db", story.value(2));
    let slow = own("slow", "s", "eu-west-1").location().to_string();
    story.world.inject(Fault::slow(Duration::from_secs(30)).at(Point::Listing).on(&slow));
    let (flow, begun) = (story.flow(), tokio::time::Instant::now());
    let written = async {
        while story.world.value("blue/shop/mine", "value") != Some(story.value(2)) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        begun.elapsed()
    };
    let passing = async {
        flow.sweep(false).await.unwrap();
        begun.elapsed()
    };
    let (passed, took) = futures::join!(passing, written);
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    // There are only so many passes at once, so each must end: one visit, and the wait for it.
    assert!(passed < Duration::from_secs(40), "the pass took {passed:?}");
}

/// What found no place in one pass finds it in another.
#[tokio::test(start_paused = true)]
async fn each_of_many_slow_stores_of_one_tenant_has_its_turn() {
    let story = Story::new();
    for number in 0..100 {
        tenant(&story, "slow", &format!("s-{number:03}"), &format!("eu-west-{number}")).await;
    }
    story.flow().sweep(true).await.unwrap();
    story.work_off().await;
    for number in 0..100 {
        let location = own("slow", "s", &format!("eu-west-{number}")).location();
        story.world.rotate_at(&location, "app/db", story.value(2));
    }
    story.world.inject(Fault::slow(Duration::from_secs(30)).at(Point::Listing));
    let flow = story.flow();
    for _ in 0..60 {
        story.world.advance(HOUR + Duration::from_secs(1));
        flow.sweep(false).await.unwrap();
        story.work_off().await;
    }
    for number in 0..100 {
        let id = format!("blue/slow/s-{number:03}");
        assert_eq!(story.world.value(&id, "value"), Some(story.value(2)), "{id}");
    }
}

/// A deployment of functions makes one pass at a time, so a pass that is longer than its period keeps everybody's next one
/// from beginning. What is cut off is delivered by the queue, or nobody would be told that it is stale.
#[tokio::test(start_paused = true)]
async fn a_pass_ends_within_its_period_although_stores_take_minutes_for_a_call() {
    let story = Story::new();
    let at = |number: usize| {
        let mut store = vault(&format!("s-{number:03}"));
        store.id.namespace = Some("slow".parse().unwrap());
        let Backend::Vault(spec) = &mut store.backend else { unreachable!("a Vault") };
        spec.server = format!("https://vault-{number}.example.com");
        store
    };
    for store in (0..20).map(at) {
        let id = format!("blue/slow/{}", store.id.name);
        story.world.rotate_at(&store.location(), "secret/app/db", story.value(1));
        story.world.declare(declaration(&id).reads("app/db").of_store(store.id.clone()));
        story.world.add_store(store);
    }
    let flow = story.flow();
    flow.sweep(true).await.unwrap();
    story.work_off().await;
    for store in (0..20).map(at) {
        story.world.rotate_at(&store.location(), "secret/app/db", story.value(2));
    }
    story.world.inject(Fault::slow(4 * MINUTE).at(Point::Versions));
    story.world.inject(Fault::slow(4 * MINUTE).at(Point::Fetch));
    for _ in 0..12 {
        story.world.advance(HOUR + MINUTE);
        let began = tokio::time::Instant::now();
        flow.sweep(false).await.unwrap();
        assert!(began.elapsed() < MINUTE, "the pass took {:?}", began.elapsed());
        story.work_off().await;
    }
    for number in 0..20 {
        let id = format!("blue/slow/s-{number:03}");
        assert_eq!(story.world.value(&id, "value"), Some(story.value(2)), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn clusters_that_do_not_answer_are_compared_side_by_side_with_the_others() {
    let story = settled(1).await;
    for number in 0..10 {
        let name = format!("gone-{number}");
        story.world.add_cluster(cluster(&name));
        story.world.inject(Fault::slow(Duration::from_secs(10)).on(&name));
        story.world.inject(Fault::down(&name));
    }
    story.world.clusters().edit("blue/shop/db-000", |secret| secret.set("value", "by hand"));
    let begun = tokio::time::Instant::now();
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!((swept.failed.len(), swept.report.count(Outcome::Written)), (10, 1), "{swept:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

/// What failed and is due does not wait for the listings of stores, nor for the look at clusters.
#[tokio::test(start_paused = true)]
async fn a_retry_that_is_due_is_held_up_by_no_slow_store_or_cluster() {
    let story = Story::new();
    for number in 0..20 {
        tenant(&story, "slow", &format!("s-{number:02}"), &format!("eu-west-{number}")).await;
    }
    story.flow().sweep(true).await.unwrap();
    story.declare("blue/shop/db", "app/db");
    story.world.inject(Fault::fail(Kind::Invalid).at(Point::Fetch));
    story.flow().sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    assert!(story.world.data("blue/shop/db").is_empty());
    story.world.mend_all();

    for number in 0..20 {
        story.world.add_cluster(cluster(&format!("slow-{number}")));
    }
    story.world.advance(2 * HOUR);
    let slow = Fault::slow(Duration::from_secs(30));
    story.world.inject(slow.among(&[Point::Listing, Point::Managed, Point::Versions]));
    let (flow, begun) = (story.flow(), tokio::time::Instant::now());
    let written = async {
        while story.world.data("blue/shop/db").is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        begun.elapsed()
    };
    let (swept, took) = futures::join!(flow.sweep(false), written);
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    assert!(begun.elapsed() >= Duration::from_secs(30), "the sweep was slow: {swept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_costs_one_call_per_period_and_not_one_per_declaration() {
    let story = Story::new();
    for number in 0..50 {
        story.declare(&format!("blue/shop/db-{number:03}"), "app/db");
    }
    story.world.inject(Fault::down("blue"));
    let change = story.world.rotate("app/db", story.value(1));
    let flow = story.flow();
    flow.sync(&change).await.unwrap();
    story.world.advance(MINUTE);
    flow.sweep(false).await.unwrap();
    story.world.forget_calls();
    story.world.advance(10 * MINUTE);
    flow.sweep(false).await.unwrap();
    let asked = story.world.calls().cluster_calls();
    assert!(asked <= 4, "{asked} calls to a cluster that does not answer");

    story.world.mend_all();
    for _ in 0..2 {
        story.world.advance(10 * MINUTE);
        flow.sweep(false).await.unwrap();
    }
    assert_eq!(story.world.value("blue/shop/db-049", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn a_failed_declaration_is_looked_at_as_any_other_when_a_forged_event_made_it_fail() {
    let story = settled(1).await;
    let flow = story.flow();
    flow.sweep(false).await.unwrap();
    let mut forged = story.world.rotate("app/key-0", story.value(2));
    flow.sync(&forged).await.unwrap();
    forged.version = Some("never-there".to_owned());
    forged.at = story.world.clock().now();
    for _ in 0..8 {
        let _ = flow.sync(&forged).await;
        for job in story.world.jobs().take() {
            let _ = flow.deliver(&job).await;
        }
    }
    // The next rotation's event is lost.
    story.world.advance(HOUR);
    story.world.rotate("app/key-0", story.value(3));
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/db-000", "value"), Some(story.value(3)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_listed_does_not_keep_the_others_from_being_swept() {
    let story = settled(1).await;
    tenant(&story, "shop", "mine", "eu-west-2").await;
    story.flow().sweep(true).await.unwrap();
    story.world.advance(HOUR);
    let broken = own("shop", "mine", "eu-west-2").location().to_string();
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Listing).on(&broken));
    story.world.rotate("app/key-0", story.value(2));
    let swept = story.flow().sweep(false).await.unwrap();
    assert_eq!(swept.failed.len(), 1, "{swept:?}");
    assert_eq!(story.world.value("blue/shop/db-000", "value"), Some(story.value(2)));
}
