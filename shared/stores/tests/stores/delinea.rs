//! Stores of Delinea DevOps Secrets Vault, on recorded pairs, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{World, at, current, digest, failures_are_told_apart};
use pawl_domain::parts::Parts;
use pawl_domain::store::{DelineaStore, Given};
use pawl_domain::{Access, Find, Kind, SecretValue, Step, VersionSelector};
use pawl_ports::{Sources, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_stores::{Delinea, DelineaSources};
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::time::Duration;

/// Source: the vault's API reference, and the tests of its SDK for Go.
const COMMON: &str = r#"
{"ask": {"method": "POST", "path": "/team/com/v1/token"}, "reply": {"status": 401, "body": {"code": 401, "message": "hunter2"}}}
{"ask": {"method": "POST", "path": "/team/com/v1/token", "body": {"grant_type": "client_credentials", "client_id": "shop", "client_secret": "pass"}},
 "reply": {"status": 200, "body": {"accessToken": "token", "tokenType": "bearer", "expiresIn": 3600}}}
{"ask": {"method": "POST", "path": "/team/*/v1/token", "body": {"client_id": "shop", "client_secret": "pass"}},
 "reply": {"status": 200, "body": {"accessToken": "token", "tokenType": "bearer", "expiresIn": 3600}}}
"#;
const ABSENT: &str = r#"
{"ask": {"path": "/team/com/v1/secrets/*", "headers": {"authorization": "Bearer token"}},
 "reply": {"status": 404, "body": {"code": 404, "message": "unable to find item with specified identifier"}}}
"#;

struct Store {
    server: Pairs,
    world: World<Delinea>,
}

async fn store() -> Store {
    let (strange, refused) = (Reply::of(404, json!("hunter2")), Reply::of(401, json!("hunter2")));
    let server = Pairs::start(&format!("{COMMON}{ABSENT}"), strange, refused).await.unwrap();
    let store = DelineaStore {
        url: format!("{}/team/com/v1", server.address()),
        client_id: Given::At(at("id")),
        client_secret: at("secret"),
    };
    let world = World::of(store, &[("id", "shop"), ("secret", "pass")]);
    Store { server, world }
}

fn ask(key: &str) -> Ask {
    Ask::get(&format!("/team/com/v1/secrets/{key}")).header("authorization", "Bearer token")
}

fn parts(value: &str) -> SecretValue {
    let document = SecretValue::new(json!({ "v": value }).to_string());
    Parts { whole: Some(document.clone()), document: Some(document), ..Parts::default() }.to_value()
}

impl Held for Store {
    type Sources = DelineaSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.server
            .put(ask(key), Reply::of(200, json!({ "path": key, "data": { "v": value }, "version": "0" })));
        digest(parts(value).expose_str().unwrap())
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("secrets have no labels");
    }

    async fn delete(&self, key: &str) {
        let absent = json!({ "code": 404, "message": "unable to find item with specified identifier" });
        self.server.put(ask(key), Reply::of(404, absent));
    }

    fn unknown_version(&self) -> &'static str {
        panic!("versions are not read")
    }

    fn text(&self, value: &SecretValue) -> String {
        let whole = Parts::of_value(value).unwrap().whole.unwrap();
        let whole: Value = serde_json::from_str(whole.expose_str().unwrap()).unwrap();
        whole["v"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store().await).await;
}

#[tokio::test]
async fn only_the_words_of_the_vault_say_that_a_secret_is_not_there() {
    let store = store().await;
    for (status, message, kind) in [
        (404, "unable to find item with specified identifier", Kind::NotFound),
        (404, "not found", Kind::Invalid),
        (400, "unable to find item with specified identifier", Kind::Invalid),
        (403, "unable to find item with specified identifier", Kind::Denied),
    ] {
        store.server.put(ask("a"), Reply::of(status, json!({ "message": message })));
        assert_eq!(store.world.failure("a").await.kind, kind, "{status} {message}");
    }
    let pinned = Wanted { selector: VersionSelector::Id("1".to_owned()), ..current("a") };
    let error = store.world.sources.fetch(&store.world.access, &[pinned]).await.remove(0).unwrap_err();
    assert!(error.message().ends_with("leave version out"), "{error}");
    let find = Find { name: Some(".".to_owned()), ..Find::default() };
    assert_eq!(store.world.found(&find).await.unwrap_err().kind, Kind::Invalid);
}

#[tokio::test]
async fn a_rotated_secret_is_read_again() {
    let store = store().await;
    store.put("a", "value").await;
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("secret", "wrong"));
    let error = store.world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("secret", "pass"));
    store.world.clock.advance(Duration::from_secs(10));
    assert!(store.world.sources.fetch(&store.world.access, &[current("a")]).await[0].is_ok());
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let store = store().await;
    failures_are_told_apart(&store.world, &store.server, "a", &[(400, Kind::Invalid), (404, Kind::Invalid)])
        .await;
}

const SPEC: &str = r#"{"delinea":{"tenant":"team","urlTemplate":"$SERVER/%s/%s/v1/%s%s","clientId":{"secretRef":{"name":"creds","key":"id"}},
    "clientSecret":{"secretRef":{"name":"creds","key":"secret"}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[
    // A member that was renamed must not make a Secret go.
    ("property a.b", "error"),
    ("property gone", "error"),
    ("property o.gone", "error"),
    ("property #", "error"),
    ("empty data: property", "error"),
    // What deletionPolicy asks about.
    ("absent", "not-found"),
    ("absent: extract", "not-found"),
    // It would stand unencrypted in the registry.
    ("a secret that is written", "error"),
];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let cases = eso::cases(include_str!("data/delinea.jsonl"));
    let mut gave = Vec::new();
    for case in &cases {
        let (store, server) = (store().await, case.double(COMMON).await);
        gave.push((case, case.played(&store.world.sources, SPEC, server.address()).await));
        server.strays();
    }
    eso::same(&gave, DEPARTURES);
    assert_eq!(gave.len(), 51, "nothing of the table was left out");
}
