//! What becomes of messages that are pulled from Pub/Sub: none is acknowledged before its work is taken.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::store::{GcpAuth, GcpStore, SecretKeyRef};
use pawl_domain::{Access, DigestKey, Kind, Location, Provider, SecretValue, Store};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{CallerIdentity, Error, Ports, Question, SignedRequest};
use pawl_runtime::pull::{self, Pulled};
use pawl_servers::gcpsm::{Google, SUBSCRIPTION};
use pawl_stores::kit::Bounds;
use pawl_stores::{OwnIdentity, Subscription};
use pawl_world::build::store_id;
use pawl_world::{Canary, FakeClock, Fault, Point, World, cluster, declaration};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

#[derive(Debug)]
struct NoAws;

impl CallerIdentity for NoAws {
    async fn signed_caller_identity(
        &self,
        _: &Access,
        _: &BTreeMap<String, String>,
        _: Question,
    ) -> Result<SignedRequest, Error> {
        panic!("a key proves the identity")
    }
}

/// A server whose one declaration reads a secret of Google's, and the subscription that tells it of changes.
struct Site {
    google: Google,
    world: World,
    pipeline: Pipeline<World>,
    subscription: Subscription<NoAws>,
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

async fn site() -> Site {
    let (google, world, files) = (Google::start().await.unwrap(), World::new(), tempfile::tempdir().unwrap());
    let key = SecretKeyRef { name: "gcp".parse().unwrap(), key: "key.json".to_owned(), namespace: None };
    let auth = GcpAuth::Key(key);
    let store = GcpStore { project: "shop".to_owned(), location: None, falls_back: false, auth };
    let id = store_id("google");
    world.add_store(Store { id: id.clone(), backend: store.into(), conditions: Vec::new(), set: None });
    world.add_cluster(cluster("blue"));
    world.declare(declaration("blue/shop/db").reads("db").of_store(id));
    let canary = Canary::new();
    world.rotate_at(&location(), "db", canary.value());
    let pipeline = pipeline(&world);
    let file = files.path().join("google.json");
    std::fs::write(&file, google.key_file().to_string()).unwrap();
    let identity = OwnIdentity::new(file.to_str().unwrap(), Arc::new(NoAws), "us-east-1");
    let bounds = Bounds { first_pause: Duration::from_millis(1), ..Bounds::default() };
    let subscription = Subscription::new(SUBSCRIPTION, identity, Arc::new(FakeClock::default())).unwrap();
    let subscription = subscription.at(google.address(), bounds);
    Site { google, world, pipeline, subscription, canary, _files: files }
}

impl Site {
    /// Tells that the secret has another version.
    fn tell(&self) {
        let name = "projects/123456789012/secrets/db";
        self.google.publish(&[("eventType", "SECRET_VERSION_ADD"), ("secretId", name)], b"");
    }

    async fn pull(&self) -> Vec<Pulled> {
        self.subscription.receive(10).await.unwrap()
    }

    async fn settle(&self, message: &Pulled) {
        pull::settle(&self.pipeline, &self.subscription, message).await;
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
        let settled = pull::settle(&other, &site.subscription, &second);
        tokio::join!(settled, async { gate.arrived().await.release() });
        assert_eq!((site.written().as_deref(), site.google.unacknowledged()), (Some(site.canary.value()), 0));
    };
    tokio::join!(site.settle(&first), elsewhere);
    let written = site.world.clusters().history("blue/shop/db");
    assert_eq!((written.len(), site.written().as_deref()), (1, Some(site.canary.value())));
    assert_eq!(site.google.unacknowledged(), 0);
    site.world.assert_free_of(&site.canary);
}
