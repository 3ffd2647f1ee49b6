//! What the status of ExternalSecrets in a cluster is told, and what becomes of targets that people edit.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{Story, flow, patient};
use futures::FutureExt;
use pawl_domain::declaration::{CreationPolicy, RefreshPolicy};
use pawl_domain::reconcile::{DATA_HASH_ANNOTATION, Deed, MANAGED_LABEL};
use pawl_domain::store::{Backend, FakeStore, Home};
use pawl_domain::{Complaint, Declaration, Kind, Manifests, Outcome, Standing, Store};
use pawl_pipeline::{Pipeline, Report, Settings};
use pawl_ports::{Job, Ports, Status, Validity};
use pawl_world::build::{StoreBuilder, at, cluster_name};
use pawl_world::{Fault, Point, World, cluster, declaration, every_order, secrets_manager};
use std::time::Duration;

/// An ExternalSecret that lives in cluster blue, refreshed by this policy.
fn declared(story: &Story, target: &str, policy: RefreshPolicy, interval: u64) -> Declaration {
    let home = Home::Cluster(cluster_name("blue"));
    let mut store: pawl_domain::Store = secrets_manager("aws").into();
    store.id.home = home.clone();
    let id = store.id.clone();
    story.world.add_store(store);
    let db = declaration("blue/shop/db").home(home).uid("uid-1").reads("app/db").of_store(id);
    let db = db.into_key("value").target(target).label("team", "shop");
    let mut db: Declaration = db.refresh(policy, Duration::from_secs(interval)).into();
    db.synced = Some("1-hash".to_owned());
    story.world.declare(db)
}

/// Work that came up after everything that was done so far.
fn again(declaration: &Declaration) -> Job {
    Job { declarations: vec![declaration.id.clone()], change: None, at: at(100_000) }
}

fn told(story: &Story) -> Vec<Status> {
    story.world.clusters().published(&cluster_name("blue")).into_iter().map(|(_, status)| status).collect()
}

fn labels(story: &Story, target: &str) -> String {
    let secret = story.world.clusters().secret(&format!("blue/shop/{target}")).unwrap();
    secret.labels.get("team").cloned().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_status_is_told_what_was_done_and_what_it_was_told_before() {
    let story = Story::new();
    let mut db = declared(&story, "db", RefreshPolicy::Periodic, 3600);
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    flow.sync(&story.world.rotate("app/db", story.value(2))).await.unwrap();
    flow.deliver(&again(&db)).await.unwrap();
    db.target.name = "other".parse().unwrap();
    db.synced = Some("2-hash".to_owned());
    story.world.declare(db.clone());
    flow.deliver(&again(&db)).await.unwrap();
    let told = told(&story);
    let deeds: Vec<_> = told.iter().map(|status| (status.deed, status.retired)).collect();
    let want =
        [(Deed::Created, false), (Deed::Updated, false), (Deed::Nothing, false), (Deed::Created, true)];
    assert_eq!(deeds, want);
    assert_eq!(told[0].before, None);
    for pair in told.windows(2) {
        assert_eq!(pair[1].before, pair[0].told());
    }
    assert_eq!(told[1].told(), told[2].told(), "nothing new is told of what stands as it was");
    assert_ne!(told[2].told(), told[3].told());
    story.end();
}

/// Whichever of two deliveries has the last word, what was done is told, and once.
#[tokio::test(start_paused = true)]
async fn that_a_target_was_created_is_told_once_in_every_order_of_two_deliveries() {
    let orders = every_order(async |schedule| {
        let story = Story::new();
        let db = declared(&story, "db", RefreshPolicy::Periodic, 3600);
        story.world.rotate("app/db", story.value(1));
        let job = again(&db);
        let deliver = async |actor: &str| {
            flow(&story.world.seen_by(actor), patient()).deliver(&job).await.unwrap();
        };
        let (a, b) = (deliver("a"), deliver("b"));
        let points = [Point::Fetch, Point::Write, Point::Record];
        schedule.run(&story.world, &points, [("a", a.boxed()), ("b", b.boxed())]).await;
        let deeds: Vec<_> = told(&story).into_iter().map(|status| status.deed).collect();
        assert_eq!(deeds.iter().filter(|deed| **deed == Deed::Created).count(), 1, "{deeds:?}");
    })
    .await;
    assert!(orders > 50, "only {orders} orders were told");
}

#[tokio::test(start_paused = true)]
async fn another_object_of_the_same_name_was_told_nothing_yet() {
    let story = Story::new();
    let mut db = declared(&story, "db", RefreshPolicy::Periodic, 3600);
    db.target.creation = CreationPolicy::Merge;
    story.world.declare(db.clone());
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    db.uid = Some("uid-2".to_owned());
    story.world.declare(db.clone());
    flow.deliver(&again(&db)).await.unwrap();
    let told = told(&story);
    assert_eq!(told[1].result, Ok(Outcome::TargetMissing));
    assert_ne!(told[1].before, told[1].told());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_edited_interval_is_told_without_looking_at_the_target() {
    let story = Story::new();
    let mut db = declared(&story, "db", RefreshPolicy::Periodic, 3600);
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    db.refresh.interval = Duration::from_secs(60);
    db.synced = Some("2-hash".to_owned());
    story.world.declare(db.clone());
    story.world.forget_calls();
    flow.deliver(&again(&db)).await.unwrap();
    let calls = story.world.calls();
    assert_eq!((calls.reads, calls.target_writes()), (0, 0));
    let last = told(&story).pop().unwrap();
    assert_eq!((last.result.clone(), last.deed), (Ok(Outcome::Unchanged), Deed::Nothing));
    assert_ne!(last.before, last.told());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_told_the_next_time() {
    let story = Story::new();
    let db = declared(&story, "db", RefreshPolicy::Periodic, 3600);
    let flow = story.flow();
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Publish).times(1));
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    assert_eq!(told(&story), []);
    flow.deliver(&again(&db)).await.unwrap();
    assert_eq!(told(&story).pop().unwrap().before, None);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn labels_edited_by_hand_come_back_with_the_next_refresh() {
    // Each with how long the edit came after the last refresh, and whether it is undone.
    for (policy, interval, later, undone) in [
        (RefreshPolicy::Periodic, 3600, 60, false),
        (RefreshPolicy::Periodic, 3600, 3600, true),
        (RefreshPolicy::Periodic, 0, 100_000, false),
        (RefreshPolicy::CreatedOnce, 5, 100_000, false),
        (RefreshPolicy::OnChange, 5, 100_000, false),
    ] {
        let story = Story::new();
        let db = declared(&story, "db", policy, interval);
        let flow = story.flow();
        story.world.rotate("app/db", story.value(1));
        flow.deliver(&again(&db)).await.unwrap();
        story.world.clock().advance(Duration::from_secs(later));
        story.world.clusters().edit("blue/shop/db", |secret| {
            secret.labels.insert("team".to_owned(), "theirs".to_owned());
        });
        flow.sweep(true).await.unwrap();
        let want = if undone { "shop" } else { "theirs" };
        assert_eq!(labels(&story, "db"), want, "{policy:?} {interval} {later}");
        // Data is put back whatever the policy says, and the labels with it.
        story.world.clusters().edit("blue/shop/db", |secret| secret.set("value", "theirs"));
        flow.sweep(true).await.unwrap();
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)), "{policy:?}");
        assert_eq!(labels(&story, "db"), "shop");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_managed_label_that_was_taken_away_comes_back_in_silence() {
    let story = Story::new();
    declared(&story, "db", RefreshPolicy::Periodic, 3600);
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    story.world.clusters().edit("blue/shop/db", |secret| drop(secret.labels.remove(MANAGED_LABEL)));
    flow.sweep(true).await.unwrap();
    assert_eq!(story.world.clusters().secret("blue/shop/db").unwrap().labels[MANAGED_LABEL], "true");
    assert_eq!(told(&story).pop().unwrap().deed, Deed::Nothing);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_froze_gets_the_hash_of_what_it_should_hold() {
    let story = Story::new();
    declared(&story, "db", RefreshPolicy::Periodic, 3600);
    let flow = story.flow();
    flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
    let hash = || {
        let secret = story.world.clusters().secret("blue/shop/db").unwrap();
        secret.annotations[DATA_HASH_ANNOTATION].clone()
    };
    let before = hash();
    story.world.clusters().edit("blue/shop/db", |secret| secret.immutable = true);
    // Whether or not the edit was seen before the value changes.
    for number in 2..=3 {
        let report = flow.sync(&story.world.rotate("app/db", story.value(number))).await.unwrap();
        let error = report.outcomes[0].1.as_ref().unwrap_err();
        assert_eq!((error.kind, error.complaint()), (Kind::Invalid, Complaint::Immutable));
        assert_ne!(hash(), before);
    }
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)));
    story.end();
}

/// What each store of blue was told last.
fn told_last(story: &Story) -> Option<Validity> {
    let mut told = story.world.clusters().told_stores(&cluster_name("blue"));
    told.pop().map(|(_, status)| status.validity)
}

/// Indexes cluster blue, in which this store and an ExternalSecret that reads `app/db` from it live, and does the work that
/// comes of it.
async fn index(story: &Story, flow: &Pipeline<World>, store: &Store) -> Report {
    let home = Home::Cluster(cluster_name("blue"));
    let db = declaration("blue/shop/db").home(home).uid("uid-1").reads("app/db").of_store(store.id.clone());
    let found = Manifests {
        declarations: vec![db.build()],
        stores: vec![store.clone()],
        standing: [(store.id.clone(), Standing::default())].into(),
        ..Manifests::default()
    };
    story.world.clusters().set_manifests(&cluster_name("blue"), found);
    for (_, report) in flow.index_clusters().await.unwrap() {
        report.unwrap();
    }
    let mut report = Report::default();
    for job in story.world.jobs().take() {
        report.extend(flow.deliver(&job).await.unwrap());
    }
    report
}

fn living_in_blue(story: &Story) -> StoreBuilder {
    story.world.add_cluster(cluster("blue").indexed());
    story.with_namespace("shop");
    secrets_manager("aws").home(Home::Cluster(cluster_name("blue")))
}

#[tokio::test(start_paused = true)]
async fn a_store_is_told_that_it_is_valid_or_why_it_is_not() {
    let story = Story::new();
    let store = living_in_blue(&story);
    let flow = story.flow();
    story.world.rotate("app/db", story.value(1));
    index(&story, &flow, &store.clone().build()).await;
    assert_eq!(told_last(&story), Some(Validity::Valid));

    // Whose identity cannot be proven is not ready, and its message says why.
    story.world.inject(Fault::unauthenticated().at(Point::Validate));
    index(&story, &flow, &store.clone().prefix("app/").build()).await;
    let Some(Validity::NoClient(why)) = told_last(&story) else { panic!("{:?}", told_last(&story)) };
    assert!(why.contains("as the test wants it"), "{why}");
    let edited = story.world.clusters().told_stores(&cluster_name("blue")).pop().unwrap().1.edited;
    assert!(edited, "an edit is told with an Event");

    // What is down for a moment says nothing of the manifest.
    story.world.mend_all();
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Validate));
    let before = story.world.clusters().told_stores(&cluster_name("blue")).len();
    index(&story, &flow, &store.clone().build()).await;
    assert_eq!(story.world.clusters().told_stores(&cluster_name("blue")).len(), before);
    story.world.mend_all();
    index(&story, &flow, &store.build()).await;
    assert_eq!(told_last(&story), Some(Validity::Valid));
    story.end();
}

/// As the operator does with `fake.validationResult: 2`: such a store is not ready, and what reads it fails.
#[tokio::test(start_paused = true)]
async fn a_store_that_its_manifest_refuses_is_told_so_and_what_reads_it_fails() {
    let story = Story::new();
    let mut store = living_in_blue(&story).build();
    let flow = flow(&story.world, Settings { fake_stores: true, ..Settings::default() });
    let fake = |is_refused| Backend::Fake(FakeStore { data: Vec::new(), is_refused });
    store.backend = fake(false);
    story.world.rotate_at(&store.location(), "app/db", story.value(1));
    assert_eq!(index(&story, &flow, &store).await.count(Outcome::Written), 1);
    assert_eq!(told_last(&story), Some(Validity::Valid));

    story.world.rotate_at(&store.location(), "app/db", story.value(2));
    store.backend = fake(true);
    let report = index(&story, &flow, &store).await;
    let validity = told_last(&story).unwrap();
    assert_eq!(validity, Validity::Refused("unable to validate".to_owned()));
    let verdict = validity.verdict();
    let told = (verdict.is_ready, verdict.reason.as_str(), verdict.message.as_str());
    assert_eq!(told, (false, "InvalidProviderConfig", "unable to validate store"));
    let (_, error) = report.failures().next().unwrap();
    let words = "error processing spec.data[0] (key: app/db), err: ClusterSecretStore \"aws\" is not ready";
    assert!(error.message().starts_with(words), "{error}");
    let last = self::told(&story).pop().unwrap().result.unwrap_err();
    assert_eq!(last.complaint.as_str(), "could not get secret data from provider");
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(1)), "its Secret stays");
    assert_eq!(story.world.calls().fetches, 1, "nor is it read");

    store.backend = fake(false);
    index(&story, &flow, &store).await;
    assert_eq!(told_last(&story), Some(Validity::Valid));
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
    story.end();
}
