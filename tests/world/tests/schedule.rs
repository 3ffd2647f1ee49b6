//! Schedules tell a story in every order, and find the order in which it goes wrong.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use futures::FutureExt;
use pawl_domain::SecretValue;
use pawl_domain::reconcile::{Action, Desired, Parts};
use pawl_ports::{Clusters, Error, Ledger, Part, Ports, Sources, TargetRef, Wanted};
use pawl_world::build::{at, cluster_name, id, namespace, object_name};
use pawl_world::{Point, Schedule, World, cluster, every_order, secrets_manager};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;

/// Passes so many gates, noting each.
async fn steps(world: World, name: &'static str, steps: usize, seen: &Mutex<String>) {
    for _ in 0..steps {
        world.ledger().mark(name).await.unwrap();
        seen.lock().unwrap().push_str(name);
    }
}

#[tokio::test(start_paused = true)]
async fn every_order_is_told_once() {
    for (a, b, want) in [(1, 1, 2), (2, 2, 6), (3, 2, 10), (4, 4, 70), (3, 0, 1)] {
        let told = Mutex::new(BTreeSet::new());
        let orders = every_order(async |schedule| {
            let (world, seen) = (World::new(), Mutex::new(String::new()));
            let tasks = [
                ("a", steps(world.seen_by("a"), "a", a, &seen).boxed()),
                ("b", steps(world.seen_by("b"), "b", b, &seen).boxed()),
            ];
            let ended = schedule.run(&world, &[Point::Mark], tasks).await;
            assert_eq!(ended, [Some(()), Some(())]);
            told.lock().unwrap().insert(seen.into_inner().unwrap());
        })
        .await;
        assert_eq!((orders, told.into_inner().unwrap().len()), (want, want), "{a} and {b} steps");
    }
}

#[tokio::test(start_paused = true)]
async fn one_order_can_be_followed() {
    for (order, want) in [
        (&["a", "a", "b", "b"][..], "aabb"),
        (&["b", "a", "b", "a"], "baba"),
        // Where the order says nothing, or nothing that can be, the longest waiting goes on.
        (&["b", "b", "b", "b"], "bbaa"),
        (&[], "abab"),
    ] {
        let (world, seen) = (World::new(), Mutex::new(String::new()));
        let tasks = [
            ("a", steps(world.seen_by("a"), "a", 2, &seen)),
            ("b", steps(world.seen_by("b"), "b", 2, &seen)),
        ];
        Schedule::follow(order).run(&world, &[Point::Mark], tasks).await;
        assert_eq!(*seen.lock().unwrap(), want, "{order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_may_be_killed_is_killed_at_each_of_its_gates() {
    let told = Mutex::new(Vec::new());
    let orders = every_order(async |schedule| {
        let (world, seen) = (World::new(), Mutex::new(String::new()));
        let tasks = [("a", steps(world.seen_by("a"), "a", 2, &seen))];
        let ended = schedule.with_mortal("a").run(&world, &[Point::Mark], tasks).await;
        told.lock().unwrap().push((seen.into_inner().unwrap(), ended[0].is_some()));
    })
    .await;
    assert_eq!(orders, 3);
    let want = [("aa", true), ("a", false), ("", false)].map(|(seen, ended)| (seen.to_owned(), ended));
    assert_eq!(told.into_inner().unwrap(), want);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_sleeps_goes_on_before_or_after_the_others() {
    let told = Mutex::new(BTreeSet::new());
    every_order(async |schedule| {
        let (world, seen) = (World::new(), Mutex::new(String::new()));
        let (a, b) = (world.seen_by("a"), world.seen_by("b"));
        let sleeps = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            steps(a, "a", 1, &seen).await;
        };
        schedule
            .run(&world, &[Point::Mark], [("a", sleeps.boxed()), ("b", steps(b, "b", 1, &seen).boxed())])
            .await;
        told.lock().unwrap().insert(seen.into_inner().unwrap());
    })
    .await;
    assert_eq!(told.into_inner().unwrap(), BTreeSet::from(["ab".to_owned(), "ba".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn tasks_within_tasks_stop_as_well() {
    let orders = every_order(async |schedule| {
        let world = World::new();
        let a = world.seen_by("a");
        let spawned = async move {
            let (left, right) = (a.clone(), a.clone());
            let left = tokio::spawn(async move { left.ledger().mark("left").await });
            let right = tokio::spawn(async move { right.ledger().mark("right").await });
            let (left, right) = (left.await.unwrap(), right.await.unwrap());
            left.and(right).unwrap()
        };
        schedule.run(&world, &[Point::Mark], [("a", spawned)]).await;
        assert_eq!(world.calls().marks, 2);
    })
    .await;
    assert_eq!(orders, 2);
}

/// The store turns a key over while a careless and a careful writer are at work: in some order the careless one
/// goes back, and no order exists in which the careful one does.
#[tokio::test(start_paused = true)]
async fn the_order_in_which_a_target_goes_back_is_found() {
    for (careful, goes_back) in [(false, true), (true, false)] {
        let found = Mutex::new(0);
        let orders = every_order(async |schedule| {
            let world = world();
            world.rotate("app/db", "1");
            write(&world, true).await.unwrap();
            world.rotate("app/db", "2");
            let turns = async {
                world.clusters().manifests(&cluster("blue").build()).await.unwrap();
                world.rotate("app/db", "3");
                write(&world.seen_by("b"), careful).await.unwrap();
            };
            let a = world.seen_by("a");
            let points = [Point::Manifests, Point::Read, Point::Fetch, Point::Write];
            let tasks = [("a", async { write(&a, careful).await.unwrap() }.boxed()), ("b", turns.boxed())];
            schedule.run(&world, &points, tasks).await;
            let history = world.clusters().history("blue/shop/db");
            let values: Vec<&str> = history.iter().map(|data| data["value"].as_str()).collect();
            if !values.is_sorted() || values.last() != Some(&"3") {
                *found.lock().unwrap() += 1;
            }
        })
        .await;
        let found = found.into_inner().unwrap();
        assert_eq!(found > 0, goes_back, "careful {careful}: {found} of {orders} orders went back");
        assert!(orders > 20, "{orders}");
    }
}

fn world() -> World {
    let world = World::new();
    world.add_cluster(cluster("blue"));
    world.clusters().ensure_namespace(&cluster_name("blue"), &namespace("shop"));
    world
}

/// The careful one looks, fetches, and writes on condition of what it saw. The careless one fetches first: its
/// condition holds although its value may be older than what it writes over.
async fn write(world: &World, careful: bool) -> Result<(), Error> {
    let (id, target) = (id("blue/shop/db"), object_name("db"));
    let access = secrets_manager("aws").build().access(&id.cluster, &id.namespace);
    let wanted = [Wanted {
        key: "app/db".to_owned(),
        selector: pawl_domain::VersionSelector::Current,
        part: Part::Value,
    }];
    let fetch = async || world.sources().fetch(&access, &wanted).await.remove(0);
    loop {
        let early = if careful { None } else { Some(fetch().await?) };
        let existing = world.clusters().read(TargetRef::secret(&id, &target)).await?;
        let fetched = match early {
            Some(fetched) => fetched,
            None => fetch().await?,
        };
        let data = BTreeMap::from([("value".to_owned(), SecretValue::new(fetched.value.expose()))]);
        let desired = Desired { data, ..Desired::default() };
        let action = match existing {
            None => Action::Create(desired),
            Some(existing) => Action::Update {
                resource_version: existing.resource_version,
                desired,
                parts: Parts { data: true, ..Parts::default() },
            },
        };
        match world.clusters().apply(TargetRef::secret(&id, &target), &action).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_story_that_fails_ends_with_its_own_message() {
    let story = every_order(async |schedule| {
        let world = World::new();
        let set = async |world: World, second| world.ledger().set_mark("m", at(second)).await.unwrap();
        let tasks = [("a", set(world.seen_by("a"), 1).boxed()), ("b", set(world.seen_by("b"), 2).boxed())];
        let first = Mutex::new(None);
        schedule.run(&world, &[Point::Mark], tasks).await;
        *first.lock().unwrap() = world.ledger().mark("m").await.unwrap();
        assert_eq!(*first.lock().unwrap(), Some(at(1)), "the mark");
    });
    let panic = AssertUnwindSafe(story).catch_unwind().await.unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("the mark"));
}
