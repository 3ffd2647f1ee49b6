//! Gates stop tasks, and let them go on in the order that the test likes.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::Kind;
use pawl_ports::{Ledger, Ports};
use pawl_world::build::at;
use pawl_world::{Fault, Point, World};
use std::time::Duration;

fn sets_mark(world: &World, actor: &str, second: i64) -> tokio::task::JoinHandle<()> {
    let world = world.seen_by(actor);
    tokio::spawn(async move { world.ledger().set_mark("m", at(second)).await.unwrap() })
}

#[tokio::test]
async fn tasks_go_on_in_the_order_of_their_release() {
    let world = World::new();
    let gate = world.gate(Point::Mark);
    let (a, b) = (sets_mark(&world, "a", 1), sets_mark(&world, "b", 2));
    let (first, second) = (gate.arrived().await, gate.arrived().await);
    assert_eq!((first.actor(), second.actor(), second.subject()), ("a", "b", "m"));
    assert_eq!(world.calls().marks, 0, "who stands at a gate has not called");
    second.release();
    b.await.unwrap();
    assert!(!a.is_finished());
    assert_eq!(world.calls().marks, 1);
    first.release();
    a.await.unwrap();
}

#[tokio::test]
async fn an_opened_gate_lets_everybody_go_on() {
    let world = World::new();
    let gate = world.gate(Point::Mark);
    let tasks = [sets_mark(&world, "a", 1), sets_mark(&world, "b", 2)];
    let stopped = gate.arrived().await;
    drop(gate);
    for task in tasks {
        task.await.unwrap();
    }
    drop(stopped);
    assert_eq!(world.ledger().mark("m").await.unwrap(), Some(at(2)));
}

#[tokio::test]
async fn a_task_that_is_dropped_at_a_gate_does_nothing() {
    let world = World::new();
    let gate = world.gate(Point::Mark);
    let task = sets_mark(&world, "a", 1);
    let stopped = gate.arrived().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    stopped.release();
    drop(gate);
    assert_eq!(world.calls().marks, 0);
    assert_eq!(world.ledger().mark("m").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_where_and_as_often_as_they_are_told() {
    let world = World::new();
    world.inject(Fault::fail(Kind::Throttled).at(Point::Mark).on("m").times(2));
    world.inject(Fault::slow(Duration::from_secs(3)).at(Point::Mark).on("slow"));
    world.inject(Fault::lost_answer().at(Point::Mark).on("lost").times(1));
    let ledger = world.ledger();
    for _ in 0..2 {
        let error = ledger.set_mark("m", at(1)).await.unwrap_err();
        assert_eq!((error.kind, error.is_retryable()), (Kind::Throttled, true));
    }
    assert_eq!(ledger.mark("m").await.unwrap(), None, "what failed did nothing");
    let before = tokio::time::Instant::now();
    ledger.set_mark("slow", at(1)).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(3));
    assert_eq!(ledger.set_mark("lost", at(1)).await.unwrap_err().kind, Kind::Unreachable);
    assert_eq!(ledger.mark("lost").await.unwrap(), Some(at(1)), "what lost its answer was done");
    world.mend("slow");
    let before = tokio::time::Instant::now();
    ledger.mark("slow").await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(world.forget_calls().marks, 7, "calls that failed count");
    assert_eq!(world.calls(), pawl_world::Calls::default());
}
