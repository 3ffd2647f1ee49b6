//! Stores of Bitwarden Secrets Manager, on recorded pairs, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{World, at, digest, failures_are_told_apart};
use pawl_domain::store::BitwardenStore;
use pawl_domain::{Access, Find, Kind, Step};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_stores::{Bitwarden, BitwardenSources};
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Ids by names; of each secret there is one in the project.
struct Store {
    server: Pairs,
    world: World<Bitwarden>,
    ids: Mutex<BTreeMap<String, String>>,
}

async fn store() -> Store {
    let (strange, refused) = (Reply::of(404, json!("hunter2")), Reply::of(401, json!("hunter2")));
    let server = Pairs::start("", strange, refused).await.unwrap();
    let store = BitwardenStore {
        server: server.address().to_owned(),
        api: "https://api.example.com".to_owned(),
        identity: "https://identity.example.com".to_owned(),
        organization: "org".to_owned(),
        project: "project".to_owned(),
        token: at("token"),
        ca_bundle: None,
        ca_provider: None,
    };
    let world = World::of(store, &[("token", "token")]);
    let store = Store { server, world, ids: Mutex::default() };
    store.list();
    store
}

/// A request with the headers that every one has, and a body, as the SDK server wants it.
fn ask(what: &str, body: Value) -> Ask {
    let ask = Ask { body, ..Ask::get(&format!("/rest/api/1/{what}")) };
    ask.header("warden-access-token", "token")
        .header("warden-api-url", "https://api.example.com")
        .header("warden-identity-url", "https://identity.example.com")
}

impl Store {
    fn list(&self) {
        let ids = self.ids.lock().unwrap();
        let data = ids.iter().map(|(key, id)| json!({ "id": id, "key": key, "organizationId": "org" }));
        let reply = Reply::of(200, json!({ "data": data.collect::<Vec<_>>() }));
        self.server.put(ask("secrets", json!({ "organizationID": "org" })), reply);
    }
}

impl Held for Store {
    type Sources = BitwardenSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let id = {
            let mut ids = self.ids.lock().unwrap();
            let id = format!("{:08x}-21e6-42b7-91c5-3f5ac9793a46", ids.len());
            ids.entry(key.to_owned()).or_insert(id).clone()
        };
        let secret = json!({ "id": id, "key": key, "value": value, "projectId": "project", "note": "" });
        self.server.put(ask("secret", json!({ "id": id })), Reply::of(200, secret));
        self.list();
        digest(value)
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("secrets have no labels");
    }

    async fn delete(&self, key: &str) {
        self.ids.lock().unwrap().remove(key);
        self.list();
    }

    fn absence(&self) -> Kind {
        Kind::Invalid
    }

    fn unknown_version(&self) -> &'static str {
        panic!("versions are not read")
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store().await).await;
}

#[tokio::test]
async fn names_are_listed_once_and_ids_not_at_all() {
    let store = store().await;
    for name in ["a", "b", "c"] {
        store.put(name, name).await;
    }
    let id = store.ids.lock().unwrap()["c"].clone();
    assert_eq!(store.world.read(&["a", &id, "b"]).await, ["a", "c", "b"]);
    let asked = |what: &str| store.server.asked().iter().filter(|asked| asked.uri.ends_with(what)).count();
    assert_eq!(asked("/secrets"), 1);
    store.world.read(&[&id]).await;
    assert_eq!(asked("/secrets"), 0);
}

#[tokio::test]
async fn searches_are_by_name_and_answered_by_ids() {
    let store = store().await;
    for name in ["app/a", "app/b", "web"] {
        store.put(name, name).await;
    }
    let find = |name: &str| Find { name: Some(name.to_owned()), ..Find::default() };
    let found = store.world.found(&find("^app/")).await.unwrap();
    assert_eq!(found.values().collect::<Vec<_>>(), ["app/a", "app/b"]);
    assert!(found.keys().all(|id| id.ends_with("-21e6-42b7-91c5-3f5ac9793a46")), "{found:?}");
    let tags = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    for refused in [find("^none"), find("a("), Find::default(), Find { tags, ..find(".") }] {
        assert_eq!(store.world.found(&refused).await.unwrap_err().kind, Kind::Invalid, "{refused:?}");
    }
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let store = store().await;
    store.put("a", "value").await;
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("token", "wrong"));
    let error = store.world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("token", "token"));
    store.world.clock.advance(Duration::from_secs(61));
    assert_eq!(store.world.read(&["a"]).await, ["value"]);
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let store = store().await;
    let id = "ffffffff-21e6-42b7-91c5-3f5ac9793a46";
    failures_are_told_apart(&store.world, &store.server, id, &[(400, Kind::Transient), (404, Kind::Invalid)])
        .await;
}

const SPEC: &str = r#"{"bitwardensecretsmanager":{"apiURL":"https://api.example.com","identityURL":"https://identity.example.com",
    "bitwardenServerSDKURL":"$SERVER","organizationID":"org","projectID":"project",
    "auth":{"secretRef":{"credentials":{"name":"creds","key":"token"}}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[
    // ESO gives all of the organization, whatever is searched for.
    (
        "find by name",
        r#"{"0b5571f7-21e6-42b7-91c5-3f5ac9793a46":"s3cr3t","2b5571f7-21e6-42b7-91c5-3f5ac9793a46":"of another project"}"#,
    ),
    ("find by tags", "error"),
    ("find without criteria", "error"),
    // So it is told to a machine account that lost its projects.
    ("find none", "error"),
    ("find in nothing", "error"),
    // YAML is read by the rules of the rest of ESO: words of truth, times, and how lists stand in an object.
    (
        "extract yaml of words",
        r#"{"a":"true","b":"false","c":"true","d":"false","e":"true","f":"<nil>","g":"<nil>","h":"true","i":"false"}"#,
    ),
    ("extract yaml with a merge", r#"{"true":"a: 1\nb: 2","x":"a: 1"}"#),
    ("extract yaml of times", r#"{"a":"2001-01-01","b":"2001-01-01T10:00:00Z","c":"2001-01-01"}"#),
    ("extract lists in an object", r#"{"o":"l:\n- 1\n- 2\nm:\n- a"}"#),
    ("extract yaml of no number", "error"),
];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let cases = eso::cases(include_str!("data/bitwarden.jsonl"));
    let mut gave = Vec::new();
    for case in &cases {
        let (store, server) = (store().await, case.double("").await);
        gave.push((case, case.played(&store.world.sources, SPEC, server.address()).await));
        server.strays();
    }
    eso::same(&gave, DEPARTURES);
    assert_eq!(gave.len(), 76, "nothing of the table was left out");
}
