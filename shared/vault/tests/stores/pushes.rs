//! What PushSecrets write, on the double and on a real server where the environment names one.

use crate::support::{FakeCluster, TestSources, access_of, sources_of, store};
use pawl_domain::store::{KvVersion, VaultStore};
use pawl_domain::{Access, Kind, PushOutcome, SecretValue, Step};
use pawl_ports::{Error, Sink};
use pawl_servers::vault::{Vault, VaultApi, VaultClock, VaultDouble, VaultOptions};
use pawl_servers::{Asked, Relay};
use pawl_world::contract::sinks::{Kept, Takes, one, remote, suite};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn both_engines_of_the_double_are_sinks() {
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    double.mount_kv("", "old", 1);
    double.mount_kv("ns1/ns2", "kv", 2);
    for (namespace, mount, version) in
        [("", "secret", KvVersion::V2), ("", "old", KvVersion::V1), ("ns1/ns2", "kv", KvVersion::V2)]
    {
        suite(&Engine::of(&double, namespace, mount, version).await).await;
    }
}

/// With `PAWL_TEST_VAULT_BIN`.
#[tokio::test]
async fn both_engines_of_a_real_server_are_sinks() {
    let Some(program) = Vault::available() else {
        return eprintln!("skipped: PAWL_TEST_VAULT_BIN is not set");
    };
    let own = Vault::start_dev(&program).await.unwrap();
    for (mount, number, version) in [("pushed-2", 2, KvVersion::V2), ("pushed-1", 1, KvVersion::V1)] {
        own.api().mount_kv(mount, number).await.unwrap();
        let api = own.api().clone();
        suite(&Engine::at(api, own.root_token(), VaultClock::default(), "", mount, version).await).await;
    }
}

#[tokio::test]
async fn a_key_is_marked_and_nothing_else_of_it_changes() {
    let (double, engine) = engine().await;
    engine.push("db", Some("user"), "u").await.unwrap();
    let marked = json!({ "managed-by": "external-secrets" });
    assert_eq!(engine.custom("db").await, marked);
    let more =
        json!({ "custom_metadata": { "managed-by": "external-secrets", "team": "shop" }, "max_versions": 3 });
    engine.api.must("POST", "secret/metadata/db", Some(&more)).await.unwrap();
    engine.push("db", Some("user"), "v").await.unwrap();
    assert_eq!(engine.custom("db").await["team"], "shop");
    assert_eq!(engine.relay.count(|asked| asked.uri == "/v1/secret/metadata/db" && is_write(asked)), 1);
    drop(double);
}

#[tokio::test]
async fn every_write_names_the_version_that_was_read() {
    let (_double, engine) = engine().await;
    for (value, cas) in [("one", 0), ("two", 1), ("three", 2)] {
        let outcome = engine.push("db", Some("user"), value).await.unwrap();
        let version = (cas + 1).to_string();
        assert_eq!(outcome, PushOutcome::Written { version: Some(version) });
        assert_eq!(engine.bodies("/v1/secret/data/db").last().unwrap()["options"]["cas"], cas);
    }
}

#[tokio::test]
async fn a_write_between_read_and_write_is_not_lost() {
    let (double, engine) = engine().await;
    engine.push("db", Some("user"), "u").await.unwrap();
    // Somebody sets another property after the read, before the write.
    let (raced, api) = (Arc::new(AtomicUsize::new(0)), double.api().unwrap());
    let count = Arc::clone(&raced);
    engine.relay.answer(Some(Arc::new(move |asked: &Asked| {
        let first =
            is_write(asked) && asked.uri.contains("/data/") && count.fetch_add(1, Ordering::Relaxed) == 0;
        let words = json!({ "errors": ["check-and-set parameter did not match the current version"] });
        first.then(|| (400, words.to_string()))
    })));
    let theirs = json!({ "data": { "user": "u", "theirs": "t" } });
    api.must("POST", "secret/data/db", Some(&theirs)).await.unwrap();
    engine.push("db", Some("password"), "p").await.unwrap();
    let stands: Value = serde_json::from_str(&engine.value("db").await.unwrap()).unwrap();
    assert_eq!(stands, json!({ "user": "u", "theirs": "t", "password": "p" }));
    assert_eq!(raced.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn of_two_pushes_of_a_new_key_the_later_one_joins_the_earlier() {
    let (_double, engine) = engine().await;
    engine.push("db", Some("user"), "u").await.unwrap();
    // The other one looked before there was anything, and then once more before the key was marked.
    let unmarked = json!({ "version": 1, "custom_metadata": null, "current_version": 1 });
    let data = json!({ "data": { "data": { "user": "u" }, "metadata": unmarked } });
    let metadata = json!({ "data": unmarked });
    engine.show(&[("data", ABSENT), ("metadata", ABSENT), ("data", data), ("metadata", metadata)]);
    let outcome = engine.push("db", Some("password"), "p").await.unwrap();
    assert_eq!(outcome, PushOutcome::Written { version: Some("2".to_owned()) });
    assert_eq!(engine.custom("db").await, json!({ "managed-by": "external-secrets" }));
    let stands: Value = serde_json::from_str(&engine.value("db").await.unwrap()).unwrap();
    assert_eq!(stands, json!({ "user": "u", "password": "p" }));
    assert_eq!(engine.push("db", Some("user"), "u").await.unwrap(), PushOutcome::Unchanged, "both own it");
}

#[tokio::test]
async fn what_somebody_makes_at_the_same_moment_stays_theirs() {
    let (_double, engine) = engine().await;
    engine.put("new", r#"{"user":"theirs"}"#).await;
    engine.show(&[("data", ABSENT), ("metadata", ABSENT)]);
    let error = engine.push("new", Some("user"), "ours").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Conflict), "it may be ours by now: {error}");
    let error = engine.push("new", Some("user"), "ours").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Denied), "{error}");
    assert_eq!(engine.bodies("/v1/secret/data/new").len(), 1, "theirs is not written over");
    assert_eq!(engine.bodies("/v1/secret/metadata/new").len(), 0, "nor marked");
}

#[tokio::test]
async fn a_key_that_was_left_without_its_mark_is_marked_by_the_next_push() {
    let (_double, engine) = engine().await;
    engine.relay.answer(Some(Arc::new(|asked: &Asked| {
        (is_write(asked) && asked.uri.contains("/metadata/")).then(|| (400, "{}".to_owned()))
    })));
    engine.push("new", Some("user"), "u").await.unwrap_err();
    engine.relay.answer(None);
    let error = engine.push("new", Some("user"), "other").await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied, "whose it is cannot be told: {error}");
    let outcome = engine.push("new", Some("user"), "u").await.unwrap();
    assert_eq!(outcome, PushOutcome::Written { version: Some("1".to_owned()) });
    assert_eq!(engine.bodies("/v1/secret/data/new").len(), 1, "the data stood there already");
    assert_eq!(engine.custom("new").await, json!({ "managed-by": "external-secrets" }));
    engine.push("new", Some("user"), "other").await.unwrap();
    // The same data under somebody else's mark, and in a key that has a history.
    let marked = json!({ "custom_metadata": { "managed-by": "terraform" } });
    engine.put("marked", r#"{"user":"u"}"#).await;
    engine.api.must("POST", "secret/metadata/marked", Some(&marked)).await.unwrap();
    engine.put("older", "{}").await;
    engine.put("older", r#"{"user":"u"}"#).await;
    for key in ["marked", "older"] {
        let error = engine.push(key, Some("user"), "u").await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied, "{key} is somebody else's: {error}");
    }
}

#[tokio::test]
async fn the_mark_stands_beside_what_somebody_else_notes() {
    let (_double, engine) = engine().await;
    let theirs = json!({ "custom_metadata": { "team": "shop" } });
    engine.api.must("POST", "secret/metadata/new", Some(&theirs)).await.unwrap();
    // They noted it after it was looked at.
    engine.show(&[("data", ABSENT), ("metadata", ABSENT)]);
    engine.push("new", Some("user"), "u").await.unwrap();
    assert_eq!(engine.custom("new").await, json!({ "managed-by": "external-secrets", "team": "shop" }));
}

#[tokio::test]
async fn a_property_of_a_deleted_version_takes_no_other_version_along() {
    let (_double, engine) = engine().await;
    engine.push("db", Some("user"), "u").await.unwrap();
    engine.push("db", Some("password"), "p").await.unwrap();
    engine.api.must("DELETE", "secret/data/db", None).await.unwrap();
    engine.sources.remove(&engine.access, &remote("db", Some("user"))).await.unwrap();
    engine.api.must("POST", "secret/undelete/db", Some(&json!({ "versions": [2] }))).await.unwrap();
    assert_eq!(engine.value("db").await.as_deref(), Some(r#"{"password":"p","user":"u"}"#));
    engine.api.must("DELETE", "secret/data/db", None).await.unwrap();
    engine.sources.remove(&engine.access, &remote("db", None)).await.unwrap();
    let gone = engine.api.call("GET", "secret/metadata/db", None).await.unwrap();
    assert_eq!(gone.0, 404, "the whole key goes with all its versions");
}

#[tokio::test]
async fn nothing_is_pushed_to_where_version_1_keeps_the_mark() {
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    double.mount_kv("", "old", 1);
    let engine = Engine::of(&double, "", "old", KvVersion::V1).await;
    let error = engine.push("db", Some("custom_metadata"), "v").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
    assert!(error.message().ends_with("push to another property"), "{error}");
    assert_eq!(engine.value("db").await, None);
}

#[tokio::test]
async fn a_deleted_version_is_written_over_only_where_it_is_ours() {
    let (double, engine) = engine().await;
    engine.push("ours", Some("a"), "1").await.unwrap();
    engine.put("theirs", "{\"a\":\"1\"}").await;
    let api = double.api().unwrap();
    for key in ["ours", "theirs"] {
        api.must("DELETE", &format!("secret/data/{key}"), None).await.unwrap();
        assert!(!engine.sources.exists(&engine.access, &remote(key, None)).await.unwrap());
    }
    let outcome = engine.push("ours", Some("b"), "2").await.unwrap();
    assert_eq!(outcome, PushOutcome::Written { version: Some("2".to_owned()) });
    assert_eq!(
        engine.value("ours").await.as_deref(),
        Some(r#"{"b":"2"}"#),
        "what was deleted does not come back"
    );
    let error = engine.push("theirs", Some("b"), "2").await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied, "{error}");
}

#[tokio::test]
async fn what_is_no_object_is_refused_with_what_to_write() {
    let (_double, engine) = engine().await;
    for value in ["text", "[1]", "7", "null", "{"] {
        let error = engine.push("db", None, value).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
        assert!(error.message().ends_with("name a property to keep it in"), "{error}");
    }
    engine.push("db", None, r#"{"n":1.5,"o":{"b":1,"a":2}}"#).await.unwrap();
    assert_eq!(
        engine.push("db", None, r#"{ "o": {"a":2,"b":1}, "n": 1.5 }"#).await.unwrap(),
        PushOutcome::Unchanged
    );
    let error = engine.push("db", Some("o"), "x").await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "an object is not replaced by a text: {error}");
    let mut bytes = one("db", Some("b"), "");
    bytes.data.insert("key".to_owned(), SecretValue::new([0xff]));
    let error = engine.sources.push(&engine.access, &bytes).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
}

#[tokio::test]
async fn refusals_name_what_to_allow() {
    let (_double, engine) = engine().await;
    engine.push("db", Some("a"), "1").await.unwrap();
    for (path, wanted) in [("/data/", "secret/data/db"), ("/metadata/", "secret/metadata/new")] {
        engine.relay.answer(Some(Arc::new(move |asked: &Asked| {
            let words = json!({ "errors": ["1 error occurred:\n\t* permission denied\n\n", "canary"] });
            (is_write(asked) && asked.uri.contains(path)).then(|| (403, words.to_string()))
        })));
        let key = if path == "/data/" { "db" } else { "new" };
        let error = engine.push(key, Some("a"), "2").await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Denied));
        assert!(error.message().ends_with(&format!("allow create and update on {wanted}")), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        engine.relay.answer(None);
    }
}

async fn engine() -> (VaultDouble, Engine) {
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    let engine = Engine::of(&double, "", "secret", KvVersion::V2).await;
    (double, engine)
}

/// One key/value engine behind a relay that keeps what was asked.
struct Engine {
    api: VaultApi,
    relay: Arc<Relay>,
    mount: String,
    version: KvVersion,
    sources: TestSources,
    access: Access,
}

impl Engine {
    async fn of(double: &VaultDouble, namespace: &str, mount: &str, version: KvVersion) -> Self {
        Self::at(double.api().unwrap(), double.root_token(), double.clock(), namespace, mount, version).await
    }

    async fn at(
        api: VaultApi,
        token: &str,
        clock: VaultClock,
        namespace: &str,
        mount: &str,
        version: KvVersion,
    ) -> Self {
        let relay = Arc::new(Relay::start(api.address()).await.unwrap());
        let namespaced = (!namespace.is_empty()).then(|| namespace.to_owned());
        let store = VaultStore {
            path: Some(mount.to_owned()),
            version,
            namespace: namespaced,
            ..store(relay.address())
        };
        Self {
            api: api.in_namespace(namespace),
            relay,
            mount: mount.to_owned(),
            version,
            sources: sources_of(FakeCluster::with_token(token), clock),
            access: access_of(store),
        }
    }

    fn path(&self, key: &str) -> String {
        match self.version {
            KvVersion::V1 => format!("{}/{key}", self.mount),
            KvVersion::V2 => format!("{}/data/{key}", self.mount),
        }
    }

    async fn push(&self, key: &str, property: Option<&str>, value: &str) -> Result<PushOutcome, Error> {
        self.sources.push(&self.access, &one(key, property, value)).await
    }

    async fn custom(&self, key: &str) -> Value {
        let path = format!("{}/metadata/{key}", self.mount);
        self.api.must("GET", &path, None).await.unwrap()["data"]["custom_metadata"].take()
    }

    fn bodies(&self, uri: &str) -> Vec<Value> {
        let written = self.relay.asked().into_iter().filter(|asked| is_write(asked) && asked.uri == uri);
        written.map(|asked| serde_json::from_str(&asked.body).unwrap()).collect()
    }

    /// The next reads of each branch are answered so, as they were answered a moment ago; later ones by the server.
    fn show(&self, answers: &[(&'static str, Value)]) {
        let left = Mutex::new(answers.to_vec());
        self.relay.answer(Some(Arc::new(move |asked: &Asked| {
            let mut left = left.lock().unwrap();
            let is_of = |branch: &str| !is_write(asked) && asked.uri.contains(&format!("/{branch}/"));
            let place = left.iter().position(|(branch, _)| is_of(branch))?;
            let (_, answer) = left.remove(place);
            Some(if answer.is_null() {
                (404, r#"{"errors":[]}"#.to_owned())
            } else {
                (200, answer.to_string())
            })
        })));
    }

    fn forbid(&self, forbid: bool, writes: bool) {
        let instead = move |asked: &Asked| {
            let words = json!({ "errors": ["1 error occurred:\n\t* permission denied\n\n"] }).to_string();
            (is_write(asked) == writes && !asked.uri.contains("/auth/")).then_some((403_u16, words))
        };
        self.relay.answer(forbid.then(|| Arc::new(instead) as Arc<pawl_servers::Instead>));
    }
}

/// The answer that there is nothing.
const ABSENT: Value = Value::Null;

fn is_write(asked: &Asked) -> bool {
    asked.method != "GET"
}

impl Kept for Engine {
    type Sink = TestSources;

    fn sink(&self) -> &TestSources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    /// Metadata is nothing that it reads.
    fn takes(&self) -> Takes {
        Takes { strict_metadata: false, ..Takes::ALL }
    }

    fn bare(&self) -> Option<&'static str> {
        Some("value")
    }

    async fn value(&self, key: &str) -> Option<String> {
        let mut read = self.api.must("GET", &self.path(key), None).await.ok()?;
        let mut data = match self.version {
            KvVersion::V1 => read["data"].take(),
            KvVersion::V2 => read["data"]["data"].take(),
        };
        data.as_object_mut()?.remove("custom_metadata");
        Some(data.to_string())
    }

    async fn put(&self, key: &str, value: &str) {
        let data = serde_json::from_str(value).unwrap_or_else(|_| json!({ "value": value }));
        let body = match self.version {
            KvVersion::V1 => data,
            KvVersion::V2 => json!({ "data": data }),
        };
        self.api.must("POST", &self.path(key), Some(&body)).await.unwrap();
    }

    async fn writes(&self) -> usize {
        self.relay.count(|asked| is_write(asked) && !asked.uri.contains("/auth/"))
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        self.forbid(fail, false);
        true
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        self.forbid(forbid, true);
        true
    }
}
