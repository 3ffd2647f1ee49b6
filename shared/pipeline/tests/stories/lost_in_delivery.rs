//! What was reported is written, or somebody knows that it is not; and nobody's word makes a declaration fail.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::{HOUR, MINUTE, Story, applying, flow, manifests, patient};
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::declaration::{DeletionPolicy, RefreshPolicy};
use pawl_domain::record::State;
use pawl_domain::{Change, Cluster, Kind, Moved, Outcome, Store};
use pawl_pipeline::{Settings, Sightings};
use pawl_ports::{Entry, Job, Ledger, Ports, Sighting};
use pawl_world::build::{parameter_store_location, secrets_manager_location};
use pawl_world::{Fault, Point, cluster, declaration, parameter_store};
use std::time::Duration;

const ID: &str = "blue/shop/db";

/// `app/db` is declared and written with value 1.
async fn written() -> Story {
    let story = Story::new();
    story.declare(ID, "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.world.advance(MINUTE);
    story
}

fn state(story: &Story) -> State {
    story.world.record(ID).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn a_job_brings_its_version_although_another_delivery_came_in_between() {
    let story = Story::new();
    let two_keys = declaration(ID).reads("app/one").into_key("one").reads("app/two").into_key("two");
    story.world.declare(two_keys);
    story.world.rotate("app/one", story.value(1));
    let change = story.world.rotate("app/two", story.value(1));
    story.flow().sync(&change).await.unwrap();
    story.world.advance(MINUTE);
    // app/two turns, and its target waits in the queue.
    let two = story.world.rotate("app/two", story.value(2));
    let few = flow(&story.world, Settings { inline_targets: 0, ..patient() });
    few.sync(&two).await.unwrap();
    let job: Job = story.world.jobs().take().remove(0);
    story.world.advance(Duration::from_secs(1));
    // app/one turns as well, and is delivered with what a lagging replica gives for app/two.
    let one = story.world.rotate("app/one", story.value(2));
    story.world.inject(Fault::stale(1).on("app/two").times(1));
    story.flow().sync(&one).await.unwrap();
    story.world.mend_all();
    assert_eq!(story.world.value(ID, "one"), Some(story.value(2)));
    assert_eq!(story.world.value(ID, "two"), Some(story.value(1)), "read from the lagging replica");
    story.world.advance(Duration::from_secs(1));
    story.flow().deliver(&job).await.unwrap();
    assert_eq!(story.world.value(ID, "two"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_sweep_still_knows_which_version_must_be_seen() {
    let story = written().await;
    let change = story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::down("blue"));
    story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
    assert!(story.flow().sync(&change).await.unwrap().is_retryable());
    story.world.mend_all();
    // The replica that the sweep asks does not know the version yet.
    story.world.inject(Fault::stale(1));
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.record(ID).unwrap().owed.changes.len(), 1);
    assert!(!state(&story).is_settled(), "there is something left to do");
    story.world.mend_all();
    story.world.advance(MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    assert!(state(&story).is_settled() && story.world.record(ID).unwrap().owed.is_empty());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_label_that_is_moved_back_is_followed() {
    let story = Story::new();
    story.world.add_store(parameter_store("ssm"));
    story.world.declare(declaration(ID).reads("/app/p").of("ssm").version("prod"));
    for number in 1..=3 {
        story.world.rotate_parameter("/app/p", story.value(number));
        story.world.advance(MINUTE);
    }
    for number in [3, 2, 3, 1] {
        let sources = story.world.sources();
        let change = sources.label(&parameter_store_location(), "/app/p", &number.to_string(), "prod");
        let report = story.flow().sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 1, "{report:?}");
        assert_eq!(story.world.value(ID, "value"), Some(story.value(number)));
        story.world.advance(MINUTE);
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn the_version_in_force_that_is_moved_back_is_followed() {
    let story = written().await;
    let change = story.world.rotate("app/db", story.value(2));
    story.flow().sync(&change).await.unwrap();
    story.world.advance(MINUTE);
    let mut change = story.world.sources().label(&secrets_manager_location(), "app/db", "v1", "AWSCURRENT");
    // As the event says it of this label.
    change.moved = Moved::Current;
    story.flow().sync(&change).await.unwrap();
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.end();
}

/// Numbered versions: value 2 is written, and then the store answers as it was before, as a replica that lags does, and
/// a store that somebody put back.
async fn answers_older() -> Story {
    let story = Story::new();
    story.world.add_store(parameter_store("ssm"));
    story.world.declare(declaration(ID).reads("/app/p").of("ssm"));
    for number in 1..=2 {
        let change = story.world.rotate_parameter("/app/p", story.value(number));
        story.flow().sync(&change).await.unwrap();
        story.world.advance(MINUTE);
    }
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    story.world.inject(Fault::stale(1));
    story
}

fn by_hand() -> Job {
    Job { declarations: vec![ID.parse().unwrap()], change: None, at: Timestamp::MAX }
}

#[tokio::test(start_paused = true)]
async fn an_older_version_is_taken_when_it_is_no_lag_any_more() {
    let story = answers_older().await;
    let report = story.flow().deliver(&by_hand()).await.unwrap();
    let kinds: Vec<_> = report.failures().map(|(_, error)| error.kind).collect();
    assert_eq!(kinds, [Kind::Stale]);
    for _ in 0..4 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
        assert_eq!(story.world.value(ID, "value"), Some(story.value(2)), "it may be a replica that lags");
    }
    for _ in 0..10 {
        story.world.advance(MINUTE);
        story.flow().sweep(false).await.unwrap();
    }
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    assert!(state(&story).is_settled());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn an_older_version_is_taken_at_once_when_somebody_says_so() {
    let story = answers_older().await;
    let report = story.flow().accepting_older().deliver(&by_hand()).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1, "{report:?}");
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_for_a_moment_brings_nothing_back() {
    let story = answers_older().await;
    story.flow().deliver(&by_hand()).await.unwrap();
    story.world.mend_all();
    story.world.advance(10 * MINUTE);
    story.flow().sweep(false).await.unwrap();
    assert!(story.world.record(ID).unwrap().owed.is_empty());
    let values = story.world.clusters().history(ID);
    assert_eq!(values.len(), 2, "the target never went back");
    story.end();
}

/// As somebody could send it who can put events on a bus, or as another account's event would read.
fn made_up(at: &str) -> Change {
    Change {
        id: "forged".into(),
        location: secrets_manager_location(),
        names: ["app/db".to_owned()].into(),
        extent: Extent::Key,
        version: Some("ffffffff-0000-0000-0000-000000000000".into()),
        moved: Moved::Current,
        at: at.parse().unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_made_up_makes_nothing_fail_and_hides_no_rotation() {
    for at in ["2099-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2026-11-22T10:01:00Z"] {
        let story = written().await;
        let report = story.flow().sync(&made_up(at)).await.unwrap();
        assert_eq!(report.failures().count(), 0, "{at}: {report:?}");
        assert_eq!(story.work_off().await.failures().count(), 0);
        assert!(!matches!(state(&story), State::Failed(_)), "{at}: {:?}", state(&story));
        // A rotation whose event is lost, and one whose event arrives.
        story.world.advance(MINUTE);
        story.world.rotate("app/db", story.value(2));
        story.flow().sweep(true).await.unwrap();
        assert_eq!(story.world.value(ID, "value"), Some(story.value(2)), "{at}");
        story.world.advance(MINUTE);
        let change = story.world.rotate("app/db", story.value(3));
        story.flow().sync(&change).await.unwrap();
        assert_eq!(story.world.value(ID, "value"), Some(story.value(3)), "{at}");
        story.sweep_for(1).await;
        assert!(state(&story).is_settled() && story.world.record(ID).unwrap().owed.is_empty(), "{at}");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_show_the_version_in_time_is_asked_again_soon() {
    let story = written().await;
    let change = story.world.rotate("app/db", story.value(2));
    story.world.inject(Fault::stale(1));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Queued), 1, "{report:?}");
    assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
    story.world.mend_all();
    story.work_off().await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    assert!(state(&story).is_settled());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_cannot_be_recorded_is_not_acknowledged() {
    for kind in [Kind::Throttled, Kind::Denied, Kind::Invalid] {
        let story = written().await;
        let change = story.world.rotate("app/db", story.value(2));
        story.world.inject(Fault::fail(Kind::Denied).at(Point::Fetch).times(1));
        story.world.inject(Fault::fail(kind).at(Point::Record).times(1));
        story.world.inject(Fault::fail(Kind::Throttled).at(Point::Enqueue));
        assert!(story.flow().sync(&change).await.unwrap().is_retryable(), "{kind}: nobody knows of it");
        story.world.mend_all();
        let job = Job { declarations: vec![ID.parse().unwrap()], change: Some(change), at: Timestamp::MIN };
        story.world.inject(Fault::fail(Kind::Denied).at(Point::Fetch).times(1));
        story.world.inject(Fault::fail(kind).at(Point::Record).times(1));
        assert!(story.flow().deliver(&job).await.unwrap().is_retryable(), "{kind}: the job comes again");
        assert_eq!(story.flow().deliver(&job).await.unwrap().count(Outcome::Written), 1);
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_failure_of_its_declaration_alone() {
    const WORDS: &str = "the value was hunter2";
    for point in [Point::Read, Point::Write, Point::Fetch, Point::Search] {
        let story = Story::new();
        story.declare("blue/shop/good", "app/db");
        let other: Store = pawl_world::secrets_manager("other").region("us-east-1").into();
        story.world.rotate_at(&other.location(), "app/bad", story.value(1));
        story.world.add_store(other);
        let bad = declaration("green/shop/bad");
        let bad = if point == Point::Search { bad.finds("^app/") } else { bad.reads("app/bad") };
        story.world.declare(bad.of("other"));
        story.world.rotate("app/db", story.value(1));
        let fault = Fault::panic(WORDS).at(point);
        let subject = match point {
            Point::Fetch => "app/bad",
            Point::Search => "secrets-manager in us-east-1",
            _ => "green",
        };
        story.world.inject(fault.on(subject));
        let declarations = ["blue/shop/good", "green/shop/bad"].map(|id| id.parse().unwrap()).to_vec();
        let job = Job { declarations, change: None, at: Timestamp::MAX };
        let report = story.flow().deliver(&job).await.unwrap();
        let failed: Vec<_> = report.failures().map(|(id, error)| (id.to_string(), error.kind)).collect();
        assert_eq!(failed, [("green/shop/bad".to_owned(), Kind::Invalid)], "{point:?}: {report:?}");
        assert_eq!(story.world.value("blue/shop/good", "value"), Some(story.value(1)));
        let record = story.world.record("green/shop/bad").unwrap();
        assert!(matches!(record.state, State::Failed(_)), "{point:?}: {record:?}");
        assert!(!format!("{record:?}{report:?}").contains("hunter2"), "what a panic says may be a value");
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_overtaken_by_a_window_or_a_crash_is_found_within_the_interval() {
    let story = written().await;
    story.world.advance(HOUR);
    story.flow().sweep(false).await.unwrap();
    let change = story.world.rotate("app/db", story.value(2));
    // The write is carried out, its answer is lost, and so is every record of it.
    story.world.inject(Fault::lost_answer().at(Point::Write).times(1));
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Record));
    story.world.inject(Fault::fail(Kind::Unreachable).at(Point::Enqueue));
    assert!(story.flow().sync(&change).await.unwrap().is_retryable());
    story.world.mend_all();
    story.world.rotate("app/db", story.value(3));
    story.sweep_for(2).await;
    assert_eq!(story.world.value(ID, "value"), Some(story.value(3)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_keeps_nothing_back_and_is_written_anew() {
    let story = written().await;
    let ids = [ID.parse().unwrap()];
    story.world.ledger().damage(&ids[0]);
    let change = story.world.rotate("app/db", story.value(2));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1);
    assert_eq!(story.world.value(ID, "value"), Some(story.value(2)));
    assert_eq!(story.world.ledger().unreadable_records(&ids).await.unwrap(), []);
    assert!(state(&story).is_settled());
    story.end();
}

/// As in ESO, which looks for a missing target at each interval, whatever the refreshPolicy.
#[tokio::test(start_paused = true)]
async fn a_target_that_was_deleted_with_its_key_is_made_again_when_the_key_comes_back() {
    for policy in [RefreshPolicy::Periodic, RefreshPolicy::OnChange] {
        let story = Story::new();
        let declared = || {
            let each = declaration(ID).reads("app/db").deletion(DeletionPolicy::Delete);
            each.refresh(policy, HOUR)
        };
        story.world.declare(declared());
        story.world.rotate("app/db", story.value(1));
        story.flow().deliver(&by_hand()).await.unwrap();
        assert_eq!(story.world.value(ID, "value"), Some(story.value(1)));
        story.world.delete_secret("app/db");
        story.world.declare(declared().label("edited", "yes"));
        story.flow().deliver(&by_hand()).await.unwrap();
        assert!(story.world.data(ID).is_empty());
        story.sweep_for(1).await;
        story.world.rotate("app/db", story.value(2));
        story.sweep_for(2).await;
        assert_eq!(story.world.value(ID, "value"), Some(story.value(2)), "{policy:?}");
        assert!(state(&story).is_settled() && story.world.record(ID).unwrap().owed.is_empty());
        // What is read when the manifest changes stays as it is again.
        story.world.rotate("app/db", story.value(3));
        story.sweep_for(2).await;
        let want = if policy == RefreshPolicy::OnChange { 2 } else { 3 };
        assert_eq!(story.world.value(ID, "value"), Some(story.value(want)), "{policy:?}");
        story.end();
    }
}

/// At the size of a cluster that is indexed for the first time a job begins before its index has ended.
#[tokio::test(start_paused = true)]
async fn a_failure_is_recorded_although_its_job_is_confirmed_meanwhile() {
    let story = Story::new();
    story.with_namespace("shop");
    story.world.rotate("app/db", story.value(1));
    let given = manifests(vec![declaration("blue/shop/db").reads("app/db").build()]);
    story.flow().index(given, &applying()).await.unwrap();
    let job = story.world.jobs().take().remove(0);
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Fetch));
    let (flow, gate) = (story.flow(), story.world.gate(Point::Record));
    let confirming = async {
        let recording = gate.arrived().await;
        drop(gate);
        let ids = ["blue/shop/db".parse().unwrap()];
        let Entry { id, mut record, revision } = story.world.ledger().entries(&ids).await.unwrap().remove(0);
        record.not_before = record.not_before.map(|at| at + Duration::from_secs(60));
        story.world.ledger().put(&id, &record, Some(revision)).await.unwrap();
        recording.release();
    };
    let (report, ()) = futures::join!(flow.deliver(&job), confirming);
    assert_eq!(report.unwrap().failures().count(), 1);
    let record = story.world.record("blue/shop/db").unwrap();
    assert!(matches!(record.state, State::Failed(_)), "{record:?}");
    story.end();
}

/// A person deletes or edits a Secret right after it was written, and the watch tells of it before the delivery has recorded
/// what it wrote. Nothing would tell of it again.
#[tokio::test(start_paused = true)]
async fn what_is_touched_between_its_write_and_its_record_is_mended_all_the_same() {
    for listed in [false, true] {
        let story = Story::new();
        story.declare(ID, "app/db");
        let flow = story.flow();
        flow.sync(&story.world.rotate("app/db", story.value(1))).await.unwrap();
        let change = story.world.rotate("app/db", story.value(2));
        let gate = story.world.gate(Point::Record);
        let mut seen = if listed { Sightings::everything() } else { Sightings::default() };
        seen.add(Sighting::Target("shop".parse().unwrap(), "db".parse().unwrap(), None));
        let blue: Cluster = cluster("blue").into();
        let before = story.world.record(ID);
        let person = async {
            let recording = gate.arrived().await;
            assert_eq!(story.world.value(ID, "value"), Some(story.value(2)), "it is written");
            story.world.clusters().delete(ID);
            let meet = async {
                let noting = gate.arrived().await;
                recording.release();
                while story.world.record(ID) == before {
                    tokio::task::yield_now().await;
                }
                noting.release();
                drop(gate);
            };
            let mut followed = futures::join!(flow.follow(&blue, &seen), meet).0;
            // What `pawl serve` does when it was not done.
            while followed.is_err() {
                followed = flow.follow(&blue, &seen).await;
            }
        };
        let (report, ()) = futures::join!(flow.sync(&change), person);
        report.unwrap();
        story.work_off().await;
        assert_eq!(story.world.value(ID, "value"), Some(story.value(2)), "listed: {listed}");
        story.end();
    }
}
