//! A pull subscription of Pub/Sub, and the identity that it is read with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::AwsAuth;
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_ports::{CallerIdentity, Error, Question, SignedRequest};
use pawl_servers::gcpsm::{Google, SUBSCRIPTION};
use pawl_stores::kit::Bounds;
use pawl_stores::{OwnIdentity, Pulled, Subscription};
use pawl_world::FakeClock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const CANARY: &str = "canary-91bd";
const AUDIENCE: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
const SECRET: [(&str, &str); 2] =
    [("eventType", "SECRET_VERSION_ADD"), ("secretId", "projects/1/secrets/db")];

/// Signs as whom Pawl runs as.
#[derive(Debug)]
struct Ambient;

impl CallerIdentity for Ambient {
    async fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
        _: Question,
    ) -> Result<SignedRequest, Error> {
        let store = access.backend.as_aws().unwrap();
        assert_eq!((&store.auth, &access.cluster), (&AwsAuth::Ambient, &None));
        let mut signed: BTreeMap<String, SecretValue> =
            headers.iter().map(|(name, value)| (name.clone(), SecretValue::new(value.as_str()))).collect();
        signed.insert("authorization".to_owned(), SecretValue::new("AWS4 pawl"));
        let host = format!("sts.{}.amazonaws.com", store.region);
        let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
        Ok(SignedRequest { url, headers: signed, body: String::new() })
    }
}

struct World {
    google: Google,
    clock: FakeClock,
    files: TempDir,
    subscription: Subscription<Ambient>,
}

async fn world() -> World {
    let (google, clock, files) =
        (Google::start().await.unwrap(), FakeClock::default(), tempfile::tempdir().unwrap());
    let file = files.path().join("google.json");
    std::fs::write(&file, google.key_file().to_string()).unwrap();
    let identity = OwnIdentity::new(file.to_str().unwrap(), Arc::new(Ambient), "eu-central-1");
    let subscription = Subscription::new(SUBSCRIPTION, identity, Arc::new(clock.clone())).unwrap();
    let bounds = Bounds {
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(20),
        ..Bounds::default()
    };
    let subscription = subscription.at(google.address(), bounds);
    World { google, clock, files, subscription }
}

impl World {
    fn file(&self) -> PathBuf {
        self.files.path().join("google.json")
    }

    fn proven_by(&self, config: &Value) {
        std::fs::write(self.file(), config.to_string()).unwrap();
    }

    async fn pull(&self) -> Vec<Pulled> {
        self.subscription.receive(10).await.unwrap()
    }

    async fn refused(&self) -> Error {
        let error = self.subscription.receive(10).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
        error
    }

    /// The methods that were asked for since the last time, logins left out.
    fn asked(&self) -> Vec<String> {
        let asked = self.google.asked().into_iter();
        asked.filter_map(|line| Some(line.split_once("/pawl:")?.1.to_owned())).collect()
    }
}

#[tokio::test]
async fn messages_come_as_they_are_pushed_and_are_held_until_they_are_acknowledged() {
    let world = world().await;
    world.google.publish(&SECRET, b"{}");
    world.google.publish(&[], b"entry");
    let pulled = world.pull().await;
    let bodies: Vec<Value> =
        pulled.iter().map(|pulled| serde_json::from_str(&pulled.body).unwrap()).collect();
    assert_eq!(bodies[0]["message"]["attributes"]["eventType"], "SECRET_VERSION_ADD");
    assert_eq!(
        bodies[1],
        json!({ "message": {
        "data": "ZW50cnk=", "messageId": "2", "publishTime": "2026-01-01T00:00:02.123Z",
    }, "subscription": SUBSCRIPTION })
    );
    assert_eq!(world.google.deadlines(), [60], "the subscription's own may be ten seconds");
    assert!(world.pull().await.is_empty(), "they are nobody else's");
    world.subscription.acknowledge(&pulled[0].receipt).await.unwrap();
    assert_eq!(world.google.unacknowledged(), 1);
    world.google.end_deadlines();
    let again = world.pull().await;
    assert_eq!((again.len(), &again[0].body), (1, &pulled[1].body));
    assert_eq!(
        world.asked(),
        ["pull", "modifyAckDeadline", "pull", "acknowledge", "pull", "modifyAckDeadline"]
    );
}

#[tokio::test]
async fn a_pull_that_is_dropped_at_any_moment_loses_nothing() {
    let world = world().await;
    assert!(world.pull().await.is_empty(), "the identity is proven");
    world.google.publish(&SECRET, b"one");
    world.google.publish(&SECRET, b"two");
    for polls in 1..40 {
        let mut call = Box::pin(world.subscription.receive(10));
        for _ in 0..polls {
            if futures::poll!(call.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        world.google.end_deadlines();
    }
    // What was on its way when the last one was dropped is answered first.
    let both = async || {
        world.google.end_deadlines();
        world.pull().await.len() == 2
    };
    assert!(both().await || both().await);
    assert_eq!(world.google.unacknowledged(), 2);
}

#[tokio::test]
async fn messages_and_identities_show_to_nobody() {
    let world = world().await;
    world.google.publish(&[("eventType", CANARY)], CANARY.as_bytes());
    let pulled = world.pull().await;
    assert!(pulled[0].body.contains(CANARY));
    let shown = format!("{pulled:?} {:?}", world.subscription);
    let key = world.google.key_file()["private_key"].as_str().unwrap().to_owned();
    for hidden in [CANARY, &pulled[0].receipt, &STANDARD.encode(CANARY), &key[..60]] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test]
async fn deliveries_are_counted_where_pubsub_counts_them() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    assert_eq!(world.pull().await[0].attempt, None);
    world.google.count_deliveries();
    world.google.end_deadlines();
    assert_eq!(world.pull().await[0].attempt, Some(2));
}

#[tokio::test]
async fn what_is_postponed_comes_again_after_its_pause_and_ten_minutes_at_most() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    let pulled = world.pull().await;
    for (pause, want) in [(0, 0), (7, 7), (900, 600)] {
        world.google.deadlines();
        world.subscription.postpone(&pulled[0].receipt, Duration::from_secs(pause)).await.unwrap();
        assert_eq!(world.google.deadlines(), [want]);
    }
    assert_eq!(world.pull().await.len(), 1, "the first let go of it");
}

#[tokio::test]
async fn a_late_acknowledgement_takes_nothing_out_that_another_has() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    let first = world.pull().await.remove(0);
    world.google.end_deadlines();
    let second = world.pull().await.remove(0);
    world.subscription.acknowledge(&first.receipt).await.unwrap();
    assert_eq!(world.google.unacknowledged(), 1);
    world.subscription.acknowledge(&second.receipt).await.unwrap();
    assert_eq!(world.google.unacknowledged(), 0);
}

#[tokio::test]
async fn faults_of_the_moment_are_asked_again_and_refusals_name_the_remedy() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    for status in [429, 500, 503] {
        world.google.answer("pawl:pull", status, CANARY, &[]);
        assert_eq!(world.pull().await.len(), 1, "{status}");
        world.google.end_deadlines();
    }
    let denied = r#"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#;
    for (status, body, kind, words) in [
        (403, denied, Kind::Denied, "roles/pubsub.subscriber"),
        (404, CANARY, Kind::Invalid, "PAWL_PUBSUB_SUBSCRIPTION"),
        (400, CANARY, Kind::Invalid, "400"),
        (200, "hunter2", Kind::Transient, "form"),
        (200, "[]", Kind::Transient, "form"),
        (200, r#"{"receivedMessages":[{"message":{}}]}"#, Kind::Transient, "form"),
    ] {
        world.google.answer("pawl:pull", status, body, &[]);
        let error = world.refused().await;
        assert_eq!((error.kind, error.step), (kind, Step::Lookup), "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    world.google.answer("pawl:pull", 429, "", &[("retry-after", "120")]);
    assert_eq!(world.refused().await.retry_after().map(|rest| rest.as_secs()), Some(120));
}

#[tokio::test]
async fn after_a_failure_one_message_is_asked_for() {
    let world = world().await;
    for number in 0..4 {
        world.google.publish(&SECRET, format!("{number}").as_bytes());
    }
    // As where ten messages together are too long to be read.
    world.google.answer("pawl:pull", 200, &" ".repeat(17 * 1024 * 1024), &[]);
    assert_eq!(world.refused().await.kind, Kind::Invalid);
    assert_eq!(world.pull().await.len(), 1);
    assert_eq!(world.pull().await.len(), 3);
}

#[tokio::test]
async fn a_hold_that_fails_leaves_the_subscriptions_own_time() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    world.google.answer("pawl:modifyAckDeadline", 400, CANARY, &[]);
    assert_eq!(world.pull().await.len(), 1);
}

#[tokio::test]
async fn a_token_that_ended_is_had_anew_with_what_the_file_then_says() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    world.google.publish(&SECRET, b"");
    let first = world.pull().await.remove(0);
    world.google.rotate();
    world.proven_by(&world.google.key_file());
    world.clock.advance(Duration::from_secs(10));
    world.subscription.acknowledge(&first.receipt).await.unwrap();
    assert_eq!(world.google.unacknowledged(), 1);
    // A token that is refused as soon as it is given out is not asked for again and again.
    world.google.forget_tokens();
    let error = world.refused().await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
}

#[tokio::test]
async fn aws_or_a_token_in_a_file_prove_the_identity() {
    let world = world().await;
    world.google.publish(&SECRET, b"");
    let account = "pawl@shop.iam.gserviceaccount.com";
    world.google.may_be(account);
    let token = world.files.path().join("token");
    let address = world.google.address();
    let config = |source: Value, becomes: bool| {
        let mut config = json!({
            "type": "external_account", "audience": AUDIENCE, "credential_source": source,
            "token_url": format!("{address}/v1/token"),
            "token_info_url": format!("{address}/v1/introspect"),
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        });
        if becomes {
            let url = format!("{address}/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
            config["service_account_impersonation_url"] = json!(url);
        }
        config
    };
    let format = json!({ "type": "json", "subject_token_field_name": "token" });
    for (source, held, who, becomes) in [
        (json!({ "environment_id": "aws1" }), "", "AWS4 pawl", false),
        (json!({ "environment_id": "aws1" }), "", "AWS4 pawl", true),
        (json!({ "file": token }), "of-a-pod\n", "of-a-pod", false),
        (json!({ "file": token, "format": format }), r#"{"token":"of-json"}"#, "of-json", true),
    ] {
        world.google.trust(AUDIENCE, who);
        std::fs::write(&token, held).unwrap();
        world.proven_by(&config(source.clone(), becomes));
        world.clock.advance(Duration::from_secs(901));
        world.google.end_deadlines();
        assert_eq!(world.pull().await.len(), 1, "{source}");
        assert_eq!(world.google.shown()["exchange"]["subject"], who);
    }
    assert_eq!(world.google.shown()["generate"]["email"], account);
}

#[tokio::test]
async fn a_file_that_proves_nothing_is_named_by_its_variable() {
    let world = world().await;
    let config =
        |source: Value| json!({ "type": "external_account", "audience": "a", "credential_source": source });
    let mut broken = world.google.key_file();
    broken["private_key"] = json!(CANARY);
    let mut elsewhere = world.google.key_file();
    elsewhere["token_uri"] = json!("https://evil.example/token");
    for (file, words) in [
        (json!(CANARY), "no JSON of an external_account"),
        (json!({ "type": "service_account", "client_email": CANARY }), "no service account key"),
        (json!({ "type": "authorized_user", "refresh_token": CANARY }), "another type"),
        (broken, "private_key"),
        (elsewhere, "token_uri"),
        (config(json!({ "url": "https://tokens.example.com" })), "name a file"),
        (config(json!({ "executable": { "command": CANARY } })), "name a file"),
        (config(json!({ "file": "/there/is/no/such/file" })), "cannot be read"),
        (
            config(
                json!({ "file": world.file(), "format": { "type": "json", "subject_token_field_name": "x" } }),
            ),
            "no token",
        ),
        (json!(" ".repeat(70_000)), "too large"),
    ] {
        world.proven_by(&file);
        world.clock.advance(Duration::from_secs(6));
        let error = world.refused().await;
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{error}");
        let message = error.message();
        assert!(message.contains("PAWL_GOOGLE_CREDENTIALS") && message.contains(words), "{words}: {error}");
    }
    std::fs::remove_file(world.file()).unwrap();
    world.clock.advance(Duration::from_secs(6));
    assert!(world.refused().await.message().contains("cannot be read"));
}

#[test]
fn subscriptions_are_named_whole() {
    let known = |name: &str| {
        let identity = OwnIdentity::new("/etc/google.json", Arc::new(Ambient), "us-east-1");
        Subscription::new(name, identity, Arc::new(FakeClock::default())).is_some()
    };
    assert!(known(SUBSCRIPTION) && known("projects/example.com:shop/subscriptions/pawl.eu-1"));
    for name in [
        "",
        "pawl",
        "projects/shop/subscriptions/",
        "projects//subscriptions/pawl",
        "projects/shop/topics/pawl",
        "projects/shop/subscriptions/a/b",
        "projects/a b/subscriptions/c",
        "/projects/shop/subscriptions/pawl",
    ] {
        assert!(!known(name), "{name}");
    }
}
