//! Secrets are pushed while processes die, run at the same time and stores fail.

use crate::pushing::{home, only};
use crate::story::{HOUR, MINUTE, Story};
use pawl_domain::Kind;
use pawl_domain::push::Standing;
use pawl_world::{Fault, Point, parameter_store, push, secrets_manager};

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
                let standing = record.entries.iter().filter(|entry| entry.stands).count();
                assert_eq!(standing, 2, "{words}");
                // Whoever died might have written it yet.
                story.world.advance(30 * MINUTE);
                let _ = story.pushes().push(false).await;
                let record = story.world.push_record("blue/shop/push").unwrap();
                assert_eq!((record.entries.len(), record.begun.len()), (2, 0), "{words}");
                story.end();
            }
        }
    }
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

/// Each of them reads the whole value and writes it back, and ESO writes them in this order.
#[tokio::test(start_paused = true)]
async fn properties_of_one_key_are_written_one_after_another_as_the_manifest_lists_them() {
    let story = Story::new();
    let each = push("blue/shop/push")
        .writes_property("user", "app/db", "user")
        .writes_property("pw", "app/db", "pw")
        .writes_property("user", "app/db", "name");
    story.world.declare_push(each).await;
    story.src(1);
    let gate = story.world.gate(Point::Push);
    let stored = || story.world.stored("app/db");
    let one_by_one = async {
        gate.arrived().await.release();
        let second = gate.arrived().await;
        assert_eq!(stored().as_deref(), Some(r#"{"user":"u"}"#));
        second.release();
        let third = gate.arrived().await;
        assert_eq!(stored(), Some(format!(r#"{{"user":"u","pw":"{}"}}"#, story.value(1))));
        third.release();
    };
    let flow = story.pushes();
    let (report, ()) = futures::join!(flow.push(false), one_by_one);
    drop(gate);
    assert_eq!(only(&report.unwrap()).written, 3);
    story.end();
}
