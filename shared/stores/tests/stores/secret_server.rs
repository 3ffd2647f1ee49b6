//! Stores of Delinea Secret Server and Platform, on recorded pairs, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{World, at, failures_are_told_apart};
use pawl_domain::parts::Parts;
use pawl_domain::store::{Given, SecretServerAuth, SecretServerStore};
use pawl_domain::{Access, Find, Kind, SecretValue, Step};
use pawl_ports::Sources;
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_stores::{SecretServer, SecretServerSources};
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::time::Duration;

/// Source: the server's API reference, and its SDK for Go.
const COMMON: &str = r#"
{"ask": {"path": "/api/v1/healthcheck"}, "reply": {"status": 200, "body": {"healthy": true, "databaseHealthy": true}}}
{"ask": {"method": "POST", "path": "/oauth2/token"}, "reply": {"status": 400, "body": {"error": "Login failed. hunter2"}}}
{"ask": {"method": "POST", "path": "/oauth2/token", "body": "username=shop&password=pass&grant_type=password"},
 "reply": {"status": 200, "body": {"access_token": "token", "token_type": "bearer", "expires_in": 1199}}}
{"ask": {"path": "/api/v1/secrets/*", "query": {}},
 "reply": {"status": 404, "body": {"message": "hunter2", "errorCode": "API_SecretNotFound"}}}
{"ask": {"path": "/api/v1/secrets/0", "query": {"secretPath": "*"}},
 "reply": {"status": 404, "body": {"message": "hunter2", "errorCode": "API_SecretNotFound"}}}
{"ask": {"path": "/api/v1/secrets", "query": {"paging.filter.searchText": "*", "paging.filter.searchField": "Name",
    "paging.filter.doNotCalculateTotal": "true", "paging.take": "30", "paging.skip": "0", "paging.filter.isExactMatch": "true"}},
 "reply": {"status": 200, "body": {"records": []}}}
"#;

struct Store {
    server: Pairs,
    world: World<SecretServer>,
}

async fn store() -> Store {
    let (strange, refused) = (Reply::of(404, json!("hunter2")), Reply::of(401, json!("hunter2")));
    let server = Pairs::start(COMMON, strange, refused).await.unwrap();
    let auth = SecretServerAuth::Password {
        user: Given::At(at("user")),
        password: at("password"),
        domain: String::new(),
    };
    let url = server.address().to_owned();
    let store = SecretServerStore { url, auth, ca_bundle: None, ca_provider: None };
    let world = World::of(store, &[("user", "shop"), ("password", "pass"), ("token", "token")]);
    Store { server, world }
}

fn search(name: &str) -> Ask {
    Ask::get("/api/v1/secrets")
        .query("paging.filter.searchText", name)
        .query("paging.filter.searchField", "Name")
        .query("paging.filter.doNotCalculateTotal", "true")
        .query("paging.take", "30")
        .query("paging.skip", "0")
        .query("paging.filter.isExactMatch", "true")
        .header("authorization", "Bearer token")
}

/// The number that stands for a name.
fn number(key: &str) -> u32 {
    key.bytes().fold(7, |sum, byte| sum * 31 % 1_000_003 + u32::from(byte))
}

impl Held for Store {
    type Sources = SecretServerSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let id = number(key);
        let secret =
            json!({ "id": id, "name": key, "folderId": 1, "items": [{ "slug": "v", "itemValue": value }] });
        let ask = Ask::get(&format!("/api/v1/secrets/{id}")).header("authorization", "Bearer token");
        self.server.put(ask, Reply::of(200, secret));
        let records = json!({ "records": [{ "id": id, "name": key, "folderId": 1 }] });
        self.server.put(search(key), Reply::of(200, records));
        let read =
            self.world.sources.fetch(&self.world.access, &[crate::world::current(key)]).await.remove(0);
        read.unwrap().version.id
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("secrets have no labels");
    }

    async fn delete(&self, key: &str) {
        self.server.put(search(key), Reply::of(200, json!({ "records": [] })));
    }

    fn absence(&self) -> Kind {
        Kind::Invalid
    }

    fn unknown_version(&self) -> &'static str {
        panic!("versions are not read")
    }

    fn text(&self, value: &SecretValue) -> String {
        let whole = Parts::of_value(value).unwrap().whole.unwrap();
        let whole: Value = serde_json::from_str(whole.expose_str().unwrap()).unwrap();
        whole["Items"][0]["ItemValue"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store().await).await;
}

#[tokio::test]
async fn nothing_counts_as_missing() {
    let store = store().await;
    for key in ["none", "42", "/a/none", "folderId:7/none"] {
        let error = store.world.failure(key).await;
        assert_eq!(error.kind, Kind::Invalid, "{key}");
        assert!(error.message().contains("or the user may not see it"), "{error}");
    }
    let find = Find { name: Some(".".to_owned()), ..Find::default() };
    assert_eq!(store.world.found(&find).await.unwrap_err().kind, Kind::Invalid);
}

#[tokio::test]
async fn a_rotated_password_is_read_again() {
    let store = store().await;
    store.put("a", "value").await;
    store.world.clock.advance(Duration::from_secs(1000));
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("password", "wrong"));
    let error = store.world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("password", "pass"));
    store.world.clock.advance(Duration::from_secs(10));
    store.put("a", "value").await;
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let store = store().await;
    let key = "/a/b";
    failures_are_told_apart(&store.world, &store.server, key, &[(400, Kind::Invalid), (404, Kind::Invalid)])
        .await;
}

const SPEC: &str = r#"{"secretserver":{"serverURL":"$SERVER","username":{"secretRef":{"name":"creds","key":"user"}},
    "password":{"secretRef":{"name":"creds","key":"password"}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[
    // It would stand unencrypted in the registry.
    ("a password that is written", "error"),
    // The first secret of a name counts, so the others need not be read.
    ("one of two of a name fails", "one"),
];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let mut cases = eso::cases(include_str!("data/secret_server.jsonl"));
    // A field that was renamed must not make a Secret go: a missing one is an error everywhere.
    let renamed = cases.iter_mut().filter_map(|case| case.no_missing_property()).count();
    assert_eq!(renamed, 15);
    let mut gave = Vec::new();
    for case in &cases {
        let (store, server) = (store().await, case.double(COMMON).await);
        gave.push((case, case.played(&store.world.sources, SPEC, server.address()).await));
        server.strays();
    }
    eso::same(&gave, DEPARTURES);
    assert_eq!(gave.len(), 117, "nothing of the table was left out");
}
