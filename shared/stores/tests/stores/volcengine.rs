//! Stores of Volcengine KMS, on recorded pairs, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{CANARY, World, at, current, failures_are_told_apart};
use pawl_domain::store::VolcengineStore;
use pawl_domain::{Access, Kind, Step, VersionSelector};
use pawl_ports::{Sources, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_stores::{Volcengine, VolcengineSources};
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

struct Store {
    server: Pairs,
    world: World<Volcengine>,
    /// The values of each key, the first version first.
    keys: Mutex<BTreeMap<String, Vec<String>>>,
}

/// A request of this action with this in its body.
fn ask(action: &str, body: &str) -> Ask {
    let ask = Ask::post("/", json!(body)).query("Action", action).query("Version", "2021-02-18");
    ask.header("authorization", "HMAC-SHA256 Credential=AKLT/*/cn-beijing/kms/request, *")
}

fn answer(result: Value) -> Reply {
    Reply::of(200, json!({ "ResponseMetadata": { "RequestId": "1" }, "Result": result }))
}

/// Source: the error codes in Volcengine's reference of KMS.
fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let error = json!({ "Code": code, "Message": message });
    Reply::of(status, json!({ "ResponseMetadata": { "RequestId": "1", "Error": error } }))
}

async fn store() -> Store {
    let (strange, refused) = (Reply::of(404, json!(CANARY)), refusal(401, "InvalidAccessKey", CANARY));
    let server = Pairs::start("", strange, refused).await.unwrap();
    let store = Store { world: at_server(server.address()), server, keys: Mutex::default() };
    // An answer that a key is missing names the key, so each that is asked for has one of its own.
    let many = (0..45).map(|number| format!("many-{number}"));
    let named =
        ["order-none", "order-nothing", "version", "gone", "destroyed", "lost", "db"].map(str::to_owned);
    many.chain(named).for_each(|key| store.absent(&key));
    store
}

fn at_server(address: &str) -> World<Volcengine> {
    let store = VolcengineStore {
        region: "cn-beijing".to_owned(),
        access_key_id: at("id"),
        secret_access_key: at("secret"),
        token: None,
    };
    World::asked(Volcengine::at(address), store, &[("id", "AKLT"), ("secret", "c2VjcmV0")])
}

fn body(key: &str, version: Option<&str>) -> String {
    match version {
        None => json!({ "SecretName": key }).to_string(),
        Some(version) => json!({ "SecretName": key, "VersionID": version }).to_string(),
    }
}

fn listing(key: &str) -> Ask {
    page(key, 1)
}

fn page(key: &str, number: u32) -> Ask {
    ask(
        "DescribeSecretVersions",
        &json!({ "CurrentPage": number, "PageSize": 100, "SecretName": key }).to_string(),
    )
}

impl Store {
    fn absent(&self, key: &str) {
        let missing = |what: &str| refusal(404, "Not Found", &format!("Not found {what}."));
        let secret = format!("secret [{key}]");
        self.server.put(listing(key), missing(&secret));
        self.server.put(ask("GetSecretValue", &body(key, None)), missing(&secret));
        self.server.put(ask("GetSecretValue", &body(key, Some("99"))), missing("secret version [99]"));
    }

    fn show(&self, key: &str) {
        let keys = self.keys.lock().unwrap();
        let versions = &keys[key];
        let stage = |place: usize| if place + 1 == versions.len() { "CURRENT" } else { "PREVIOUS" };
        let about = |place: usize| {
            let id = (place + 1).to_string();
            json!({ "VersionID": id, "VersionStage": stage(place), "CreationDate": 1_723_284_049 })
        };
        let all: Vec<Value> = (0..versions.len()).rev().map(about).collect();
        self.server.put(listing(key), answer(json!({ "SecretVersions": all })));
        for (place, value) in versions.iter().enumerate() {
            let mut found = about(place);
            found["SecretValue"] = json!(value);
            let id = (place + 1).to_string();
            self.server.put(ask("GetSecretValue", &body(key, Some(&id))), answer(found.clone()));
            self.server.put(ask("GetSecretValue", &body(key, None)), answer(found));
        }
    }
}

impl Held for Store {
    type Sources = VolcengineSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let version = {
            let mut keys = self.keys.lock().unwrap();
            let versions = keys.entry(key.to_owned()).or_default();
            versions.push(value.to_owned());
            versions.len().to_string()
        };
        self.show(key);
        version
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("versions are not read by their stages");
    }

    async fn delete(&self, key: &str) {
        self.keys.lock().unwrap().remove(key);
        self.absent(key);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store().await).await;
}

/// The double of the contract answers no value to who only lists versions.
#[tokio::test]
async fn versions_are_told_without_values() {
    let store = store().await;
    store.put("db", "value").await;
    store.server.asked();
    let wanted = [current("db"), Wanted { selector: VersionSelector::Id("1".to_owned()), ..current("db") }];
    let told = store.world.sources.versions(&store.world.access, &wanted).await;
    assert_eq!(told.into_iter().map(|version| version.unwrap().id).collect::<Vec<_>>(), ["1", "1"]);
    assert!(store.server.asked().iter().all(|asked| asked.uri.contains("DescribeSecretVersions")));
    // Whoever may read values alone pays with them.
    store.server.put(listing("db"), refusal(403, "AccessDenied", CANARY));
    let told = store.world.sources.versions(&store.world.access, &wanted[..1]).await.remove(0);
    assert_eq!(told.unwrap().id, "1");
}

#[tokio::test]
async fn a_version_is_looked_for_on_every_page() {
    let store = store().await;
    let listed = |from: u32, count: u32| -> Vec<Value> {
        (from..from + count)
            .map(|id| json!({ "VersionID": id.to_string(), "VersionStage": "PREVIOUS" }))
            .collect()
    };
    store.server.put(page("db", 1), answer(json!({ "SecretVersions": listed(1, 100) })));
    store.server.put(page("db", 2), answer(json!({ "SecretVersions": listed(101, 1) })));
    let wanted = [Wanted { selector: VersionSelector::Id("101".to_owned()), ..current("db") }];
    store.server.asked();
    let told = store.world.sources.versions(&store.world.access, &wanted).await.remove(0);
    assert_eq!(told.unwrap().id, "101");
    assert_eq!(store.server.asked().len(), 2);
}

/// An identity that lost its rights, or what a secret needs, is no key that was deleted.
#[tokio::test]
async fn only_the_secret_itself_can_be_missing() {
    for (reply, step, kind) in [
        (refusal(404, "Not Found", "Not found secret [db]."), Step::Fetch, Kind::NotFound),
        (refusal(404, "Not Found", "Not found key [db-key]."), Step::Fetch, Kind::Invalid),
        (refusal(404, "Not Found", "Not found key [db]."), Step::Fetch, Kind::Invalid),
        (refusal(404, "Not Found", "Not found secret [a db]."), Step::Fetch, Kind::Invalid),
        (refusal(404, "Not Found", "Not found secret version [1]."), Step::Fetch, Kind::Invalid),
        (refusal(404, "InvalidActionOrVersion", "[db]"), Step::Fetch, Kind::Invalid),
        (refusal(400, "Not Found", "Not found secret [db]."), Step::Fetch, Kind::Invalid),
        (refusal(403, "AccessDenied", CANARY), Step::Fetch, Kind::Denied),
        (refusal(200, "AccessDenied", CANARY), Step::Fetch, Kind::Invalid),
        (refusal(403, "Reject.Throttling.Action", CANARY), Step::Fetch, Kind::Throttled),
        (refusal(401, "InvalidAccessKey", CANARY), Step::Authenticate, Kind::Denied),
        (refusal(403, "SignatureDoesNotMatch", CANARY), Step::Authenticate, Kind::Denied),
        (answer(Value::Null), Step::Fetch, Kind::Transient),
    ] {
        let store = store().await;
        store.server.put(ask("GetSecretValue", &body("db", None)), reply.clone());
        let error = store.world.failure("db").await;
        assert_eq!((error.step, error.kind), (step, kind), "{reply:?}: {error}");
    }
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let store = store().await;
    failures_are_told_apart(&store.world, &store.server, "db", &[(400, Kind::Invalid), (404, Kind::Invalid)])
        .await;
}

#[tokio::test]
async fn rotated_access_keys_are_read_again() {
    let store = store().await;
    store.put("db", "value").await;
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("id", "OLD"));
    let error = store.world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("id", "AKLT"));
    store.world.clock.advance(Duration::from_secs(10));
    assert_eq!(store.world.read(&["db"]).await, ["value"]);
}

const SPEC: &str = r#"{"volcengine":{"region":"cn-beijing","auth":{"secretRef":{
    "accessKeyID":{"name":"creds","key":"id"},"secretAccessKey":{"name":"creds","key":"secret"}}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[
    // The service names what is not there.
    ("no such secret", "not-found"),
    ("no such version", "not-found"),
];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let cases = eso::cases(include_str!("data/volcengine.jsonl"));
    let mut gave = Vec::new();
    for case in &cases {
        let server = case.double("").await;
        let world = at_server(server.address());
        world.clusters.edit("blue/shop/creds", |secret| secret.set("token", "STS"));
        gave.push((case, case.played(&world.sources, SPEC, server.address()).await));
        server.strays();
    }
    eso::same(&gave, DEPARTURES);
    assert!(gave.len() >= 80, "nothing of the table was left out: {}", gave.len());
}
