//! What a process that lives long pushes between two passes: what it hears of, and what failed.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::pushing::{home, only};
use crate::story::{HOUR, MINUTE, Story};
use pawl_domain::Kind;
use pawl_domain::push::Standing;
use pawl_pipeline::{Pipeline, Sightings};
use pawl_ports::{Ports, Sighting};
use pawl_world::build::{PushBuilder, store_id};
use pawl_world::{Fault, Point, World, cluster, declaration, push, secrets_manager};
use std::time::Duration;

fn start() -> PushBuilder {
    push("blue/shop/push").writes("pw", "app/pw").every(3600)
}

/// A process in which somebody waits for what is to be pushed.
async fn serving(story: &Story) -> Pipeline<World> {
    let flow = story.pushes();
    assert!(!is_due(&flow).await, "there is nothing to do");
    flow
}

/// The clock of the story stands still while tokio's runs, so that what is not due now does not come.
async fn is_due(flow: &Pipeline<World>) -> bool {
    tokio::time::timeout(Duration::from_millis(1), flow.until_push_due()).await.is_ok()
}

/// Somebody else changes the source, and a watch tells of it.
async fn source_changes(story: &Story, flow: &Pipeline<World>, number: usize) {
    story.src(number);
    let mut seen = Sightings::default();
    seen.add(Sighting::Source("shop".parse().unwrap(), "src".parse().unwrap(), None));
    flow.follow(&cluster("blue").into(), &seen).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_after_growing_pauses() {
    let story = Story::new();
    story.src(1);
    let flow = serving(&story).await;
    story.world.declare_push(start()).await;
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Push).on("app/pw").times(4));
    assert_eq!(flow.push(false).await.unwrap().failures().count(), 1);
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let mut seconds = 0;
        while !is_due(&flow).await {
            let pass = story.pass().await;
            assert_eq!((pass.outcomes.len(), pass.resting), (0, 1), "the record says that it rests");
            story.world.advance(Duration::from_secs(1));
            seconds += 1;
        }
        flow.push_due().await.unwrap();
        pauses.push(seconds);
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
    assert_eq!(story.world.stored("app/pw"), Some(story.value(1)));
    assert_eq!(story.world.push_record("blue/shop/push").unwrap().state, Standing::Done);
    story.world.advance(MINUTE);
    assert!(!is_due(&flow).await, "it is done");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_a_pause_is_left_alone_whatever_changes() {
    let story = Story::new();
    story.src(1);
    let flow = serving(&story).await;
    story.world.declare_push(start()).await;
    let throttled = Fault::fail(Kind::Throttled).resting(2 * MINUTE);
    story.world.inject(throttled.at(Point::Push).on("app/pw").times(1));
    flow.push(false).await.unwrap();
    let asked = story.world.calls().pushes;
    source_changes(&story, &flow, 2).await;
    assert!(is_due(&flow).await);
    flow.push_due().await.unwrap();
    assert_eq!(story.world.calls().pushes, asked, "it is not asked");
    story.world.advance(2 * MINUTE);
    assert!(is_due(&flow).await);
    flow.push_due().await.unwrap();
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)));
    story.end();
}

/// A delivery, a sweep and a retry write a target that is a source.
#[tokio::test(start_paused = true)]
async fn whatever_writes_a_source_has_it_pushed() {
    for serves in [false, true] {
        let story = Story::new();
        let flow = if serves { serving(&story).await } else { story.pushes() };
        let pushed = async |number: usize, what: &str| {
            if serves {
                assert!(is_due(&flow).await, "{what}");
                flow.push_due().await.unwrap();
            }
            assert_eq!(story.world.stored("app/pw"), Some(story.value(number)), "{what}, serves {serves}");
        };
        story.world.declare(declaration("blue/shop/src").reads("upstream").into_key("pw").every(HOUR));
        story.world.declare_push(start()).await;
        let change = story.world.rotate("upstream", story.value(1));
        flow.sync(&change).await.unwrap();
        assert_eq!(story.world.stored("app/pw").is_none(), serves, "an event waits for no store to push to");
        pushed(1, "an event").await;
        story.world.rotate("upstream", story.value(2));
        story.world.advance(HOUR);
        flow.sweep(true).await.unwrap();
        pushed(2, "a sweep").await;
        story.src(7);
        story.world.advance(MINUTE);
        flow.sweep(true).await.unwrap();
        pushed(2, "what is put back").await;
        story.end();
    }
}

/// The process ended before it pushed what it had heard of.
#[tokio::test(start_paused = true)]
async fn a_process_that_begins_catches_up() {
    let story = Story::new();
    story.src(1);
    story.world.declare_push(start()).await;
    let other = push("blue/shop/other").from("other").writes("pw", "app/other");
    story.world.write_secret("blue/shop/other", &[("pw", "as ever")]);
    story.world.declare_push(other).await;
    story.pass().await;
    story.src(2);
    story.world.forget_calls();
    let flow = serving(&story).await;
    flow.catch_up_pushes().await.unwrap();
    assert!(is_due(&flow).await);
    flow.push_due().await.unwrap();
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)));
    assert_eq!(story.world.calls().pushes, 1, "no store is asked for what has not changed");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_held_up_holds_up_no_other() {
    let story = Story::new();
    story.src(1);
    let flow = serving(&story).await;
    story.world.declare_push(start()).await;
    source_changes(&story, &flow, 1).await;
    let gate = story.world.gate(Point::Push);
    let held = async {
        let here = gate.arrived().await;
        let other = push("blue/shop/other").from("other").writes("pw", "app/other");
        story.world.write_secret("blue/shop/other", &[("pw", "as ever")]);
        story.world.declare_push(other).await;
        let pass = async { flow.push(false).await.unwrap() };
        let (pass, ()) = futures::join!(pass, async { gate.arrived().await.release() });
        assert_eq!(pass.outcomes.len(), 1, "it leaves alone what is under way: {pass:?}");
        source_changes(&story, &flow, 2).await;
        assert!(is_due(&flow).await);
        flow.push_due().await.unwrap();
        here.release();
        drop(gate);
    };
    let (report, ()) = futures::join!(flow.push_due(), held);
    only(&report.unwrap());
    story.world.advance(Duration::from_secs(1));
    assert!(is_due(&flow).await, "the source changed while it was under way");
    flow.push_due().await.unwrap();
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)));
    story.end();
}

/// What is pushed changes its own source, which no comparison brings to rest.
#[tokio::test(start_paused = true)]
async fn a_source_without_rest_is_followed_slowly() {
    let story = Story::new();
    story.src(0);
    let flow = serving(&story).await;
    story.world.declare_push(start()).await;
    for number in 1..=600 {
        source_changes(&story, &flow, number).await;
        story.world.advance(Duration::from_secs(1));
        if is_due(&flow).await {
            flow.push_due().await.unwrap();
        }
    }
    let writes = story.world.calls().store_writes;
    assert!((10..=25).contains(&writes), "{writes} in ten minutes");
    story.world.advance(MINUTE);
    assert!(is_due(&flow).await);
    flow.push_due().await.unwrap();
    assert_eq!(story.world.stored("app/pw"), Some(story.value(600)), "the last one is never forgotten");
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_entry_puts_no_comparison_of_the_others_off() {
    let story = Story::new();
    story.src(1);
    let flow = story.pushes();
    story.world.declare_push(start().writes("user", "app/user").every(60)).await;
    flow.push(false).await.unwrap();
    story.world.advance(MINUTE / 2);
    source_changes(&story, &flow, 2).await;
    assert_eq!(story.world.stored("app/pw"), Some(story.value(2)));
    story.world.destroy_secret("app/user");
    story.world.advance(MINUTE / 2);
    assert_eq!(only(&flow.push(false).await.unwrap()).written, 1, "the store is asked for all of them");
    story.end();
}

/// Another entry of a PushSecret that failed is not asked for again, and the failure is told as it was.
#[tokio::test(start_paused = true)]
async fn only_what_failed_is_tried_again() {
    let story = Story::new();
    story.src(1);
    let flow = serving(&story).await;
    story.world.declare_push(start().writes("user", "app/user")).await;
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Push).on("app/pw").times(1));
    flow.push(false).await.unwrap();
    story.world.forget_calls();
    story.world.advance(Duration::from_secs(1));
    assert!(is_due(&flow).await);
    flow.push_due().await.unwrap();
    assert_eq!(story.world.calls().pushes, 1);
    assert_eq!(story.world.push_record("blue/shop/push").unwrap().state, Standing::Done);
    story.end();
}

/// The cluster refuses the finalizer at first: that is on record, and what ESO pushed is taken over all the same.
#[tokio::test(start_paused = true)]
async fn a_claim_that_failed_is_on_record_and_made_again() {
    let story = Story::new();
    story.world.add_store(secrets_manager("aws").home(home()));
    story.src(1);
    story.world.rotate("app/old", "pushed by ESO");
    story.world.tag_secret("app/old", "managed-by", "external-secrets");
    let declared = start().deleting().in_cluster().build();
    let old = push("blue/shop/push").writes("pw", "app/old").build().data;
    let store = pawl_domain::StoreId { home: home(), ..store_id("aws") };
    story.world.clusters().set_pushed(&declared.id, vec![(store, old[0].clone())]);
    story.world.declare_push(declared).await;
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Write).times(1));
    assert_eq!(story.pass().await.failures().count(), 1);
    let record = story.world.push_record("blue/shop/push").unwrap();
    assert!(matches!(&record.state, Standing::Failed(failure) if failure.kind == Kind::Denied), "{record:?}");
    story.world.advance(MINUTE);
    assert_eq!(only(&story.pass().await).written, 1);
    assert!(story.world.clusters().is_finalized("blue/shop/push"));
    assert_eq!(story.world.stored("app/old"), None, "nothing declares what ESO had pushed");
    story.end();
}
