//! The contract of [`Jobs`].

use super::longest_id;
use crate::build::{at, change, id};
use futures::future::join_all;
use pawl_domain::DeclarationId;
use pawl_ports::{Job, Jobs};
use std::collections::BTreeSet;

/// Runs every case; `make` makes an empty queue for each. `receive` takes jobs from the queue for good until it has
/// as many as it is told or, within a time of its own, no more come; it answers with all that it took.
pub async fn suite<J: Jobs>(make: impl AsyncFn() -> J, receive: impl AsyncFn(&J, usize) -> Vec<Job>) {
    let queue = make().await;
    enqueue(&queue, &[]).await;
    assert_eq!(receive(&queue, 0).await, [], "no jobs handed over are none to receive");

    let queue = make().await;
    let odd = Job {
        declarations: vec![id("blue/shop/db"), id("blue.example/shop/db")],
        change: Some(change("\u{1f511} \"app\"\\db\n").version("v\u{e9}").named("arn:aws:x").build()),
        at: "2026-11-22T05:06:07.123456789Z".parse().unwrap(),
    };
    enqueue(&queue, std::slice::from_ref(&odd)).await;
    assert_eq!(receive(&queue, 1).await, [odd], "a job arrives as it was handed over");

    let queue = make().await;
    let many: Vec<Job> = (0..37).map(|index| job(&format!("blue/shop/d{index}"))).collect();
    enqueue(&queue, &many).await;
    assert_arrived(&receive(&queue, many.len()).await, &many, "more jobs than one batch of a queue takes");

    let queue = make().await;
    let large: Vec<Job> = "abcdefghijkl".chars().map(largest).collect();
    enqueue(&queue, &large).await;
    assert_arrived(&receive(&queue, large.len()).await, &large, "the largest jobs that there can be");

    let queue = make().await;
    let jobs: Vec<Job> = (0..20).map(|index| job(&format!("green/shop/d{index}"))).collect();
    let results = join_all(jobs.chunks(4).map(|jobs| queue.enqueue(jobs))).await;
    assert!(results.iter().all(Result::is_ok), "callers that meet are all served: {results:?}");
    assert_arrived(&receive(&queue, jobs.len()).await, &jobs, "jobs of callers that met");
    enqueue(&queue, &jobs[..1]).await;
    enqueue(&queue, &jobs[..1]).await;
    let again = receive(&queue, 2).await;
    assert_arrived(&again, &jobs[..1], "a job that was handed over before");
}

fn job(text: &str) -> Job {
    Job { declarations: vec![id(text)], change: None, at: at(1) }
}

/// As many declarations as a job may hold, with the longest names.
fn largest(letter: char) -> Job {
    let longest = longest_id(letter);
    let ids = (0..Job::MAX_DECLARATIONS).map(|index| {
        let name = format!("{}{index:03}", &longest.name.as_str()[3..]);
        DeclarationId { name: crate::build::object_name(&name), ..longest.clone() }
    });
    Job { declarations: ids.collect(), change: Some(change(&"n".repeat(512)).build()), at: at(2) }
}

async fn enqueue<J: Jobs>(queue: &J, jobs: &[Job]) {
    if let Err(error) = queue.enqueue(jobs).await {
        panic!("enqueue of {} jobs: {error}", jobs.len());
    }
}

/// Every job arrived; some may have come twice, in any order.
fn assert_arrived(got: &[Job], want: &[Job], case: &str) {
    let texts = |jobs: &[Job]| jobs.iter().map(|job| format!("{job:?}")).collect::<BTreeSet<_>>();
    let (got, want) = (texts(got), texts(want));
    assert!(got == want, "{case}: {} of {} arrived", got.intersection(&want).count(), want.len());
}
