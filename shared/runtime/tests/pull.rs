//! What becomes of messages that are pulled from Pub/Sub: none is acknowledged before its work is taken.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use futures::FutureExt;
use pawl_domain::store::{GcpAuth, GcpStore, SecretKeyRef};
use pawl_domain::{DigestKey, Kind, Location, Provider, SecretValue, Store};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::Ports;
use pawl_runtime::pull::{Pulled, Puller, Subscription};
use pawl_servers::gcpsm::{Google, SUBSCRIPTION};
use pawl_stores::OwnIdentity;
use pawl_stores::kit::Bounds;
use pawl_world::build::store_id;
use pawl_world::{Canary, FakeClock, Fault, NoAws, Point, World, cluster, declaration};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// A server whose one declaration reads a secret of Google's, and the subscription that tells it of changes.
struct Site {
    google: Google,
    world: World,
    pipeline: Pipeline<World>,
    puller: Puller<NoAws>,
    canary: Canary,
    _files: TempDir,
}

fn location() -> Location {
    Location { provider: Provider::GcpSecretManager, region: String::new(), account: Some("shop".to_owned()) }
}

fn pipeline(world: &World) -> Pipeline<World> {
    let digest_key = DigestKey::new(SecretValue::new("a key of thirty-two bytes or more")).unwrap();
    Pipeline::new(world.clone(), Settings::default(), digest_key)
}

/// Read with the identity of this file.
fn subscription(file: &str) -> Subscription<NoAws> {
    let identity = OwnIdentity::new(file, Arc::new(NoAws), "us-east-1");
    Subscription::new(SUBSCRIPTION, identity, Arc::new(FakeClock::default())).unwrap()
}

async fn site() -> Site {
    let (google, world, files) = (Google::start().await.unwrap(), World::new(), tempfile::tempdir().unwrap());
    let key = SecretKeyRef { name: "gcp".parse().unwrap(), key: "key.json".to_owned(), namespace: None };
    let auth = GcpAuth::Key(key);
    let store = GcpStore { project: "shop".to_owned(), location: None, falls_back: false, auth };
    let id = store_id("google");
    let (conditions, labels) = (Vec::new(), std::collections::BTreeMap::new());
    world.add_store(Store { id: id.clone(), backend: store.into(), conditions, labels, set: None });
    world.add_cluster(cluster("blue"));
    world.declare(declaration("blue/shop/db").reads("db").of_store(id));
    let canary = Canary::new();
    world.rotate_at(&location(), "db", canary.value());
    let pipeline = pipeline(&world);
    let file = files.path().join("google.json");
    std::fs::write(&file, google.key_file().to_string()).unwrap();
    let bounds = Bounds { first_pause: Duration::from_millis(1), ..Bounds::default() };
    let puller = Puller::new(subscription(file.to_str().unwrap()).at(google.address(), bounds));
    Site { google, world, pipeline, puller, canary, _files: files }
}

impl Site {
    /// Tells that the secret has another version.
    fn tell(&self) {
        let name = "projects/123456789012/secrets/db";
        self.google.publish(&[("eventType", "SECRET_VERSION_ADD"), ("secretId", name)], b"");
    }

    async fn pull(&self) -> Vec<Pulled> {
        self.puller.receive(10).await.unwrap()
    }

    async fn settle(&self, message: &Pulled) {
        self.puller.settle(&self.pipeline, message).await;
    }

    fn written(&self) -> Option<String> {
        self.world.value("blue/shop/db", "value")
    }
}

#[tokio::test]
async fn a_message_is_acknowledged_when_its_targets_are_written() {
    let site = site().await;
    site.tell();
    for message in site.pull().await {
        site.settle(&message).await;
    }
    assert_eq!(site.written().as_deref(), Some(site.canary.value()));
    assert_eq!(site.google.unacknowledged(), 0);
    site.world.assert_free_of(&site.canary);
}

#[tokio::test]
async fn what_cannot_be_taken_comes_again_after_a_pause_that_grows() {
    let site = site().await;
    site.google.count_deliveries();
    site.tell();
    site.world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup));
    for pauses in [1..=2, 2..=4, 4..=8] {
        let message = site.pull().await.remove(0);
        site.google.deadlines();
        site.settle(&message).await;
        let pause = site.google.deadlines();
        assert!(pause.len() == 1 && pauses.contains(&pause[0]), "{pause:?}");
        assert_eq!(site.google.unacknowledged(), 1, "nothing is lost");
        site.google.end_deadlines();
    }
    site.world.mend_all();
    let message = site.pull().await.remove(0);
    assert_eq!(message.attempt, Some(4));
    site.settle(&message).await;
    assert_eq!((site.written().as_deref(), site.google.unacknowledged()), (Some(site.canary.value()), 0));
}

/// What fails, whether the time is over before the work begins, and what is then acknowledged, queued and written.
type Case<'a> = (&'a [Fault], bool, (usize, usize, bool));

#[tokio::test]
async fn nothing_is_acknowledged_before_its_change_is_durably_taken() {
    let fail = |point: Point| Fault::fail(Kind::Throttled).at(point);
    let cases: [Case<'_>; 8] = [
        (&[fail(Point::Lookup)], false, (0, 0, false)),
        (&[fail(Point::Entries)], false, (0, 0, false)),
        (&[Fault::down("blue"), fail(Point::Enqueue)], false, (0, 0, false)),
        (&[Fault::down("blue"), fail(Point::Record)], false, (0, 0, false)),
        (&[fail(Point::Enqueue)], true, (0, 0, false)),
        (&[], true, (1, 1, false)),
        (&[Fault::down("blue")], false, (1, 1, false)),
        (&[Fault::fail(Kind::Denied).at(Point::Fetch)], false, (1, 0, false)),
    ];
    for (faults, late, (acknowledged, queued, written)) in cases {
        let site = site().await;
        site.tell();
        let message = site.pull().await.remove(0);
        faults.iter().for_each(|fault| site.world.inject(fault.clone()));
        let late_one = late.then(|| site.pipeline.until(Instant::now()));
        site.puller.settle(late_one.as_ref().unwrap_or(&site.pipeline), &message).await;
        assert_eq!(1 - site.google.unacknowledged(), acknowledged, "{faults:?} {late}");
        assert_eq!(site.world.jobs().take().len(), queued, "{faults:?} {late}");
        assert_eq!(site.written().is_some(), written, "{faults:?} {late}");
        site.world.assert_free_of(&site.canary);
        if acknowledged == 0 {
            site.world.mend_all();
            site.google.end_deadlines();
            let message = site.pull().await.remove(0);
            site.settle(&message).await;
            let done = (site.written().as_deref() == Some(site.canary.value()), site.google.unacknowledged());
            assert_eq!(done, (true, 0), "{faults:?} {late}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pulls_that_fail_come_after_pauses_that_grow_to_a_minute() {
    // Without the file nobody is asked over a network, where no time can be made to stand still.
    let puller = Puller::new(subscription("/there/is/no/such/file"));
    for pauses in [0..=0, 1..=2, 2..=4, 4..=8, 8..=16, 16..=32, 32..=60, 60..=60] {
        let began = Instant::now();
        let problem = puller.receive(10).await.unwrap_err();
        assert!(problem.message().contains("PAWL_GOOGLE_CREDENTIALS"), "{problem}");
        assert!(pauses.contains(&began.elapsed().as_secs()), "{pauses:?}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_pull_that_was_throttled_is_followed_by_the_messages() {
    let site = site().await;
    site.tell();
    // Longer than a call itself waits.
    site.google.answer("pawl:pull", 429, site.canary.value(), &[("retry-after", "6")]);
    let problem = site.puller.receive(10).await.unwrap_err();
    assert_eq!((problem.kind, problem.retry_after()), (Kind::Throttled, Some(Duration::from_secs(6))));
    assert!(!format!("{problem:?}").contains(site.canary.value()));
    site.google.asked();
    let mut next = std::pin::pin!(site.puller.receive(10));
    tokio::time::pause();
    assert!(next.as_mut().now_or_never().is_none());
    tokio::time::advance(Duration::from_millis(5999)).await;
    assert!(next.as_mut().now_or_never().is_none() && site.google.asked().is_empty(), "it is left alone");
    tokio::time::advance(Duration::from_millis(2)).await;
    tokio::time::resume();
    assert_eq!(next.await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_can_never_be_read_is_acknowledged() {
    let site = site().await;
    site.google.publish(&[], b"hunter2");
    site.google.publish(&[("eventType", "SECRET_SOMETHING"), ("secretId", "projects/1/secrets/db")], b"");
    site.google.publish(&[], b"");
    site.google.publish(&[], &vec![b' '; 2 * 1024 * 1024]);
    let messages = site.pull().await;
    assert_eq!(messages.len(), 4);
    for message in messages {
        site.settle(&message).await;
    }
    assert_eq!((site.google.unacknowledged(), site.written()), (0, None));
}

#[tokio::test]
async fn a_process_that_ends_between_pull_and_acknowledgement_loses_nothing() {
    let site = site().await;
    site.tell();
    drop(site.pull().await);
    assert!(site.pull().await.is_empty(), "it is held");
    site.google.end_deadlines();
    let message = site.pull().await.remove(0);
    // It ends once more, after the work and before it could say so.
    for status in [503; 3] {
        site.google.answer("pawl:acknowledge", status, "", &[]);
    }
    site.settle(&message).await;
    assert_eq!((site.written().as_deref(), site.google.unacknowledged()), (Some(site.canary.value()), 1));
    site.google.end_deadlines();
    site.world.forget_calls();
    let message = site.pull().await.remove(0);
    site.settle(&message).await;
    assert_eq!(site.google.unacknowledged(), 0);
    assert_eq!(site.world.forget_calls().target_writes(), 0, "what stands is not written anew");
}

/// As it does to another server, when the first one takes longer than the message is held for it.
#[tokio::test]
async fn a_message_that_comes_again_while_it_is_worked_on_is_written_once() {
    let site = &site().await;
    site.tell();
    let first = site.pull().await.remove(0);
    let gate = site.world.gate(Point::Write);
    let elsewhere = async move {
        let _standing = gate.arrived().await;
        site.google.end_deadlines();
        let second = site.pull().await.remove(0);
        let other = pipeline(&site.world);
        let settled = site.puller.settle(&other, &second);
        tokio::join!(settled, async { gate.arrived().await.release() });
        assert_eq!((site.written().as_deref(), site.google.unacknowledged()), (Some(site.canary.value()), 0));
    };
    tokio::join!(site.settle(&first), elsewhere);
    let written = site.world.clusters().history("blue/shop/db");
    assert_eq!((written.len(), site.written().as_deref()), (1, Some(site.canary.value())));
    assert_eq!(site.google.unacknowledged(), 0);
    site.world.assert_free_of(&site.canary);
}
