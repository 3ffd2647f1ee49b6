//! One intake for jobs: what becomes of each message, and the same in the local queue.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::{DigestKey, Kind, SecretValue};
use pawl_embedded::Embedded;
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{InvalidJob, Job, Jobs};
use pawl_runtime::Inbox;
use pawl_runtime::inbox::desk::Which;
use pawl_runtime::jobs::{Settled, take};
use pawl_world::{Canary, Fault, Point, World, cluster, declaration, secrets_manager};
use std::collections::BTreeSet;

fn pipeline(world: &World) -> Pipeline<World> {
    let key = DigestKey::new(SecretValue::new("a key of thirty-two bytes or more")).unwrap();
    Pipeline::new(world.clone(), Settings::default(), key)
}

fn job() -> Job {
    let declarations = vec!["blue/shop/db".parse().unwrap()];
    Job { declarations, change: None, at: "2026-11-22T10:00:00Z".parse().unwrap() }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_done_comes_again_or_is_refused() {
    let (world, canary) = (World::new(), Canary::new());
    world.add_store(secrets_manager("aws"));
    world.add_cluster(cluster("blue"));
    world.declare(declaration("blue/shop/db").reads("app/db"));
    world.rotate("app/db", canary.value());
    let pipeline = pipeline(&world);
    let wire = job().to_wire();

    world.inject(Fault::down("blue"));
    let again = take(&pipeline, &wire, 1).await;
    assert_eq!(again, Settled::Again("1 of its declarations failed for the moment".to_owned()));
    world.mend_all();
    world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup));
    assert!(matches!(take(&pipeline, &wire, 1).await, Settled::Again(_)));
    world.mend_all();
    assert_eq!(take(&pipeline, &wire, 1).await, Settled::Done);
    assert_eq!(world.value("blue/shop/db", "value").as_deref(), Some(canary.value()));

    let other = wire.replace("\"version\":1", "\"version\":2");
    assert!(
        matches!(take(&pipeline, &other, 1).await, Settled::Again(reason) if reason.contains("version 2"))
    );
    assert_eq!(take(&pipeline, "no job", 1).await, Settled::Refused(InvalidJob::Kind));
    world.assert_free_of(&canary);
}

#[tokio::test]
async fn the_local_queue_keeps_its_dead_until_somebody_decides() {
    let directory = tempfile::tempdir().unwrap();
    let inbox = Inbox::Local(Embedded::open(directory.path().join("pawl.db")).await.unwrap());
    inbox.enqueue(&[job(), job(), job()]).await.unwrap();
    let mut received = inbox.receive(10).await.unwrap();
    assert_eq!((received.len(), received[0].attempt), (3, 1));
    let (third, second, first) = (received.pop().unwrap(), received.pop().unwrap(), received.pop().unwrap());
    inbox.settle(first, &Settled::Done).await.unwrap();
    inbox.settle(second, &Settled::Again("cluster blue is down".to_owned())).await.unwrap();
    inbox.settle(third, &Settled::Refused(InvalidJob::Version(7))).await.unwrap();

    let shown = inbox.shown(10).await.unwrap();
    assert_eq!((shown.waiting, shown.dead, shown.jobs.len()), (1, 1, 2));
    let (dead, delayed) = (&shown.jobs[0], &shown.jobs[1]);
    assert_eq!((dead.state, delayed.state), ("dead", "delayed"));
    assert!(dead.reason.as_deref().is_some_and(|reason| reason.contains("version 7")), "{dead:?}");
    assert_eq!(dead.job(), Ok(job()));
    assert_eq!(inbox.one(&dead.id).await.unwrap().unwrap().state, "dead");
    assert!(inbox.one("nobody").await.unwrap().is_none());

    let which = |id: &str| Which::Ids(BTreeSet::from([id.to_owned()]));
    assert!(inbox.redrive(&which(&delayed.id)).await.unwrap().is_empty(), "it is not dead");
    assert_eq!(inbox.redrive(&Which::AllDead).await.unwrap(), BTreeSet::from([dead.id.clone()]));
    assert_eq!(inbox.receive(10).await.unwrap().len(), 1);
    assert!(inbox.discard(&Which::AllDead).await.unwrap().is_empty(), "only the dead go unnamed");
    assert_eq!(inbox.discard(&which(&delayed.id)).await.unwrap().len(), 1);
    assert_eq!(inbox.shown(10).await.unwrap().waiting, 1, "the one that is leased");
}
