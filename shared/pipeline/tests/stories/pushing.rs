//! Secrets of clusters are pushed to stores.

use crate::story::{HOUR, MINUTE, Story, flow};
use pawl_domain::push::Standing;
use pawl_domain::{Kind, Outcome, Step};
use pawl_pipeline::{PushReport, Pushing, Settings};
use pawl_ports::{Ports, PushVerdict, Pushes};
use pawl_world::build::id;
use pawl_world::{Fault, Point, World, declaration, parameter_store, push, secrets_manager};
use std::time::Duration;

fn pushing() -> Settings {
    Settings { pushes: true, ..Settings::default() }
}

impl Story {
    fn pushes(&self) -> pawl_pipeline::Pipeline<World> {
        flow(&self.world, pushing())
    }

    async fn pass(&self) -> PushReport {
        self.pushes().push(false).await.unwrap()
    }

    fn src(&self, number: usize) {
        self.world.write_secret("blue/shop/src", &[("user", "u"), ("pw", &self.value(number))]);
    }
}

fn only(report: &PushReport) -> Pushing {
    assert_eq!(report.outcomes.len(), 1, "{report:?}");
    *report.outcomes[0].1.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(start_paused = true)]
async fn entries_are_written_once_and_when_they_change() {
    let story = Story::new();
    let each = push("blue/shop/push")
        .writes("pw", "app/pw")
        .writes_all("app/all")
        .writes_property("user", "app/db", "user");
    story.world.declare_push(each.every(60)).await;
    story.src(1);
    assert_eq!(only(&story.pass().await), Pushing { written: 3, ..Pushing::default() });
    assert_eq!(story.world.stored("app/pw"), Some(story.value(1)));
    assert_eq!(story.world.stored("app/db").as_deref(), Some(r#"{"user":"u"}"#));
    let all = serde_json::json!({ "pw": story.value(1), "user": "u" });
    assert_eq!(story.world.stored("app/all"), Some(all.to_string()));
    assert_eq!(story.pass().await.outcomes.len(), 0, "nothing is due");
    assert_eq!(story.world.calls().pushes, 3, "no store was asked again");
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await), Pushing::default(), "stores are asked, and hold it");
    assert_eq!(story.world.calls().store_writes, 3);
    story.src(2);
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).written, 2, "the user is as it was");
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn switched_off_nothing_is_pushed() {
    let story = Story::new();
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw")).await;
    story.src(1);
    assert_eq!(story.flow().push(true).await.unwrap().outcomes.len(), 0);
    let given =
        pawl_domain::Manifests { pushes: vec![push("blue/shop/other").build()], ..Default::default() };
    let report = story.flow().index(given, &crate::story::applying()).await.unwrap();
    assert!(report.is_complete() && report.problems[0].message.contains("PAWL_PUSH"), "{report:?}");
    let given = pawl_domain::Manifests {
        pushes: vec![push("blue/shop/of-a-cluster").in_cluster().build()],
        ..Default::default()
    };
    story.world.clusters().set_manifests(&"blue".parse().unwrap(), given);
    story.world.add_cluster(pawl_world::cluster("blue").indexed());
    let reports = story.flow().index_clusters().await.unwrap();
    assert!(reports[0].1.as_ref().unwrap().problems[0].message.contains("leave it to ESO"), "{reports:?}");
    assert_eq!(story.world.registry().push(&id("blue/shop/of-a-cluster")).await.unwrap(), None);
    assert_eq!(story.world.calls().pushes, 0);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn one_bad_entry_stops_no_other() {
    let story = Story::new();
    story.world.rotate("app/theirs", "theirs");
    let each =
        push("blue/shop/push").writes("nope", "app/nope").writes("pw", "app/theirs").writes("pw", "app/pw");
    story.world.declare_push(each).await;
    story.src(1);
    let report = story.pass().await;
    let (_, error) = report.failures().next().unwrap();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
    let text = error.to_string();
    assert!(text.starts_with("set secret failed: "), "{text}");
    for part in [
        "secret key nope does not exist",
        "could not write remote ref pw to target secretstore aws: app/theirs: it is not managed",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(story.world.stored("app/pw"), Some(story.value(1)));
    assert_eq!(story.world.stored("app/theirs").as_deref(), Some("theirs"));
    assert_eq!(story.pass().await.outcomes.len(), 0, "a failure rests");
    story.world.advance(Duration::from_secs(1));
    assert_eq!(story.pass().await.outcomes.len(), 1, "it is tried again");
    story.world.destroy_secret("app/theirs");
    story.src(2);
    story.world.write_secret("blue/shop/src", &[("nope", "n"), ("pw", &story.value(2))]);
    story.world.advance(8 * MINUTE);
    assert_eq!(only(&story.pass().await).written, 3);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_goes_with_delete_and_stays_with_none() {
    for deletes in [true, false] {
        let story = Story::new();
        story.src(1);
        let declare = |keys: &[&str]| {
            let start = push("blue/shop/push");
            let each = keys.iter().fold(start, |each, key| each.writes("pw", key));
            if deletes { each.deleting() } else { each }
        };
        story.world.declare_push(declare(&["app/a", "app/b"])).await;
        story.pass().await;
        story.world.declare_push(declare(&["app/a", "app/c"])).await;
        assert_eq!(only(&story.pass().await).removed, usize::from(deletes));
        assert_eq!(story.world.stored("app/b").is_none(), deletes, "an edit is carried out by the next pass");
        assert!(story.world.stored("app/a").is_some() && story.world.stored("app/c").is_some());
        let gone = declare(&[]).with(|push| push.deleting = true);
        story.world.declare_push(gone).await;
        assert!(only(&story.pass().await).gone);
        assert_eq!(story.world.stored("app/a").is_none(), deletes);
        assert_eq!(story.world.push_record("blue/shop/push"), None);
        assert_eq!(story.world.registry().push(&id("blue/shop/push")).await.unwrap(), None);
        story.end();
    }
}

#[tokio::test(start_paused = true)]
async fn removal_never_takes_what_is_pushed_elsewhere_to_the_same_place() {
    let story = Story::new();
    story.src(1);
    story.world.add_store(secrets_manager("renamed"));
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/x").deleting()).await;
    story.pass().await;
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/x").to(&["renamed"]).deleting()).await;
    story.pass().await;
    assert_eq!(story.world.stored("app/x"), Some(story.value(1)), "another store of the same place");
    let object =
        push("blue/shop/push").writes_property("pw", "app/o", "a").writes_property("user", "app/o", "b");
    story.world.declare_push(object.deleting()).await;
    story.pass().await;
    story.world.declare_push(push("blue/shop/push").writes_all("app/o").deleting()).await;
    story.pass().await;
    let whole = serde_json::json!({ "pw": story.value(1), "user": "u" });
    assert_eq!(story.world.stored("app/o"), Some(whole.to_string()), "a property of what is whole by now");
    assert_eq!(story.world.stored("app/x"), None);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_goes_takes_with_it_what_was_pushed_and_brings_it_back() {
    let story = Story::new();
    story
        .world
        .declare_push(
            push("blue/shop/push")
                .writes("pw", "app/pw")
                .deleting()
                .every(60)
                .in_cluster()
                .with(|push| push.stores[0].by = push_store()),
        )
        .await;
    story.world.add_store(secrets_manager("aws").home(home()));
    story.src(1);
    story.pass().await;
    assert!(story.world.clusters().is_finalized("blue/shop/push"), "before anything is pushed");
    story.world.clusters().delete("blue/shop/src");
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).removed, 1);
    assert_eq!(story.world.stored("app/pw"), None);
    let (_, status) = story.world.clusters().told_pushes(&"blue".parse().unwrap()).pop().unwrap();
    assert_eq!(status.outcome, PushVerdict::SourceDeleted);
    assert_eq!(status.message(), "source secret deleted; provider secrets cleaned up");
    assert!(status.entries.is_empty());
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await), Pushing::default(), "it stays so");
    story.src(2);
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).written, 1);
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)), "it is back");
    let (_, status) = story.world.clusters().told_pushes(&"blue".parse().unwrap()).pop().unwrap();
    assert_eq!((status.outcome, status.entries.len()), (PushVerdict::Synced, 1));
    story.end();
}

fn home() -> pawl_domain::Home {
    pawl_domain::Home::Cluster("blue".parse().unwrap())
}

fn push_store() -> pawl_domain::push::ByNameOrLabels {
    pawl_domain::push::ByNameOrLabels::Name("aws".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_was_or_may_not_be_read_removes_nothing() {
    let story = Story::new();
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw").deleting().every(60)).await;
    let report = story.pass().await;
    let (_, error) = report.failures().next().unwrap();
    assert!(error.to_string().contains("Secret shop/src does not exist"), "{error}");
    story.src(1);
    story.world.advance(MINUTE);
    story.pass().await;
    for kind in [Kind::Denied, Kind::Unreachable, Kind::Transient] {
        story.world.inject(Fault::fail(kind).at(Point::Read).times(1));
        story.world.advance(8 * MINUTE);
        assert_eq!(story.pass().await.failures().count(), 1, "{kind:?}");
        assert!(story.world.stored("app/pw").is_some(), "a lost right is no deletion");
    }
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_the_store_has_is_left_with_if_not_exists() {
    let story = Story::new();
    story.world.rotate("app/theirs", "theirs");
    story
        .world
        .declare_push(
            push("blue/shop/push").writes("pw", "app/theirs").writes("pw", "app/new").keeping().every(60),
        )
        .await;
    story.src(1);
    assert_eq!(only(&story.pass().await).written, 1);
    assert_eq!(story.world.stored("app/theirs").as_deref(), Some("theirs"));
    story.src(2);
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).written, 0);
    assert_eq!(story.world.stored("app/new"), Some(story.value(1)), "what was pushed once stays");
    story.world.destroy_secret("app/new");
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).written, 1);
    assert_eq!(story.world.stored("app/new"), Some(story.value(2)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn secrets_and_stores_are_chosen_by_label() {
    let story = Story::new();
    story.world.add_store(secrets_manager("eu").region("eu-west-1").label("push", "yes"));
    story.world.add_store(secrets_manager("us").region("us-east-1").label("push", "no"));
    story
        .world
        .declare_push(
            push("blue/shop/push")
                .writes_each()
                .from_labelled("push", "yes")
                .to_labelled("push", "yes")
                .deleting()
                .every(60)
                .with(|push| push.data_to[0].store = push.stores[0].clone()),
        )
        .await;
    for (name, key, label) in [("a", "ka", "yes"), ("b", "kb", "yes"), ("c", "kc", "no")] {
        story.world.clusters().edit(&format!("blue/shop/{name}"), |secret| {
            secret.set(key, &story.value(1));
            secret.labels.insert("push".to_owned(), label.to_owned());
        });
    }
    assert_eq!(only(&story.pass().await).written, 2, "each once, and none removed in turn");
    for _ in 0..3 {
        story.world.advance(MINUTE);
        assert_eq!(only(&story.pass().await), Pushing::default(), "it comes to rest");
    }
    story.world.clusters().edit("blue/shop/b", |secret| secret.labels.clear());
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).removed, 1, "what a source no longer gives is removed");
    // Two sources of one key would take turns.
    story.world.clusters().edit("blue/shop/c", |secret| {
        secret.set("ka", "another");
        secret.labels.insert("push".to_owned(), "yes".to_owned());
    });
    story.world.advance(MINUTE);
    let report = story.pass().await;
    let (_, error) = report.failures().next().unwrap();
    assert!(error.to_string().contains("Secrets a and c are both pushed to \"ka\""), "{error}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn policies_and_conditions_hold_for_writing_as_for_reading() {
    let story = Story::without_policies();
    story.world.add_store(secrets_manager("aws").home(home()));
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw").in_cluster()).await;
    story.src(1);
    let report = story.pass().await;
    assert_eq!(report.failures().next().unwrap().1.kind, Kind::Refused, "no policy allows it");
    assert_eq!(story.world.calls().pushes, 0, "no store was asked");
    story.end();
    let story = Story::new();
    let condition =
        pawl_domain::store::Condition { namespaces: ["other".to_owned()].into(), ..Default::default() };
    story.world.add_store(parameter_store("ps").condition(condition));
    story
        .world
        .declare_push(push("blue/shop/push").writes("pw", "app/pw").to(&["ps", "aws", "nowhere"]))
        .await;
    story.src(1);
    let report = story.pass().await;
    let text = report.failures().next().unwrap().1.to_string();
    assert!(
        text.contains("not allowed from namespace \"shop\"")
            && text.contains("ClusterSecretStore \"nowhere\""),
        "{text}"
    );
    assert!(story.world.stored("app/pw").is_some(), "a store that may not be used stops no other");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_is_finished_by_the_next_pass() {
    for point in [
        Point::Lookup,
        Point::Entries,
        Point::Read,
        Point::Record,
        Point::Push,
        Point::Unpush,
        Point::Write,
        Point::Publish,
    ] {
        for lost in [false, true] {
            for after in 0..4 {
                let story = Story::new();
                story.world.add_store(secrets_manager("aws").home(home()));
                story.src(1);
                let start = || push("blue/shop/push").deleting().every(60).in_cluster();
                story.world.declare_push(start().writes("pw", "app/a").writes("pw", "app/b")).await;
                let _ = story.pushes().push(false).await;
                story.world.declare_push(start().writes("pw", "app/a").writes("pw", "app/c")).await;
                story.src(2);
                let gate = story.world.gate(point);
                let flow = story.pushes();
                let dying = async {
                    for _ in 0..after {
                        gate.arrived().await.release();
                    }
                    let here = gate.arrived().await;
                    if lost {
                        here.release();
                    }
                };
                futures::future::select(Box::pin(flow.push(true)), Box::pin(dying)).await;
                drop(gate);
                story.world.advance(MINUTE);
                let _ = story.pushes().push(false).await;
                let words = format!("{point:?}, after {after}, lost {lost}");
                assert_eq!(story.world.stored("app/a"), Some(story.value(2)), "{words}");
                assert_eq!(story.world.stored("app/c"), Some(story.value(2)), "{words}");
                assert_eq!(story.world.stored("app/b"), None, "{words}");
                let record = story.world.push_record("blue/shop/push").unwrap();
                assert_eq!(record.state, Standing::Done, "{words}");
                assert_eq!(record.entries.len(), 2, "{words}");
                story.end();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_that_meet_the_newer_value_stays() {
    let story = Story::new();
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw").every(60)).await;
    story.src(1);
    // Another process, which reads the old value and is held up before it writes it.
    let slow = flow(&story.world.seen_by("slow"), pushing());
    let gate = story.world.gate(Point::Push);
    let held = async {
        let here = gate.arrived().await;
        story.src(2);
        let quick = story.pushes();
        let (fast, ()) = futures::join!(quick.push(true), async { gate.arrived().await.release() });
        fast.unwrap();
        here.release();
        drop(gate);
    };
    let (report, ()) = futures::join!(slow.push(true), held);
    report.unwrap();
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)), "it looked again");
    let record = story.world.push_record("blue/shop/push").unwrap();
    assert!(record.begun.is_empty() && record.state == Standing::Done, "{record:?}");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_or_hangs_holds_up_no_other() {
    let story = Story::new();
    story.world.add_store(parameter_store("ps"));
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw").to(&["aws", "ps"])).await;
    story.world.declare_push(push("blue/shop/other").writes("pw", "app/other")).await;
    story.src(1);
    let hanging = Fault::slow(HOUR).at(Point::Push).on("app/pw");
    story.world.inject(hanging.times(1));
    let report = story.pass().await;
    assert_eq!(report.failures().count(), 1, "{report:?}");
    assert_eq!(report.failures().next().unwrap().1.kind, Kind::Unreachable);
    assert!(story.world.stored("app/other").is_some());
    for fault in [Fault::fail(Kind::Throttled).resting(2 * MINUTE), Fault::panic("the panic of a store")] {
        story.world.advance(8 * MINUTE);
        story.world.inject(fault.at(Point::Push).on("app/pw").times(1));
        assert_eq!(story.pass().await.failures().count(), 1);
    }
    story.world.advance(8 * MINUTE);
    assert_eq!(story.pass().await.failures().count(), 0);
    assert_eq!(story.world.stored("app/pw"), Some(story.value(1)));
    story.end();
}

/// What one cluster pushes, another reads by an event: once for each change.
#[tokio::test(start_paused = true)]
async fn a_key_that_another_cluster_reads_follows_once() {
    let story = Story::new();
    story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw").every(60)).await;
    story.declare("green/shop/db", "app/pw");
    story.src(1);
    let flow = story.pushes();
    for number in [1, 2] {
        story.src(number);
        story.world.advance(MINUTE);
        assert_eq!(only(&flow.push(false).await.unwrap()).written, 1);
        let record = story.world.push_record("blue/shop/push").unwrap();
        let version = record.entries[0].version.as_deref().unwrap();
        let at = 60 * i64::try_from(number).unwrap();
        let change = pawl_world::change("app/pw").version(version).at(at).build();
        let report = flow.sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 1, "{report:?}");
        assert_eq!(story.world.value("green/shop/db", "value"), Some(story.value(number)));
        // The event comes twice.
        let report = flow.sync(&change).await.unwrap();
        assert_eq!(report.count(Outcome::Written), 0, "{report:?}");
    }
    let writes = story.world.calls().store_writes;
    assert_eq!(writes, 2, "each change was written once");
    story.end();
}

/// Blue pushes one key, green reads it and pushes another one, and blue's source reads that: a ring comes to rest.
#[tokio::test(start_paused = true)]
async fn a_ring_of_two_comes_to_rest() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/src").reads("k2").into_key("pw"));
    story.world.declare_push(push("blue/shop/push").writes("pw", "k1")).await;
    story.world.declare(declaration("green/shop/src").reads("k1").into_key("pw"));
    story.world.declare_push(push("green/shop/push").writes("pw", "k2")).await;
    let flow = story.pushes();
    // Every write of a store sends its event, and every event its deliveries, which push what they wrote.
    story.world.rotate("k2", story.value(1));
    story.world.tag_secret("k2", "managed-by", "external-secrets");
    for number in [1, 2] {
        if number == 2 {
            story.world.rotate("k2", story.value(2));
        }
        let mut events = 0;
        let mut change = pawl_world::change("k2").build();
        loop {
            let before = story.world.calls().store_writes;
            flow.sync(&change).await.unwrap();
            events += 1;
            assert!(events < 10, "the ring does not come to rest");
            if story.world.calls().store_writes == before {
                break;
            }
            let turned = if change.key() == "k2" { "k1" } else { "k2" };
            change = pawl_world::change(turned).build();
        }
        assert_eq!(events, 2, "once round: k2, then k1, which changes nothing more");
        for name in ["k1", "k2"] {
            assert_eq!(story.world.stored(name), Some(story.value(number)));
        }
        story.world.forget_calls();
    }
    story.end();
}
