//! The registry follows git and the clusters.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{HOUR, MINUTE, Story, applying, pruning};
use pawl_domain::store::{Condition, Home};
use pawl_domain::{Declaration, Kind, Manifests, Problem, Severity, Standing, Store};
use pawl_ports::{Ports, Put};
use pawl_world::build::StoreBuilder;
use pawl_world::{Fault, Point, World, cluster, declaration, secrets_manager};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

fn manifests(declarations: Vec<Declaration>) -> Manifests {
    Manifests {
        declarations,
        stores: vec![secrets_manager("aws").into()],
        clusters: vec![cluster("blue").into()],
        ..Manifests::default()
    }
}

fn reading(id: &str, key: &str) -> Declaration {
    declaration(id).reads(key).build()
}

async fn work_off(story: &Story) {
    for job in story.world.jobs().take() {
        story.flow().deliver(&job).await.unwrap();
    }
}

fn with_namespace(story: &Story, namespace: &str) {
    let clusters = story.world.clusters();
    clusters.ensure_namespace(&"blue".parse().unwrap(), &namespace.parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_is_applied_is_written_and_what_stays_the_same_is_left() {
    let story = Story::new();
    with_namespace(&story, "shop");
    story.world.rotate("app/db", story.value(1));
    let report =
        story.flow().index(manifests(vec![reading("blue/shop/db", "app/db")]), &applying()).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(matches!(report.declarations[0].1, Ok(Put::Created)));
    work_off(&story).await;
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));

    let report =
        story.flow().index(manifests(vec![reading("blue/shop/db", "app/db")]), &applying()).await.unwrap();
    assert!(matches!(report.declarations[0].1, Ok(Put::Unchanged)));
    assert!(story.world.jobs().take().is_empty());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_edited_manifest_moves_its_target_and_takes_the_former_one_away() {
    let story = Story::new();
    with_namespace(&story, "shop");
    story.world.rotate("app/db", story.value(1));
    let before = declaration("blue/shop/db").reads("app/db").target("before").build();
    story.flow().index(manifests(vec![before]), &applying()).await.unwrap();
    work_off(&story).await;
    assert!(!story.world.data("blue/shop/before").is_empty());
    let after = declaration("blue/shop/db").reads("app/db").target("after").build();
    story.flow().index(manifests(vec![after]), &applying()).await.unwrap();
    work_off(&story).await;
    assert!(story.world.data("blue/shop/before").is_empty());
    assert_eq!(story.world.value("blue/shop/after", "value"), Some(story.value(1)));
}

#[tokio::test(start_paused = true)]
async fn prune_removes_what_is_not_given_and_spares_what_could_not_be_read() {
    let story = Story::new();
    with_namespace(&story, "shop");
    for key in ["app/a", "app/b", "app/c"] {
        story.world.rotate(key, story.value(1));
    }
    let all = ["a", "b", "c"].map(|name| reading(&format!("blue/shop/{name}"), &format!("app/{name}")));
    story.flow().index(manifests(all.to_vec()), &applying()).await.unwrap();
    work_off(&story).await;
    let mut given = manifests(vec![all[0].clone()]);
    given.problems.push(Problem {
        severity: Severity::Error,
        place: "shop.yaml".into(),
        object: "ExternalSecret shop/b".into(),
        field: "spec.data[0]".into(),
        message: "is wrong".into(),
    });
    let report = story.flow().index(given, &pruning()).await.unwrap();
    assert_eq!(report.removed.len(), 1);
    assert_eq!(report.removed[0].0.to_string(), "blue/shop/c");
    assert!(story.world.data("blue/shop/c").is_empty(), "it was owned, so it goes");
    assert!(!story.world.data("blue/shop/a").is_empty());
    assert!(!story.world.data("blue/shop/b").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_declaration_stays_until_its_secret_could_be_removed() {
    let story = Story::new();
    with_namespace(&story, "shop");
    story.world.rotate("app/a", story.value(1));
    story.flow().index(manifests(vec![reading("blue/shop/a", "app/a")]), &applying()).await.unwrap();
    work_off(&story).await;
    story.world.inject(Fault::down("blue"));
    let report = story.flow().index(manifests(Vec::new()), &pruning()).await.unwrap();
    assert!(report.removed[0].1.is_err());
    story.world.mend_all();
    let report = story.flow().index(manifests(Vec::new()), &pruning()).await.unwrap();
    assert!(report.removed[0].1.is_ok());
    assert!(story.world.data("blue/shop/a").is_empty());
}

#[tokio::test(start_paused = true)]
async fn declarations_follow_a_store_that_changes() {
    let story = Story::new();
    with_namespace(&story, "shop");
    story.world.rotate("app/a", story.value(1));
    story.flow().index(manifests(vec![reading("blue/shop/a", "app/a")]), &applying()).await.unwrap();
    work_off(&story).await;
    let elsewhere: Store = secrets_manager("aws").region("us-east-1").into();
    let value = story.value(2);
    story.world.rotate_at(&elsewhere.location(), "app/a", value.clone());
    let only_store = Manifests { stores: vec![elsewhere], ..Manifests::default() };
    story.flow().index(only_store, &applying()).await.unwrap();
    work_off(&story).await;
    assert_eq!(story.world.value("blue/shop/a", "value"), Some(value));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_cluster_is_refused_for_that_declaration_alone() {
    let story = Story::new();
    with_namespace(&story, "shop");
    let given = manifests(vec![reading("blue/shop/a", "app/a"), reading("mauve/shop/a", "app/a")]);
    let report = story.flow().index(given, &applying()).await.unwrap();
    assert!(report.declarations[0].1.is_ok());
    let error = report.declarations[1].1.as_ref().unwrap_err();
    assert_eq!(error.to_string(), "cluster mauve is not known; apply a Cluster of this name");
    assert!(!report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn of_two_manifests_with_one_name_the_first_is_used_and_the_other_named() {
    let story = Story::new();
    with_namespace(&story, "shop");
    let given = manifests(vec![reading("blue/shop/a", "app/a"), reading("blue/shop/a", "app/b")]);
    let report = story.flow().index(given, &applying()).await.unwrap();
    assert_eq!(report.declarations.len(), 1);
    assert_eq!(
        report.problems[0].to_string(),
        "all manifests together: ExternalSecret shop/a: it is declared twice for cluster blue; the first one is \
         used, remove the other"
    );
    assert!(!report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_registry_and_queue_is_found_by_the_sweep() {
    let story = Story::new();
    with_namespace(&story, "shop");
    story.world.rotate("app/a", story.value(1));
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Enqueue));
    let report =
        story.flow().index(manifests(vec![reading("blue/shop/a", "app/a")]), &applying()).await.unwrap();
    assert!(!report.is_complete());
    story.world.mend_all();
    story.world.advance(std::time::Duration::from_secs(60));
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value("blue/shop/a", "value"), Some(story.value(1)));
    story.end();
}

/// A cluster that is indexed, with one ExternalSecret `shop/a` that reads `app/a` from the store `aws` of its own.
fn living_in(world: &World, name: &str) {
    living_beside(world, name, Vec::new());
}

/// The same, with more stores of its own.
fn living_beside(world: &World, name: &str, others: Vec<StoreBuilder>) {
    world.add_cluster(cluster(name).indexed());
    let home = Home::Cluster(name.parse().unwrap());
    let own = |store: StoreBuilder| store.home(home.clone()).build();
    let stores: Vec<Store> = std::iter::once(secrets_manager("aws")).chain(others).map(own).collect();
    let each = declaration(&format!("{name}/shop/a")).home(home.clone()).uid("u").reads("app/a");
    let standing = stores.iter().map(|store| (store.id.clone(), Standing::default())).collect();
    let found = Manifests {
        declarations: vec![each.of_store(stores[0].id.clone()).build()],
        stores,
        standing,
        ..Manifests::default()
    };
    world.clusters().set_manifests(&name.parse().unwrap(), found);
    world.clusters().ensure_namespace(&name.parse().unwrap(), &"shop".parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_read_hides_no_other_and_loses_nothing() {
    let story = Story::new();
    let world: &World = &story.world;
    for name in ["blue", "green"] {
        living_in(world, name);
    }
    world.rotate("app/a", story.value(1));
    world.inject(Fault::fail(Kind::Unreachable).at(Point::Manifests).on("blue"));
    let reports = story.flow().index_clusters().await.unwrap();
    assert!(reports[0].1.is_err() && reports[1].1.is_ok(), "{reports:?}");
    work_off(&story).await;
    assert_eq!(story.world.value("green/shop/a", "value"), Some(story.value(1)));
    world.mend_all();
    story.flow().index_clusters().await.unwrap();
    work_off(&story).await;
    assert_eq!(story.world.value("blue/shop/a", "value"), Some(story.value(1)));
    story.end();
}

/// More of them than are indexed at the same time, and first in the order of names.
#[tokio::test(start_paused = true)]
async fn clusters_that_hang_while_they_are_indexed_hold_up_no_other_and_are_given_up() {
    let story = Story::new();
    let world: &World = &story.world;
    for number in 0..15 {
        let name = format!("a-{number:02}");
        living_in(world, &name);
        world.inject(Fault::slow(HOUR).at(Point::Manifests).on(&name));
    }
    for number in 0..30 {
        living_in(world, &format!("b-{number:02}"));
    }
    world.rotate("app/a", story.value(1));
    let (flow, begun) = (story.flow(), Instant::now());
    let passing = async {
        let reports = flow.index_clusters().await.unwrap();
        (reports, begun.elapsed())
    };
    let written = async {
        while world.data("b-29/shop/a").is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            work_off(&story).await;
        }
        begun.elapsed()
    };
    let ((reports, passed), took) = futures::join!(passing, written);
    assert!(took < Duration::from_secs(10), "the others waited {took:?}");
    assert!(passed < MINUTE, "the next index is due, and this one took {passed:?}");
    let names: Vec<_> = reports.iter().map(|(name, _)| name.to_string()).collect();
    assert!(names.is_sorted() && names.len() == 45, "{names:?}");
    for (name, report) in &reports {
        let hung = name.as_str().starts_with("a-");
        assert_eq!(
            report.as_ref().err().map(|error| error.kind),
            hung.then_some(Kind::Unreachable),
            "{name}"
        );
    }
    // Those that hang again and again are left alone for a while.
    for _ in 0..2 {
        flow.index_clusters().await.unwrap();
    }
    world.forget_calls();
    flow.index_clusters().await.unwrap();
    assert_eq!(world.calls().manifest_lists, 30, "none of those that hang is asked");

    world.mend_all();
    world.advance(MINUTE);
    flow.index_clusters().await.unwrap();
    work_off(&story).await;
    assert_eq!(world.value("a-00/shop/a", "value"), Some(story.value(1)));
    story.end();
}

/// So many stores that hang that there is no time for the others, which have their turn another time.
#[tokio::test(start_paused = true)]
async fn stores_that_do_not_answer_keep_no_index_from_ending_and_no_store_from_being_told() {
    let story = Story::new();
    let world: &World = &story.world;
    let slow = secrets_manager("slow").region("eu-west-9");
    let hang = (0..60).map(|number| secrets_manager(&format!("a-{number:02}")).region("eu-west-9"));
    let well = (0..60).map(|number| secrets_manager(&format!("b-{number:02}")));
    living_beside(world, "blue", hang.chain(well).collect());
    world.inject(Fault::slow(HOUR).at(Point::Validate).on(&slow.build().location().to_string()));
    let flow = story.flow();
    for _ in 0..30 {
        let begun = Instant::now();
        flow.index_clusters().await.unwrap();
        assert!(begun.elapsed() < MINUTE, "the next index is due, and this took {:?}", begun.elapsed());
    }
    let told = world.clusters().told_stores(&"blue".parse().unwrap());
    let told: BTreeSet<_> = told.into_iter().map(|(id, _)| id).collect();
    assert_eq!(told.len(), 61, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_index_that_has_no_time_left_says_so_and_the_next_one_goes_on() {
    let story = Story::new();
    let world: &World = &story.world;
    living_in(world, "blue");
    world.rotate("app/a", story.value(1));
    for hangs in [Point::Manifests, Point::Catalogue, Point::Record] {
        world.inject(Fault::slow(HOUR).at(hangs));
        let begun = Instant::now();
        let timed = story.flow().until(begun + Duration::from_secs(5));
        let reports = timed.index_clusters().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(5), "{hangs:?}");
        assert_eq!(reports[0].1.as_ref().unwrap_err().kind, Kind::Unreachable, "{hangs:?}");
        world.mend_all();
    }
    story.flow().index_clusters().await.unwrap();
    work_off(&story).await;
    assert_eq!(world.value("blue/shop/a", "value"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_the_store_does_not_admit_is_refused() {
    let story = Story::new();
    let mut store: Store = secrets_manager("aws").into();
    store.conditions = vec![Condition { namespaces: ["shop".to_owned()].into(), ..Condition::default() }];
    story.world.add_store(store);
    story.declare("blue/shop/db", "app/db");
    story.declare("blue/other/db", "app/db");
    let report = story.flow().sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let refused: Vec<_> = report.failures().map(|(id, error)| (id.to_string(), error.to_string())).collect();
    assert_eq!(
        refused,
        [(
            "blue/other/db".to_owned(),
            "error processing spec.data[0] (key: app/db), err: using cluster store \"aws\" is not allowed from namespace \"other\": denied by spec.conditions; add \
             the namespace there or use another store"
                .to_owned()
        )]
    );
    assert!(story.world.data("blue/other/db").is_empty());
}
