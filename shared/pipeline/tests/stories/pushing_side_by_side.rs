//! Runs of one PushSecret meet each other, its edits and its end.

use crate::pushing::{home, only, pushing};
use crate::story::{MINUTE, Story, flow};
use futures::future::{Either, select};
use pawl_domain::Kind;
use pawl_domain::push::Standing;
use pawl_pipeline::{Pipeline, Sightings};
use pawl_ports::{Ports, Pushes, Sighting};
use pawl_world::build::{PushBuilder, id, store_id};
use pawl_world::gate::Gate;
use pawl_world::{Fault, Point, World, cluster, push, secrets_manager};
use std::pin::pin;
use tokio::time::Instant;

/// Another process, with a memory of its own.
fn another(story: &Story) -> Pipeline<World> {
    flow(&story.world.seen_by("another"), pushing())
}

/// Does this while somebody else stands at the gate; whoever comes to it is let by.
async fn letting_by<T>(gate: &Gate, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            next = gate.arrived() => next.release(),
        }
    }
}

fn start() -> PushBuilder {
    push("blue/shop/push").deleting().every(60)
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_was_edited_since_it_was_listed_is_not_carried_out() {
    let story = Story::new();
    story.src(1);
    story.world.declare_push(start().writes("pw", "app/old")).await;
    let gate = story.world.gate(Point::Entries);
    let slow = another(&story);
    let held = async {
        let here = gate.arrived().await;
        story.world.declare_push(start().writes("pw", "app/new")).await;
        letting_by(&gate, story.pass()).await;
        here.release();
        drop(gate);
    };
    let (report, ()) = futures::join!(slow.push(true), held);
    only(&report.unwrap());
    assert_eq!(story.world.stored("app/new"), Some(story.value(1)));
    assert_eq!(story.world.stored("app/old"), None, "nobody declares it any more");
    assert_eq!(story.world.calls().unpushes, 0, "it was never there");
    story.end();
}

/// One run is about to write an entry while another one takes it away, for the manifest was edited or is on its way out.
/// The first run then ends, or dies with its write.
#[tokio::test(start_paused = true)]
async fn what_is_written_after_its_removal_is_removed_again() {
    for (leaves, dies) in [(false, false), (false, true), (true, false), (true, true)] {
        let words = format!("leaves {leaves}, dies {dies}");
        let story = Story::new();
        story.src(1);
        story.world.declare_push(start().writes("pw", "app/b")).await;
        let slow = another(&story);
        let gate = story.world.gate(Point::Push);
        let held = async {
            let here = gate.arrived().await;
            let edited = if leaves {
                start().writes("pw", "app/b").with(|push| push.deleting = true)
            } else {
                start().writes("pw", "app/c")
            };
            story.world.declare_push(edited).await;
            letting_by(&gate, async { story.pushes().push(true).await.unwrap() }).await;
            let after = story.world.gate(Point::Record);
            here.release();
            drop(gate);
            // It has written, and wants to say so.
            let last = after.arrived().await;
            if dies {
                std::future::pending::<()>().await;
            }
            last.release();
            drop(after);
        };
        let running = async { futures::join!(slow.push(true), held).0.unwrap() };
        let timer = tokio::time::sleep(MINUTE);
        let ended = select(Box::pin(running), Box::pin(timer)).await;
        assert_eq!(matches!(ended, Either::Right(_)), dies, "{words}");
        drop(ended);
        assert_eq!(story.world.stored("app/b").is_some(), dies, "{words}");
        story.world.advance(30 * MINUTE);
        story.pass().await;
        assert_eq!(story.world.stored("app/b"), None, "{words}: nobody else would remove it");
        assert_eq!(story.world.registry().push(&id("blue/shop/push")).await.unwrap().is_none(), leaves);
        match story.world.push_record("blue/shop/push") {
            Some(record) => assert!(!leaves && record.entries.len() == 1, "{words}: {record:?}"),
            None => assert!(leaves, "{words}"),
        }
        story.end();
    }
}

/// The first run of all has nothing on record yet when the PushSecret goes.
#[tokio::test(start_paused = true)]
async fn a_first_run_writes_nothing_for_what_is_gone() {
    let story = Story::new();
    story.src(1);
    story.world.declare_push(start().writes("pw", "app/b")).await;
    let slow = another(&story);
    let gate = story.world.gate(Point::Record);
    let held = async {
        let here = gate.arrived().await;
        let gone = start().writes("pw", "app/b").with(|push| push.deleting = true);
        story.world.declare_push(gone).await;
        assert!(only(&letting_by(&gate, story.pushes().push(true)).await.unwrap()).gone);
        here.release();
        drop(gate);
    };
    let (report, ()) = futures::join!(slow.push(true), held);
    report.unwrap();
    assert_eq!(story.world.stored("app/b"), None);
    assert_eq!(story.world.push_record("blue/shop/push"), None, "nothing is left of it");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_applied_again_while_it_goes_stays() {
    let story = Story::new();
    story.src(1);
    story.world.declare_push(start().writes("pw", "app/a")).await;
    story.pass().await;
    let gone = start().writes("pw", "app/a").with(|push| push.deleting = true);
    story.world.declare_push(gone).await;
    let gate = story.world.gate(Point::Catalogue);
    let flow = story.pushes();
    let held = async {
        let here = gate.arrived().await;
        // The fake's own hand, which no gate stops.
        letting_by(&gate, story.world.declare_push(start().writes("pw", "app/a"))).await;
        here.release();
        drop(gate);
    };
    let (report, ()) = futures::join!(flow.push(false), held);
    report.unwrap();
    story.pass().await;
    assert!(story.world.registry().push(&id("blue/shop/push")).await.unwrap().is_some());
    assert_eq!(story.world.stored("app/a"), Some(story.value(1)), "it is declared again");
    story.end();
}

/// ESO pushed it, and it is deleted before Pawl has carried it out once.
#[tokio::test(start_paused = true)]
async fn what_eso_pushed_goes_with_a_push_secret_that_was_never_carried_out() {
    let story = Story::new();
    story.world.add_store(secrets_manager("aws").home(home()));
    story.world.rotate("app/a", "pushed by ESO");
    story.world.tag_secret("app/a", "managed-by", "external-secrets");
    let gone = start().writes("pw", "app/a").in_cluster().with(|push| push.deleting = true).build();
    let store = pawl_domain::StoreId { home: home(), ..store_id("aws") };
    story.world.clusters().set_pushed(&gone.id, vec![(store, gone.data[0].clone())]);
    story.world.declare_push(gone).await;
    assert_eq!(only(&story.pass().await).removed, 1);
    assert_eq!(story.world.stored("app/a"), None);
    assert!(!story.world.clusters().is_finalized("blue/shop/push"));
    story.end();
}

/// ESO pushed it to a store that the manifest no longer names.
#[tokio::test(start_paused = true)]
async fn what_eso_pushed_to_another_store_goes_as_well() {
    let story = Story::new();
    for name in ["aws", "former"] {
        story.world.add_store(secrets_manager(name).home(home()));
    }
    story.world.rotate("app/old", "pushed by ESO");
    story.world.tag_secret("app/old", "managed-by", "external-secrets");
    let gone = start().writes("pw", "app/a").in_cluster().with(|push| push.deleting = true).build();
    let store = pawl_domain::StoreId { home: home(), ..store_id("former") };
    let old = start().writes("pw", "app/old").build();
    story.world.clusters().set_pushed(&gone.id, vec![(store, old.data[0].clone())]);
    story.world.declare_push(gone).await;
    assert_eq!(only(&story.pass().await).removed, 1);
    assert_eq!(story.world.stored("app/old"), None);
    story.end();
}

/// The pass ends before the store answers, which is no fault of the store's: its circuit breaker stays closed.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_pass_is_no_failure_of_the_store() {
    let story = Story::new();
    story.src(1);
    story.world.declare_push(start().writes("pw", "app/x")).await;
    let own = flow(&story.world, pushing());
    for _ in 0..4 {
        story.world.inject(Fault::slow(MINUTE / 2).at(Point::Push));
        let report = own.until(Instant::now() + MINUTE / 6).push(true).await.unwrap();
        let (_, error) = report.failures().next().unwrap();
        assert_eq!(error.kind, Kind::Transient, "{error}");
        story.world.mend_all();
    }
    assert_eq!(only(&own.push(true).await.unwrap()).written, 1, "the store is asked at once");
    story.end();
}

/// A store is renamed, and the manifest is edited before the store is there under its new name.
#[tokio::test(start_paused = true)]
async fn nothing_is_removed_where_a_store_that_is_not_known_may_write() {
    let story = Story::new();
    story.src(1);
    story.world.declare_push(start().writes("pw", "app/x")).await;
    story.pass().await;
    story.world.declare_push(start().writes("pw", "app/x").to(&["renamed"])).await;
    assert_eq!(story.pass().await.failures().count(), 1, "there is no such store");
    assert_eq!(story.world.stored("app/x"), Some(story.value(1)), "it may be the same place");
    let other =
        pawl_domain::store::Condition { namespaces: ["other".to_owned()].into(), ..Default::default() };
    story.world.add_store(secrets_manager("renamed").condition(other));
    story.world.advance(MINUTE);
    assert_eq!(story.pass().await.failures().count(), 1, "it may not be used from here");
    assert_eq!(story.world.stored("app/x"), Some(story.value(1)), "it is the same place");
    story.world.add_store(secrets_manager("renamed"));
    story.world.advance(MINUTE);
    only(&story.pass().await);
    assert_eq!(story.world.stored("app/x"), Some(story.value(1)));
    assert_eq!(
        story.world.push_record("blue/shop/push").unwrap().entries.len(),
        1,
        "the old one is forgotten"
    );
    story.world.declare_push(start().to(&["renamed"])).await;
    only(&story.pass().await);
    assert_eq!(story.world.stored("app/x"), None, "nobody declares it any more");
    story.end();
}

/// Two stores are one place: properties of one key are read and written whole through either.
#[tokio::test(start_paused = true)]
async fn stores_of_one_place_take_turns_at_each_key() {
    let story = Story::new();
    story.world.add_store(secrets_manager("renamed"));
    story.src(1);
    let each = start().writes_property("user", "app/db", "user").writes_property("pw", "app/db", "pw");
    story.world.declare_push(each.to(&["aws", "renamed"])).await;
    let gate = story.world.gate(Point::Push);
    let both = format!(r#"{{"user":"u","pw":"{}"}}"#, story.value(1));
    let user = r#"{"user":"u"}"#.to_owned();
    let one_by_one = async {
        for want in [None, Some(&user), Some(&user), Some(&both)] {
            let here = gate.arrived().await;
            assert_eq!(story.world.stored("app/db").as_ref(), want);
            here.release();
        }
        drop(gate);
    };
    let flow = story.pushes();
    let (report, ()) = futures::join!(flow.push(false), one_by_one);
    assert_eq!(only(&report.unwrap()).written, 2);
    story.end();
}

/// Another process reads the old value and is held up before it writes it: by a pass, or since the source had changed.
#[tokio::test(start_paused = true)]
async fn of_two_runs_that_meet_the_newer_value_stays() {
    for why in ["asked", "time", "source"] {
        let story = Story::new();
        story.world.declare_push(push("blue/shop/push").writes("pw", "app/pw").every(60)).await;
        story.src(0);
        story.pass().await;
        story.src(1);
        story.world.advance(MINUTE);
        let slow = another(&story);
        let running = async {
            if why == "source" {
                let mut seen = Sightings::default();
                let (namespace, name) = ("shop".parse().unwrap(), "src".parse().unwrap());
                seen.add(Sighting::Source(namespace, name, Some("1".to_owned())));
                slow.follow(&cluster("blue").build(), &seen).await.unwrap();
            } else {
                slow.push(why == "asked").await.unwrap();
            }
        };
        let gate = story.world.gate(Point::Push);
        let held = async {
            let here = gate.arrived().await;
            story.src(2);
            letting_by(&gate, story.pushes().push(true)).await.unwrap();
            here.release();
            drop(gate);
        };
        futures::join!(running, held);
        assert_eq!(story.world.stored("app/pw"), Some(story.value(2)), "{why}: it looked again");
        let record = story.world.push_record("blue/shop/push").unwrap();
        assert!(record.begun.is_empty() && record.state == Standing::Done, "{why}: {record:?}");
        story.end();
    }
}
