//! Stores of IBM Cloud Secrets Manager, on recorded pairs, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{World, at, current, failures_are_told_apart};
use pawl_domain::parts::Parts;
use pawl_domain::store::{IbmAuth, IbmStore};
use pawl_domain::{Access, Find, Kind, SecretValue, Step};
use pawl_ports::Sources;
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_stores::{Ibm, IbmSources};
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;

/// Logins, and the answer to a secret that is not there. Source: IBM's API reference, version 2.
const COMMON: &str = r#"
{"ask": {"method": "POST", "path": "/identity/token"}, "reply": {"status": 400, "body": {"errorCode": "BXNIM0415E", "errorMessage": "hunter2"}}}
{"ask": {"method": "POST", "path": "/identity/token", "body": "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=api-key&response_type=cloud_iam"},
 "reply": {"status": 200, "body": {"access_token": "token", "token_type": "Bearer", "expires_in": 3600}}}
"#;
const ABSENT: &str = r#"
{"ask": {"path": "/api/v2/secret_groups/team/secret_types/*", "headers": {"authorization": "Bearer token"}},
 "reply": {"status": 404, "body": {"errors": [{"code": "not_found", "message": "hunter2"}], "status_code": 404}}}
{"ask": {"path": "/api/v2/secret_groups"},
 "reply": {"status": 200, "body": {"secret_groups": [{"id": "group-1", "name": "team"}], "total_count": 1}}}
{"ask": {"path": "/api/v2/secrets", "query": {"limit": "1000", "offset": "0"}}, "reply": {"status": 200, "body": {"secrets": []}}}
"#;
const ID: &str = "0b5571f7-21e6-42b7-91c5-3f5ac9793a46";

struct Store {
    server: Pairs,
    world: World<Ibm>,
    listed: Mutex<Vec<Value>>,
}

async fn store() -> Store {
    let (strange, refused) = (Reply::of(404, json!("hunter2")), Reply::of(401, json!("hunter2")));
    let server = Pairs::start(&format!("{COMMON}{ABSENT}"), strange, refused).await.unwrap();
    let (url, auth) = (server.address().to_owned(), IbmAuth::ApiKey(at("key")));
    let world = World::of(IbmStore { iam: url.clone(), url, auth }, &[("key", "api-key")]);
    Store { server, world, listed: Mutex::default() }
}

impl Store {
    /// What is answered for a key of group `team`; `None` for what is not there.
    fn answer(&self, key: &str, secret: Option<Value>) {
        let ask = Ask::get(&format!("/api/v2/secret_groups/team/secret_types/arbitrary/secrets/{key}"));
        let absent = json!({ "errors": [{ "code": "not_found", "message": "hunter2" }] });
        let reply = secret.clone().map_or(Reply::of(404, absent), |secret| Reply::of(200, secret));
        self.server.put(ask.header("authorization", "Bearer token"), reply);
        let mut listed = self.listed.lock().unwrap();
        listed.retain(|each| each["name"] != key);
        listed.extend(secret);
        let all = Ask::get("/api/v2/secrets").query("limit", "1000").query("offset", "0");
        self.server.put(all, Reply::of(200, json!({ "secrets": *listed, "total_count": listed.len() })));
    }
}

fn secret(key: &str, payload: &str, updated: &str) -> Value {
    json!({
        "id": format!("{ID}-{key}"), "name": key, "secret_group_id": "group-1", "secret_type": "arbitrary",
        "updated_at": updated, "payload": payload,
    })
}

impl Held for Store {
    type Sources = IbmSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let last = self
            .listed
            .lock()
            .unwrap()
            .iter()
            .filter_map(|each| each["updated_at"].as_str())
            .max()
            .map(str::to_owned);
        let last: jiff::Timestamp = last.map_or(jiff::Timestamp::UNIX_EPOCH, |last| last.parse().unwrap());
        let updated = last.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap().to_string();
        self.answer(key, Some(secret(key, value, &updated)));
        updated
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("secrets have no labels");
    }

    async fn delete(&self, key: &str) {
        self.answer(key, None);
    }

    fn unknown_version(&self) -> &'static str {
        panic!("versions are not read")
    }

    fn key(&self, name: &str) -> String {
        format!("team/arbitrary/{name}")
    }

    fn text(&self, value: &SecretValue) -> String {
        Parts::of_value(value).unwrap().whole.unwrap().expose_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store().await).await;
}

#[tokio::test]
async fn only_the_code_of_the_service_says_that_a_secret_is_not_there() {
    let store = store().await;
    for (body, kind) in [
        (json!({ "errors": [{ "code": "not_found" }] }), Kind::NotFound),
        (json!({ "errors": [{ "code": "instance_not_found" }] }), Kind::Invalid),
        (json!({ "errors": [] }), Kind::Invalid),
        (json!("not_found"), Kind::Invalid),
    ] {
        let ask = Ask::get(&format!("/api/v2/secrets/{ID}"));
        store.server.put(ask, Reply::of(404, body.clone()));
        assert_eq!(store.world.failure(ID).await.kind, kind, "{body}");
    }
}

#[tokio::test]
async fn a_sweep_reads_no_values_of_ids() {
    let store = store().await;
    let ask = Ask::get(&format!("/api/v2/secrets/{ID}/metadata"));
    store.server.put(ask, Reply::of(200, json!({ "id": ID, "updated_at": "2022-10-05T21:33:11Z" })));
    let key = format!("kv/{ID}");
    let version =
        store.world.sources.versions(&store.world.access, &[current(&key)]).await.remove(0).unwrap();
    assert_eq!(version.id, "2022-10-05T21:33:11Z");
    assert!(version.since.is_some());
    store.answer("db", Some(secret("db", "x", "2022-10-05T21:33:12Z")));
    let listing = store.world.sources.changed_since(&store.world.access, None).await.unwrap();
    let names: Vec<&str> = listing.keys[0].names.iter().map(String::as_str).collect();
    assert!(names.contains(&"team/arbitrary/db"), "by the group's name: {names:?}");
    assert_eq!(listing.keys[0].version.as_deref(), Some("2022-10-05T21:33:12Z"));
}

#[tokio::test]
async fn identities_are_proven_by_keys_and_by_profiles() {
    let store = store().await;
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("key", "wrong"));
    let error = store.world.failure(ID).await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("key", "api-key"));
    store.world.clock.advance(Duration::from_secs(10));
    store.world.sources.validate(&store.world.access).await.unwrap();

    let (url, iam) = (store.server.address().to_owned(), store.server.address().to_owned());
    let auth = IbmAuth::Profile {
        profile: "shop".to_owned(),
        account: "pawl".parse().unwrap(),
        namespace: None,
        audiences: vec!["iam".to_owned()],
    };
    let profile: World<Ibm> = World::of(IbmStore { url, iam, auth }, &[]);
    profile.clusters.add_service_account("blue/shop/pawl", &[]);
    store.server.asked();
    let error = profile.failure(ID).await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    let body = store.server.asked().remove(0).body;
    assert!(
        body.starts_with("grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Acr-token&cr_token="),
        "{body}"
    );
    assert!(body.ends_with("&profile_name=shop"), "{body}");
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let store = store().await;
    failures_are_told_apart(&store.world, &store.server, ID, &[(400, Kind::Invalid), (404, Kind::Invalid)])
        .await;
    let find = Find { name: Some(".".to_owned()), ..Find::default() };
    assert_eq!(store.world.found(&find).await.unwrap_err().kind, Kind::Invalid);
    for key in ["db", "kv/db", "a/b/c/d"] {
        assert!(store.world.failure(key).await.message().contains("group"), "{key}");
    }
}

const SPEC: &str = r#"{"ibm":{"serviceUrl":"$SERVER","auth":{"secretRef":{"secretApiKeySecretRef":{"name":"creds","key":"key"},
    "iamEndpoint":"$SERVER"}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[("not found", "not-found")];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let cases = eso::cases(include_str!("data/ibm.jsonl"));
    let mut gave = Vec::new();
    for case in &cases {
        let (store, server) = (store().await, case.double(COMMON).await);
        gave.push((case, case.played(&store.world.sources, SPEC, server.address()).await));
        server.strays();
    }
    eso::same(&gave, DEPARTURES);
    assert_eq!(gave.len(), 139, "nothing of the table was left out");
}
