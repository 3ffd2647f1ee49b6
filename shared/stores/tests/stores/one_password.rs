//! Stores of 1Password Connect, on a double made of pairs.

use crate::eso;
use pawl_domain::item::Item;
use pawl_domain::query::Told;
use pawl_domain::store::{OnePasswordStore, SecretKeyRef};
use pawl_domain::{
    Access, DigestKey, Fetched, Find, Grant, Keep, Kind, Provider, SecretValue, Step, VersionSelector,
};
use pawl_ports::{Clock, Error, Part, Sources, Wanted};
use pawl_servers::pairs::{Ask, Fault, Pairs, Reply};
use pawl_stores::OnePasswordSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, namespace};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CASES: &str = include_str!("data/onepassword.jsonl");
const TOKEN: &str = "connect-hunter2";
const VAULT: &str = "vaultshop00000000000000000";

/// A Connect with one vault, and a store that reads it.
struct World {
    connect: Pairs,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: OnePasswordSources<FakeClusters>,
    access: Access,
    /// By title, the number and value of each item.
    items: Mutex<BTreeMap<String, (u64, String)>>,
    content: Mutex<u64>,
}

fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

fn sources(clusters: &Arc<FakeClusters>, clock: &FakeClock) -> OnePasswordSources<FakeClusters> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let bounds = Bounds {
        attempt_timeout: Duration::from_millis(500),
        deadline: Duration::from_secs(4),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(50),
        ..Bounds::default()
    };
    OnePasswordSources::new(Arc::clone(clusters), clock, digest_key()).bounded(bounds)
}

async fn world() -> World {
    let strange = Reply::of(404, json!({ "status": 404, "message": "Invalid path: hunter2" }));
    let refused = Reply::of(401, json!({ "status": 401, "message": "Invalid bearer token: hunter2" }));
    let connect = Pairs::start("", strange, refused).await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/connect", |secret| secret.set("token", TOKEN));
    let store = OnePasswordStore {
        connect_host: connect.address().to_owned(),
        connect_token: SecretKeyRef {
            name: "connect".parse().unwrap(),
            key: "token".to_owned(),
            namespace: None,
        },
        vaults: vec!["shop".to_owned()],
    };
    let clock = FakeClock::default();
    let sources = sources(&clusters, &clock);
    let access = Access {
        backend: store.into(),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    let (items, content) = (Mutex::default(), Mutex::new(1));
    let world = World { connect, clusters, clock, sources, access, items, content };
    world.tell(TOKEN);
    world
}

fn id(title: &str) -> String {
    let letters: String = title.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{:0>26}", letters.to_lowercase())
}

impl World {
    /// Lets Connect say what is in the vault to whoever shows this token.
    fn tell(&self, token: &str) {
        let bearer = &format!("Bearer {token}");
        let put = |path: &str, query: &[(&str, &str)], status: u16, body: Value| {
            eso::put(&self.connect, path, query, bearer, Reply::of(status, body));
        };
        let vault = json!({ "id": VAULT, "name": "shop", "contentVersion": *self.content.lock().unwrap() });
        put("/v1/vaults", &[("filter", "title eq \"shop\"")], 200, json!([vault]));
        let items = self.items.lock().unwrap().clone();
        let summary =
            |title: &str, version: u64| json!({ "id": id(title), "title": title, "version": version });
        let list = format!("/v1/vaults/{VAULT}/items");
        put(&format!("{list}/*"), &[], 404, json!({ "status": 404, "message": "item not found" }));
        put(&list, &[("filter", "title eq \"*\"")], 200, json!([]));
        let all = items.iter().map(|(title, (version, _))| summary(title, *version)).collect();
        put(&list, &[], 200, Value::Array(all));
        for (title, (version, value)) in &items {
            put(
                &list,
                &[("filter", &format!("title eq \"{title}\""))],
                200,
                json!([summary(title, *version)]),
            );
            let mut whole = summary(title, *version);
            whole["category"] = json!("LOGIN");
            whole["fields"] =
                json!([{ "label": "password", "value": value }, { "label": "user", "value": "app" }]);
            put(&format!("{list}/{}", id(title)), &[], 200, whole);
        }
    }

    fn set(&self, title: &str, value: Option<&str>) -> u64 {
        let mut items = self.items.lock().unwrap();
        let version = items.get(title).map_or(0, |(version, _)| *version) + 1;
        match value {
            Some(value) => drop(items.insert(title.to_owned(), (version, value.to_owned()))),
            None => {
                items.remove(title);
                let filter = format!("title eq \"{title}\"");
                let list = format!("/v1/vaults/{VAULT}/items");
                let bearer = format!("Bearer {TOKEN}");
                eso::put(&self.connect, &list, &[("filter", &filter)], &bearer, Reply::of(200, json!([])));
                let gone = Reply::of(404, json!({ "status": 404, "message": "item not found" }));
                eso::put(&self.connect, &format!("{list}/{}", id(title)), &[], &bearer, gone);
            }
        }
        drop(items);
        *self.content.lock().unwrap() += 1;
        self.tell(TOKEN);
        version
    }

    async fn read(&self, key: &str) -> Result<Fetched, Error> {
        self.sources.fetch(&self.access, &[current(key)]).await.remove(0)
    }

    fn asked(&self) -> Vec<String> {
        self.connect.asked().into_iter().map(|asked| asked.uri).collect()
    }
}

fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

fn text(value: &SecretValue) -> String {
    let item = Item::of_value(value).unwrap();
    item.one(None).unwrap().unwrap().expose_str().unwrap().to_owned()
}

impl Held for World {
    type Sources = OnePasswordSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        format!("{}:{}", id(key), self.set(key, Some(value)))
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("items have no labels");
    }

    async fn delete(&self, key: &str) {
        self.set(key, None);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }

    fn text(&self, value: &SecretValue) -> String {
        text(value)
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&world().await).await;
}

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let counts = eso::play(CASES, |clusters, _| sources(clusters, &FakeClock::default())).await;
    assert_eq!(counts, (120, 11), "nothing of the table was left out");
}

#[tokio::test]
async fn an_item_is_read_once_for_all_its_fields_and_a_vault_is_looked_up_once() {
    let world = world().await;
    world.set("db", Some("s3cr3t"));
    let told = |property: &str| {
        let told = Told { key: "db".to_owned(), property: property.to_owned(), version: String::new() };
        current(&told.to_text())
    };
    let answers = world.sources.fetch(&world.access, &[told(""), told("user"), told("field/user")]).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.asked().len(), 3, "the vault, the title, the item");
    world.read("db").await.unwrap();
    assert_eq!(world.asked().len(), 2);
}

/// Most of what is swept did not change.
#[tokio::test]
async fn a_vault_in_which_nothing_changed_costs_one_call_however_many_items_are_known() {
    let world = world().await;
    let wanted: Vec<Wanted> = (0..50).map(|number| current(&format!("key {number}"))).collect();
    for one in &wanted {
        world.set(&one.key, Some("s3cr3t"));
    }
    let versions = async || {
        let answers = world.sources.versions(&world.access, &wanted).await;
        let versions: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().id).collect();
        (versions, world.asked().len())
    };
    let (first, calls) = versions().await;
    assert_eq!((first[7].as_str(), calls), (format!("{}:1", id("key 7")).as_str(), 2));
    assert_eq!(versions().await, (first.clone(), 1));
    // The identity is proven again, and nothing is forgotten.
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(versions().await, (first.clone(), 1));
    world.set("key 7", Some("other"));
    let (changed, calls) = versions().await;
    assert_eq!((changed[7].clone(), calls), (format!("{}:2", id("key 7")), 2));
    assert_eq!(changed[8], first[8]);
}

/// A token that lost its rights must not make Secrets go.
#[tokio::test]
async fn a_vault_that_is_not_seen_is_no_missing_item() {
    let world = world().await;
    world.set("db", Some("s3cr3t"));
    assert_eq!(world.read("gone").await.unwrap_err().kind, Kind::NotFound);
    world.clock.advance(Duration::from_secs(120));
    let filter = [("filter", "title eq \"shop\"")];
    eso::put(&world.connect, "/v1/vaults", &filter, &format!("Bearer {TOKEN}"), Reply::of(200, json!([])));
    for key in ["db", "gone"] {
        let error = world.read(key).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message().contains("vault shop: there is no such vault, or the token"), "{error}");
        let answers = world.sources.versions(&world.access, &[current(key)]).await;
        assert_eq!(answers[0].as_ref().unwrap_err().kind, Kind::Invalid);
    }
    assert_eq!(world.sources.validate(&world.access).await.unwrap_err().kind, Kind::Invalid);
    world.tell(TOKEN);
    world.sources.validate(&world.access).await.unwrap();
    // What is no answer of Connect's says nothing of an item.
    let list = format!("/v1/vaults/{VAULT}/items");
    let proxy = Reply::of(404, json!("<h1>not found</h1>"));
    eso::put(&world.connect, &format!("{list}/{}", id("db")), &[], &format!("Bearer {TOKEN}"), proxy);
    assert_eq!(world.read("db").await.unwrap_err().kind, Kind::Invalid);
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let world = world().await;
    world.set("db", Some("s3cr3t"));
    assert_eq!(text(&world.read("db").await.unwrap().value), "s3cr3t");
    world.clusters.edit("blue/shop/connect", |secret| secret.set("token", "stale-hunter2"));
    world.clock.advance(Duration::from_secs(61));
    let error = world.read("db").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    world.clusters.edit("blue/shop/connect", |secret| secret.set("token", TOKEN));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(text(&world.read("db").await.unwrap().value), "s3cr3t");
}

#[tokio::test]
async fn searches_read_what_policies_let_them_and_pass_over_what_went() {
    let world = world().await;
    world.set("db", Some("s3cr3t"));
    world.set("web", Some("other"));
    let find = Find { name: Some("^user$".to_owned()), ..Find::default() };
    let keep = |pattern: &str| {
        let keys = Some([pattern.parse().unwrap()].into());
        Keep::new(Provider::OnePassword, keys, Arc::default())
    };
    let found = world.sources.find(&world.access, &find, &keep("web*")).await.unwrap();
    assert_eq!(found["user"].version.id, format!("{}:1", id("web")));
    assert!(!world.asked().iter().any(|asked| asked.contains(&id("db"))), "it was not asked for");
    let gone = Reply::of(404, json!({ "status": 404, "message": "item not found" }));
    let path = format!("/v1/vaults/{VAULT}/items/{}", id("db"));
    eso::put(&world.connect, &path, &[], &format!("Bearer {TOKEN}"), gone);
    let found = world.sources.find(&world.access, &find, &Keep::everything(Provider::OnePassword)).await;
    assert_eq!(found.unwrap()["user"].version.id, format!("{}:1", id("web")));
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let said =
        |status: u16, message: &str| Reply::of(status, json!({ "status": status, "message": message }));
    for (reply, kind, asked) in [
        (said(400, "hunter2"), Kind::Invalid, 1),
        (said(403, "hunter2"), Kind::Denied, 1),
        (said(403, "Authorization: hunter2"), Kind::Denied, 3),
        (said(404, "hunter2"), Kind::Invalid, 1),
        (said(302, "").header("location", "https://elsewhere.example.com/v1/vaults"), Kind::Invalid, 1),
        (said(429, "hunter2").header("retry-after", "120"), Kind::Throttled, 1),
        (said(500, "hunter2"), Kind::Transient, 3),
        (Reply::of(200, json!("hunter2")), Kind::Transient, 1),
        (Reply::of(200, json!({ "items": "hunter2" })), Kind::Transient, 1),
    ] {
        let world = world().await;
        for call in 0..asked {
            world.connect.fault(call, Fault::Answer(reply.clone()));
        }
        let error = world.read("db").await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{reply:?}: {error}");
        assert_eq!(world.asked().len(), asked, "{reply:?}");
        assert!(error.message().starts_with(&format!("onepassword at {}: ", world.connect.address())));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let rest = (reply.status == 429).then_some(Duration::from_secs(120));
        assert_eq!(error.retry_after(), rest, "{reply:?}");
    }
    let world = world().await;
    world.set("db", Some("s3cr3t"));
    world.connect.fault(0, Fault::Answer(said(403, "Authorization: not yet")));
    world.connect.fault(2, Fault::Cut);
    world.connect.fault(4, Fault::Answer(said(503, "")));
    assert_eq!(text(&world.read("db").await.unwrap().value), "s3cr3t", "failures of the moment pass");
    world.connect.fault(0, Fault::Silent);
    assert_eq!(world.read("db").await.unwrap_err().kind, Kind::Unreachable);
    let odd = Ask::get(&format!("/v1/vaults/{VAULT}/items")).query("filter", "title eq \"file\"");
    let item = json!([{ "id": id("file"), "title": "file", "version": 1 }]);
    let bearer = format!("Bearer {TOKEN}");
    world.connect.put(odd.header("authorization", &bearer), Reply::of(200, item));
    let whole = json!({ "id": id("file"), "category": "DOCUMENT", "files": [
        { "id": "f", "name": "f", "content_path": "https://elsewhere.example.com/v1/hunter2" }] });
    eso::put(
        &world.connect,
        &format!("/v1/vaults/{VAULT}/items/{}", id("file")),
        &[],
        &bearer,
        Reply::of(200, whole),
    );
    let error = world.read("file").await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient, "a file is asked of Connect alone: {error}");
}
