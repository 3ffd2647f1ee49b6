//! Jobs are leased, done, and acknowledged or put back; none is lost, and none is with two at once.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_embedded::{Embedded, JobCounts, JobState, Leased, Retried, StoredJob};
use pawl_ports::{Job, Jobs};
use pawl_world::build::{at, change, id};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const MINUTE: Duration = Duration::from_secs(60);

async fn queue(jobs: &[Job]) -> (TempDir, PathBuf, Embedded) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pawl.db");
    let queue = Embedded::open(&path).await.unwrap();
    queue.enqueue(jobs).await.unwrap();
    (directory, path, queue)
}

fn job(number: usize) -> Job {
    Job {
        declarations: vec![id(&format!("blue/shop/d{number}"))],
        change: Some(change("a").build()),
        at: at(0),
    }
}

fn read(leased: &Leased) -> Job {
    Job::from_wire(&leased.document).unwrap()
}

async fn dead(queue: &Embedded) -> Vec<StoredJob> {
    let mut jobs = queue.stored_jobs(at(0), 10).await.unwrap();
    jobs.retain(|job| matches!(job.state, JobState::Dead(_)));
    jobs
}

fn reason(job: &StoredJob) -> &str {
    match &job.state {
        JobState::Dead(reason) => reason,
        other => panic!("{other:?}"),
    }
}

async fn lease_one(queue: &Embedded, second: i64) -> Option<Leased> {
    queue.lease(at(second), 1, MINUTE).await.unwrap().pop()
}

#[tokio::test]
async fn a_leased_job_is_nobody_elses_until_its_lease_ends() {
    let (_directory, path, queue) = queue(&[job(0)]).await;
    let other = Embedded::open(&path).await.unwrap();
    let first = lease_one(&queue, 0).await.unwrap();
    assert_eq!((first.receipt.attempt, read(&first)), (1, job(0)));
    assert_eq!(lease_one(&other, 59).await, None);
    let second = lease_one(&other, 60).await.unwrap();
    assert_eq!(second.receipt.attempt, 2);
    assert!(!queue.ack(first.receipt).await.unwrap(), "the job is the other's now");
    assert_eq!(queue.retry_at(first.receipt, at(0), "late").await.unwrap(), Retried::Ended);
    assert!(other.ack(second.receipt).await.unwrap());
    assert!(!other.ack(second.receipt).await.unwrap(), "it is gone");
    assert_eq!(lease_one(&queue, 10_000).await, None);
}

#[tokio::test]
async fn jobs_of_a_server_that_was_killed_are_taken_up_by_the_next_one() {
    let (_directory, path, queue) = queue(&[job(0), job(1)]).await;
    let lost = queue.lease(at(0), 1, 10 * MINUTE).await.unwrap().pop().unwrap();
    let next = Embedded::open(&path).await.unwrap();
    let pause = |attempts| Duration::from_secs(2 * u64::from(attempts));
    assert_eq!(next.end_leases(at(1), pause).await.unwrap(), 1);
    assert_eq!(read(&lease_one(&next, 1).await.unwrap()), job(1), "the other one waited all the time");
    assert_eq!(lease_one(&next, 2).await, None, "the job may be what ended the server");
    let again = lease_one(&next, 3).await.unwrap();
    assert_eq!((again.receipt.attempt, read(&again)), (2, job(0)));
    assert!(!queue.ack(lost.receipt).await.unwrap(), "of a server that lives after all the lease has ended");
    assert!(next.ack(again.receipt).await.unwrap());
}

#[tokio::test]
async fn a_lease_that_ended_unnoticed_can_still_be_acknowledged() {
    let (_directory, _, queue) = queue(&[job(0)]).await;
    let leased = lease_one(&queue, 0).await.unwrap();
    assert_eq!(queue.job_counts(at(61)).await.unwrap(), JobCounts { ready: 1, ..JobCounts::default() });
    assert!(queue.ack(leased.receipt).await.unwrap());
    assert_eq!(queue.job_counts(at(61)).await.unwrap(), JobCounts::default());
}

#[tokio::test]
async fn a_job_put_back_comes_at_its_time() {
    let (_directory, _, queue) = queue(&[job(0), job(1)]).await;
    let leased = lease_one(&queue, 0).await.unwrap();
    assert_eq!(queue.retry_at(leased.receipt, at(30), "throttled").await.unwrap(), Retried::Waits);
    let counts = queue.job_counts(at(0)).await.unwrap();
    assert_eq!(counts, JobCounts { ready: 1, delayed: 1, ..JobCounts::default() });
    assert_eq!(read(&lease_one(&queue, 0).await.unwrap()), job(1));
    assert_eq!(lease_one(&queue, 29).await, None);
    let again = lease_one(&queue, 30).await.unwrap();
    assert_eq!((again.receipt.attempt, read(&again)), (2, job(0)));
    let counts = queue.job_counts(at(30)).await.unwrap();
    assert_eq!(counts, JobCounts { leased: 2, ..JobCounts::default() });
}

#[tokio::test]
async fn a_job_that_never_succeeds_dies_visibly_and_can_be_redriven() {
    let (_directory, _, queue) = queue(&[job(0)]).await;
    let mut last = Retried::Waits;
    let mut attempts = 0;
    while let Some(leased) = lease_one(&queue, 0).await {
        attempts += 1;
        assert_eq!(leased.receipt.attempt, attempts);
        last = queue.retry_at(leased.receipt, at(0), "cluster blue is down").await.unwrap();
    }
    assert_eq!((last, attempts), (Retried::Dead, 50));
    let found = dead(&queue).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].attempts, reason(&found[0])), (50, "cluster blue is down"));
    assert_eq!(Job::from_wire(&found[0].document).unwrap(), job(0));
    assert_eq!(queue.job_counts(at(0)).await.unwrap(), JobCounts { dead: 1, ..JobCounts::default() });

    assert_eq!(queue.redrive(None).await.unwrap(), 1);
    let again = lease_one(&queue, 0).await.unwrap();
    assert_eq!((again.receipt.attempt, read(&again)), (1, job(0)));
    assert_eq!(dead(&queue).await, []);
}

#[tokio::test]
async fn a_job_whose_consumers_die_is_not_tried_for_ever() {
    let (_directory, _, queue) = queue(&[job(0)]).await;
    let mut leases = 0;
    while lease_one(&queue, leases * 60).await.is_some() {
        leases += 1;
    }
    assert_eq!(leases, 50);
    let found = dead(&queue).await;
    assert_eq!((found.len(), reason(&found[0])), (1, "it was tried too often"));
}

#[tokio::test]
async fn a_job_is_handed_out_whoever_wrote_it_and_can_be_given_up_and_removed() {
    const OTHER: &str = r#"{"kind":"pawl.dev/job","version":99}"#;
    let (_directory, path, queue) = queue(&[]).await;
    let by_hand = rusqlite::Connection::open(&path).unwrap();
    by_hand.execute("INSERT INTO jobs (document) VALUES (?1)", [OTHER]).unwrap();
    queue.enqueue(&[job(1)]).await.unwrap();
    let leased = queue.lease(at(0), 10, MINUTE).await.unwrap();
    assert_eq!((leased[0].document.as_str(), read(&leased[1])), (OTHER, job(1)));
    assert_eq!(queue.give_up(leased[0].receipt, "nobody can read it").await.unwrap(), Retried::Dead);
    assert_eq!(queue.give_up(leased[0].receipt, "late").await.unwrap(), Retried::Ended);
    let found = dead(&queue).await;
    assert_eq!((found.len(), reason(&found[0])), (1, "nobody can read it"));

    let stored = queue.stored_jobs(at(0), 10).await.unwrap();
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[1].state, JobState::Leased(at(60)), "the dead come first");
    let number = found[0].number;
    assert_eq!(queue.redrive(Some(number + 100)).await.unwrap(), 0);
    assert_eq!(queue.redrive(Some(number)).await.unwrap(), 1);
    assert_eq!(queue.stored_job(at(0), number).await.unwrap().unwrap().state, JobState::Ready);
    assert!(queue.remove_job(number).await.unwrap());
    assert!(!queue.remove_job(number).await.unwrap());
    assert_eq!(queue.stored_job(at(0), number).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_meet_share_the_jobs() {
    let jobs: Vec<Job> = (0..60).map(job).collect();
    let (_directory, path, queue) = queue(&jobs).await;
    let other = Embedded::open(&path).await.unwrap();
    let take = async |queue: &Embedded| {
        let mut taken = Vec::new();
        loop {
            let leased = queue.lease(at(0), 4, MINUTE).await.unwrap();
            if leased.is_empty() {
                return taken;
            }
            taken.extend(leased.iter().map(|leased| read(leased).declarations[0].clone()));
        }
    };
    let (a, b) = tokio::join!(take(&queue), take(&other));
    assert_eq!(a.len() + b.len(), jobs.len(), "no job is with two");
    let all: BTreeSet<_> = a.into_iter().chain(b).collect();
    assert_eq!(all.len(), jobs.len(), "every job is with one");
}

#[tokio::test]
async fn an_arrival_wakes_who_waits_for_it() {
    let (_directory, _, queue) = queue(&[]).await;
    let arrival = queue.job_arrival();
    queue.enqueue(&[job(0)]).await.unwrap();
    tokio::time::timeout(MINUTE, arrival).await.unwrap();
    assert_eq!(read(&lease_one(&queue, 0).await.unwrap()), job(0));
}

/// The jobs of a namespace.
fn jobs_of(namespace: &str, count: usize) -> Vec<Job> {
    let job = |number| Job {
        declarations: vec![id(&format!("blue/{namespace}/d{number}"))],
        change: None,
        at: at(0),
    };
    (0..count).map(job).collect()
}

fn namespaces(leased: &[Leased]) -> Vec<String> {
    let of = |leased: &Leased| read(leased).tenant().map(|(_, namespace)| namespace.to_string());
    leased.iter().map(|leased| of(leased).unwrap_or_default()).collect()
}

#[tokio::test]
async fn ten_thousand_jobs_of_one_namespace_do_not_hold_up_one_of_another() {
    let (_directory, _, queue) = queue(&jobs_of("evil", 10_000)).await;
    // Sixteen workers, whose jobs never end, take what they may have.
    let (mut taken, mut free) = (Vec::new(), 16);
    loop {
        let leased = queue.lease_share(at(0), free.min(10), MINUTE).await.unwrap();
        if leased.is_empty() {
            break;
        }
        free -= leased.len();
        taken.extend(leased);
    }
    assert!((8..16).contains(&taken.len()), "{} of 16 places are one namespace's", taken.len());

    queue.enqueue(&jobs_of("bank", 1)).await.unwrap();
    let leased = queue.lease_share(at(0), free, MINUTE).await.unwrap();
    assert_eq!(namespaces(&leased), ["bank"], "it comes at once, before all others");

    // And when places become free, each has its turn.
    queue.enqueue(&jobs_of("bank", 3)).await.unwrap();
    for one in taken {
        assert!(queue.ack(one.receipt).await.unwrap());
    }
    let leased = queue.lease(at(0), 6, MINUTE).await.unwrap();
    assert_eq!(namespaces(&leased), ["evil", "evil", "bank", "evil", "bank", "evil"]);
}

#[tokio::test]
async fn jobs_of_several_namespaces_and_of_an_earlier_version_have_their_turn() {
    let mixed = Job { declarations: vec![id("blue/shop/a"), id("blue/till/b")], change: None, at: at(0) };
    let (_directory, path, queue) = queue(&jobs_of("evil", 50)).await;
    let by_hand = rusqlite::Connection::open(&path).unwrap();
    by_hand.execute("INSERT INTO jobs (document) VALUES (?1)", [job(1).to_wire()]).unwrap();
    queue.enqueue(&[mixed]).await.unwrap();
    let leased = queue.lease(at(0), 4, MINUTE).await.unwrap();
    assert_eq!(namespaces(&leased), ["evil", "shop", "evil", ""]);
}
