//! An index may be interrupted, raced or refused anywhere: nothing that was declared is lost, and nothing else goes.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, applying, flow, manifests, patient, pruning};
use futures::FutureExt;
use pawl_domain::declaration::RefreshPolicy;
use pawl_domain::store::Home;
use pawl_domain::{Declaration, Kind, Manifests, Outcome, Problem, Severity, Store};
use pawl_pipeline::Sightings;
use pawl_pipeline::index::IndexReport;
use pawl_ports::{Catalogue, Declared, Error, Ports, Registry, Sighting};
use pawl_world::{Fault, Point, cluster, declaration, every_order, secrets_manager};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::Notify;

const ID: &str = "blue/shop/a";

fn reading(key: &str) -> Declaration {
    declaration(ID).reads(key).build()
}

/// The store `aws`, moved to another region.
fn elsewhere() -> Store {
    secrets_manager("aws").region("us-east-1").into()
}

/// `app/a` is declared and written; in the other region its value is 2.
async fn written() -> Story {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/a", story.value(1));
    story.flow().index(manifests(vec![reading("app/a")]), &applying()).await.unwrap();
    story.work_off().await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.world.rotate_at(&elsewhere().location(), "app/a", story.value(2));
    story
}

fn moved() -> Manifests {
    Manifests { stores: vec![elsewhere()], ..manifests(vec![reading("app/a")]) }
}

/// An event of the other region finds the declaration, whatever sweeps do.
async fn assert_followed(story: &Story) {
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    let change = story.world.rotate_at(&elsewhere().location(), "app/a", story.value(3));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1, "an event of the new region finds it: {report:?}");
    assert_eq!(story.world.value(ID, "value"), Some(story.value(3)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_changed_store_is_followed_whichever_call_of_the_ledger_or_registry_fails_once() {
    for point in [Point::Entries, Point::Record, Point::Catalogue, Point::Lookup] {
        for passed in 0..6 {
            let story = written().await;
            let world = story.world.seen_by("a");
            let flow_a = flow(&world, patient());
            let gate = story.world.gate(point);
            let apply = applying();
            let index = flow_a.index(moved(), &apply);
            // Lets the first calls pass, then one fails.
            let watch = async {
                for _ in 0..passed {
                    gate.arrived().await.release();
                }
                let last = gate.arrived().await;
                story.world.inject(Fault::fail(Kind::Throttled).at(point).times(1));
                last.release();
                drop(gate);
            };
            tokio::select! {
                _ = async { futures::join!(index, watch) } => {},
                () = tokio::time::sleep(crate::story::HOUR) => {}
            }
            story.world.mend_all();
            story.flow().index(moved(), &applying()).await.unwrap();
            story.work_off().await;
            story.sweep_for(1).await;
            assert_followed(&story).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_store_is_followed_although_the_index_is_killed_anywhere() {
    for given in [moved(), Manifests { declarations: Vec::new(), ..moved() }] {
        every_order(async |schedule| {
            let story = written().await;
            let world = story.world.seen_by("a");
            let flow_a = flow(&world, patient());
            let apply = applying();
            let task = flow_a.index(given.clone(), &apply);
            let points = [Point::Catalogue, Point::Record, Point::Enqueue];
            schedule.with_mortal("a").run(&story.world, &points, [("a", task.boxed())]).await;
            story.flow().index(given.clone(), &applying()).await.unwrap();
            story.work_off().await;
            story.sweep_for(1).await;
            assert_followed(&story).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_find_all_declarations_while_their_store_changes() {
    every_order(async |schedule| {
        let story = written().await;
        let (a, b) = (story.world.seen_by("a"), story.world.seen_by("b"));
        let (flow_a, flow_b) = (flow(&a, patient()), flow(&b, patient()));
        let index = async { flow_a.index(moved(), &applying()).await.map(drop) };
        let change = story.world.rotate_at(&elsewhere().location(), "app/a", story.value(3));
        let sync = async { flow_b.sync(&change).await.map(drop) };
        let points = [Point::Catalogue, Point::Write];
        schedule.run(&story.world, &points, [("a", index.boxed()), ("b", sync.boxed())]).await;
        story.work_off().await;
        story.sweep_for(1).await;
        assert_eq!(story.world.value(ID, "value"), Some(story.value(3)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_declaration_that_can_never_be_taken_in_does_not_keep_its_store_from_changing() {
    let story = written().await;
    story.world.inject(Fault::fail(Kind::Invalid).at(Point::Catalogue).on("blue/shop/huge"));
    story.declare("blue/shop/huge", "app/a");
    let report = story.flow().index(moved(), &applying()).await.unwrap();
    let failed: Vec<_> = report.declarations.iter().filter(|(_, result)| result.is_err()).collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|(id, _)| id.to_string() == "blue/shop/huge"),
        "{report:?}"
    );
    story.work_off().await;
    assert_followed(&story).await;
}

/// While a delivery is under way the manifest is edited, and the job of the edit is lost.
#[tokio::test(start_paused = true)]
async fn an_edit_that_meets_a_delivery_is_not_settled_by_what_was_declared_before() {
    let orders = every_order(async |schedule| {
        let story = written().await;
        story.world.rotate("app/b", story.value(9));
        let change = story.world.rotate("app/a", story.value(4));
        let (a, b) = (story.world.seen_by("a"), story.world.seen_by("b"));
        let (flow_a, flow_b) = (flow(&a, patient()), flow(&b, patient()));
        let sync = async { flow_a.sync(&change).await.map(drop) };
        let index = async { flow_b.index(manifests(vec![reading("app/b")]), &applying()).await.map(drop) };
        story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
        let points = [Point::Entries, Point::Record, Point::Catalogue, Point::Write];
        schedule.run(&story.world, &points, [("a", sync.boxed()), ("b", index.boxed())]).await;
        story.world.mend_all();
        story.sweep_for(1).await;
        assert_eq!(story.world.value(ID, "value"), Some(story.value(9)));
    })
    .await;
    assert!(orders > 20, "only {orders} orders were told");
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_never_reaches_the_registry_does_not_keep_the_declaration_waiting_for_ever() {
    let story = written().await;
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Catalogue).on(ID));
    let report = story.flow().index(manifests(vec![reading("app/b")]), &applying()).await.unwrap();
    assert!(!report.is_complete());
    story.world.mend_all();
    story.flow().index(manifests(vec![reading("app/a")]), &applying()).await.unwrap();
    story.sweep_for(1).await;
    let record = story.world.record(ID).unwrap();
    assert!(record.state.is_settled() && record.owed.is_empty(), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn one_store_that_cannot_be_stored_does_not_keep_the_others_out() {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/a", story.value(1));
    let mut given = manifests(vec![reading("app/a")]);
    given.stores.insert(0, secrets_manager("huge").into());
    let refused = given.stores[0].id.to_string();
    story.world.inject(Fault::fail(Kind::Invalid).at(Point::Catalogue).on(&refused));
    let report = story.flow().index(given, &pruning()).await.unwrap();
    let failed: Vec<_> = report.objects.iter().filter(|(_, result)| result.is_err()).collect();
    assert!(failed.len() == 1 && failed[0].0 == refused, "{report:?}");
    assert!(!report.is_complete());
    story.work_off().await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.end();
}

/// `app/a` is declared in the cluster blue itself, and written.
async fn indexed() -> (Story, Manifests) {
    let story = Story::new();
    story.world.add_cluster(cluster("blue").indexed());
    story.with_namespace("shop");
    let home = Home::Cluster("blue".parse().unwrap());
    let mut store: Store = secrets_manager("aws").into();
    store.id.home = home.clone();
    let each = declaration(ID).home(home).uid("u").reads("app/a").of_store(store.id.clone()).build();
    let found = Manifests { declarations: vec![each], stores: vec![store], ..Manifests::default() };
    story.world.clusters().set_manifests(&"blue".parse().unwrap(), found.clone());
    story.world.rotate("app/a", story.value(1));
    story.flow().index_clusters().await.unwrap();
    story.work_off().await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    (story, found)
}

fn not_served(kind: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        place: "cluster blue".into(),
        object: format!("kind {kind}"),
        field: String::new(),
        message: "is not served; install ESO's CRDs if ExternalSecrets shall live in this cluster".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_of_a_kind_that_is_not_served_for_a_moment_stays() {
    let (story, _) = indexed().await;
    let problems = ["ExternalSecret", "SecretStore", "ClusterSecretStore"].map(not_served).to_vec();
    let nothing = Manifests { problems, ..Manifests::default() };
    story.world.clusters().set_manifests(&"blue".parse().unwrap(), nothing);
    let reports = story.flow().index_clusters().await.unwrap();
    let report = reports[0].1.as_ref().unwrap();
    assert!(report.removed.is_empty(), "{report:?}");
    assert!(report.problems.iter().any(|problem| problem.place == "prune"), "people are told: {report:?}");
    let change = story.world.rotate("app/a", story.value(2));
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_sees_a_store_go_fails_its_declarations_at_once() {
    let (story, found) = indexed().await;
    let mut seen = Sightings::default();
    seen.add(Sighting::Gone(Declared::Store(found.stores[0].id.clone())));
    let blue = cluster("blue").indexed().build();
    story.flow().follow(&blue, &seen).await.unwrap();
    let report = story.work_off().await;
    let (_, error) = report.failures().next().unwrap();
    assert!(error.message().contains("could not get "), "{error}");
    story.end();
}

/// Else the Ready condition would go on to say that all is well while nothing can be refreshed any more.
#[tokio::test(start_paused = true)]
async fn the_declarations_of_a_store_that_is_gone_fail_and_say_so() {
    let (story, found) = indexed().await;
    let alone = Manifests { stores: Vec::new(), ..found };
    story.world.clusters().set_manifests(&"blue".parse().unwrap(), alone);
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Record).times(1));
    story.flow().index_clusters().await.unwrap();
    story.world.mend_all();
    story.flow().index_clusters().await.unwrap();
    let report = story.work_off().await;
    let (_, error) = report.failures().next().unwrap();
    assert!(error.message().contains("could not get "), "{error}");
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)), "what was written stays");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_index_with_an_older_listing_writes_nothing_over_a_newer_one() {
    // It stands still before it looks at what the registry holds, or with its write in the air. Which clusters and patterns
    // there are it has read before it lists.
    let looking = overtaken(Point::Lookup, 2).await;
    assert_eq!(looking.map(drop).unwrap_err().kind, Kind::Conflict);
    let writing = overtaken(Point::Catalogue, 0).await.unwrap();
    let (id, put) = &writing.declarations[0];
    assert_eq!(put.as_ref().unwrap_err().kind, Kind::Conflict, "{id}");
}

/// One index lists and stands still at this point, which it passes `times` before. Another one begins later, sees a newer
/// manifest and ends. Answers what became of the first.
async fn overtaken(point: Point, times: usize) -> Result<IndexReport, Error> {
    let (story, found) = indexed().await;
    let blue = "blue".parse().unwrap();
    story.world.advance(Duration::from_secs(60));
    let world = story.world.seen_by("slow");
    let slow = flow(&world, patient());
    let gate = story.world.gate(point);
    let mut edited = found.clone();
    edited.declarations[0].labels.insert("turn".into(), "older".into());
    story.world.clusters().set_manifests(&blue, edited.clone());
    let older = async { slow.index_clusters().await.unwrap() };
    let newer = async {
        for _ in 0..times {
            gate.arrived().await.release();
        }
        let standing = gate.arrived().await;
        drop(gate);
        story.world.advance(Duration::from_secs(1));
        edited.declarations[0].labels.insert("turn".into(), "newer".into());
        story.world.clusters().set_manifests(&blue, edited);
        let reports = story.flow().index_clusters().await.unwrap();
        assert!(reports[0].1.as_ref().unwrap().is_complete(), "{point:?}: {reports:?}");
        standing.release();
    };
    let (mut reports, ()) = futures::join!(older, newer);
    let stands = story.world.registry().declarations(&[ID.parse().unwrap()]).await.unwrap();
    assert_eq!(stands[0].labels.get("turn").map(String::as_str), Some("newer"), "{point:?}");
    reports.pop().unwrap().1
}

/// Else none would end in a cluster whose listing takes longer than the time between two indexes.
#[tokio::test(start_paused = true)]
async fn an_index_that_only_lists_stops_none_that_began_before() {
    let (story, mut found) = indexed().await;
    let blue = "blue".parse().unwrap();
    story.world.advance(Duration::from_secs(60));
    found.declarations[0].labels.insert("turn".into(), "edited".into());
    story.world.clusters().set_manifests(&blue, found);
    let (first, second) = (story.world.seen_by("first"), story.world.seen_by("second"));
    let (first, second) = (flow(&first, patient()), flow(&second, patient()));
    let gate = story.world.gate(Point::Manifests);
    let (begun, ended) = (Notify::new(), Notify::new());
    let earlier = async {
        let reports = first.index_clusters().await.unwrap();
        ended.notify_one();
        reports
    };
    let later = async {
        begun.notified().await;
        second.index_clusters().await.unwrap()
    };
    let listing = async {
        let earlier = gate.arrived().await;
        story.world.advance(Duration::from_secs(1));
        begun.notify_one();
        let later = gate.arrived().await;
        earlier.release();
        ended.notified().await;
        later.release();
    };
    let (earlier, later, ()) = futures::join!(earlier, later, listing);
    for reports in [earlier, later] {
        assert!(reports[0].1.as_ref().unwrap().is_complete(), "{reports:?}");
    }
    let stands = story.world.registry().declarations(&[ID.parse().unwrap()]).await.unwrap();
    assert_eq!(stands[0].labels.get("turn").map(String::as_str), Some("edited"));
}

#[tokio::test(start_paused = true)]
async fn an_index_at_rest_writes_nothing() {
    let (story, _) = indexed().await;
    story.world.advance(Duration::from_secs(60));
    story.world.forget_calls();
    story.flow().index_clusters().await.unwrap();
    let calls = story.world.calls();
    // The one mark that it reads says that the index keys are those of this version.
    assert_eq!((calls.registry_writes, calls.ledger_writes, calls.ledger_reads, calls.marks), (0, 0, 0, 1));
}

/// As in ESO: refreshPolicy OnChange looks at the ExternalSecret alone.
#[tokio::test(start_paused = true)]
async fn an_edited_store_brings_no_new_value_to_what_is_read_when_its_manifest_changes() {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/a", story.value(1));
    let mut on_change = reading("app/a");
    on_change.refresh.policy = RefreshPolicy::OnChange;
    story.flow().index(manifests(vec![on_change.clone()]), &applying()).await.unwrap();
    story.work_off().await;
    story.world.rotate_at(&elsewhere().location(), "app/a", story.value(2));
    let moved = |each: &Declaration| Manifests { stores: vec![elsewhere()], ..manifests(vec![each.clone()]) };
    story.flow().index(moved(&on_change), &applying()).await.unwrap();
    story.work_off().await;
    story.sweep_for(2).await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)), "it waits, as in ESO");
    on_change.labels.insert("edited".into(), "yes".into());
    story.flow().index(moved(&on_change), &applying()).await.unwrap();
    story.work_off().await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_update_brings_all_declarations_under_the_keys_of_its_version_once() {
    let story = written().await;
    let flow = story.flow();
    // As a version left it that made other keys.
    let stands = flow.ports().registry().declarations(&[ID.parse().unwrap()]).await.unwrap();
    flow.ports().registry().put(&stands[0], &BTreeSet::new(), None).await.unwrap();
    let change = story.world.rotate("app/a", story.value(3));
    assert_eq!(flow.sync(&change).await.unwrap().outcomes.len(), 0, "nobody finds it");

    flow.index_clusters().await.unwrap();
    assert_eq!(flow.sync(&change).await.unwrap().count(Outcome::Written), 1, "it is found again");
    assert_eq!(story.world.value(ID, "value"), Some(story.value(3)));

    let before = story.world.calls();
    flow.index_clusters().await.unwrap();
    assert_eq!(story.world.calls().registry_writes, before.registry_writes, "once is enough");
    story.end();
}
