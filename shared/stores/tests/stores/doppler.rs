//! Stores of Doppler, on a double made of pairs.

use crate::eso;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{DopplerAuth, DopplerStore, SecretKeyRef};
use pawl_domain::{
    Access, DigestKey, Fetched, Find, Grant, Home, Keep, Kind, Provider, SecretValue, Step, StoreId,
    VersionSelector,
};
use pawl_ports::{Clock, Error, Part, Sources, Wanted};
use pawl_servers::pairs::{Ask, Fault, Pairs, Reply};
use pawl_stores::kit::Bounds;
use pawl_stores::{Doppler, DopplerSources};
use pawl_world::build::{cluster_name, namespace};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CASES: &str = include_str!("data/doppler.jsonl");
const TOKEN: &str = "dp.st.hunter2";
const DOWNLOAD: &str = "/v3/configs/config/secrets/download";

/// A Doppler with one config, and a store that reads it.
struct World {
    doppler: Pairs,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: DopplerSources<FakeClusters>,
    access: Access,
    secrets: Mutex<BTreeMap<String, String>>,
    version: Mutex<u64>,
}

fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

fn sources(clusters: &Arc<FakeClusters>, clock: &FakeClock, address: &str) -> DopplerSources<FakeClusters> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let bounds = Bounds {
        attempt_timeout: Duration::from_millis(500),
        deadline: Duration::from_secs(4),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(50),
        ..Bounds::default()
    };
    DopplerSources::of(Doppler::at(address), Arc::clone(clusters), clock, digest_key()).bounded(bounds)
}

async fn world() -> World {
    let said = |message: &str| json!({ "messages": [format!("{message}: hunter2")], "success": false });
    let doppler = Pairs::start("", Reply::of(404, said("no route")), Reply::of(401, said("Invalid token")));
    let doppler = doppler.await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/doppler", |secret| secret.set("token", TOKEN));
    let (name, key) = ("doppler".parse().unwrap(), "token".to_owned());
    let store = DopplerStore {
        auth: DopplerAuth::Token(SecretKeyRef { name, key, namespace: None }),
        project: Some("shop".to_owned()),
        config: Some("prd".to_owned()),
        name_transformer: None,
        format: None,
    };
    let clock = FakeClock::default();
    let sources = sources(&clusters, &clock, doppler.address());
    let access = Access {
        backend: store.into(),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    let (secrets, version) = (Mutex::default(), Mutex::new(0));
    let world = World { doppler, clusters, clock, sources, access, secrets, version };
    world.tell();
    world
}

fn of_config(token: &str) -> Ask {
    let shown = format!("Basic {}", STANDARD.encode(format!("{token}:")));
    Ask::get(DOWNLOAD).query("project", "shop").query("config", "prd").header("authorization", &shown)
}

impl World {
    /// Lets Doppler say what is in the config: to who asks for all of it with its etag, that it is the same.
    fn tell(&self) {
        let mut version = self.version.lock().unwrap();
        *version += 1;
        let etag = format!("\"{version}\"");
        let secrets = self.secrets.lock().unwrap();
        let whole = Reply::of(200, json!(*secrets)).header("etag", &etag);
        self.doppler.put(of_config(TOKEN).header("if-none-match", "*"), whole.clone());
        self.doppler.put(of_config(TOKEN), whole);
        let same = Reply::of(304, Value::Null);
        self.doppler.put(of_config(TOKEN).header("if-none-match", &etag), same);
        self.doppler.put(of_config(TOKEN).query("secrets", "*"), Reply::of(200, json!({})));
        for (name, value) in secrets.iter() {
            self.doppler.put(
                of_config(TOKEN).query("secrets", name),
                Reply::of(200, json!({ name.as_str(): value })),
            );
        }
    }

    fn set(&self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => drop(self.secrets.lock().unwrap().insert(name.to_owned(), value.to_owned())),
            None => {
                self.secrets.lock().unwrap().remove(name);
                self.doppler.put(of_config(TOKEN).query("secrets", name), Reply::of(200, json!({})));
            }
        }
        self.tell();
    }

    async fn read(&self, key: &str) -> Result<Fetched, Error> {
        self.sources.fetch(&self.access, &[current(key)]).await.remove(0)
    }
}

fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

fn text(answer: Result<Fetched, Error>) -> String {
    answer.unwrap().value.expose_str().unwrap().to_owned()
}

impl Held for World {
    type Sources = DopplerSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.set(key, Some(value));
        digest_key().parts().with(value).digest()
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("secrets have no labels");
    }

    async fn delete(&self, key: &str) {
        self.set(key, None);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&world().await).await;
}

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let play =
        eso::play(CASES, |clusters, server| sources(clusters, &FakeClock::default(), server.address()));
    assert_eq!(play.await, (107, 13), "nothing of the table was left out");
}

/// Most of what is swept did not change.
#[tokio::test]
async fn a_config_that_did_not_change_costs_one_call_without_its_secrets() {
    let world = world().await;
    let names: Vec<String> = (0..50).map(|number| format!("KEY_{number}")).collect();
    for name in &names {
        world.set(name, Some("s3cr3t"));
    }
    let wanted: Vec<Wanted> = names.iter().map(|name| current(name)).collect();
    let versions = async || {
        let answers = world.sources.versions(&world.access, &wanted).await;
        let versions: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().id).collect();
        let conditional =
            world.doppler.asked().into_iter().map(|asked| asked.headers.contains_key("if-none-match"));
        (versions, conditional.collect::<Vec<_>>())
    };
    let (first, asked) = versions().await;
    assert_eq!(asked, [false]);
    assert_eq!(versions().await, (first.clone(), vec![true]));
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(
        versions().await,
        (first.clone(), vec![true]),
        "the identity is proven again, and nothing forgotten"
    );
    world.set("KEY_7", Some("other"));
    let (changed, _) = versions().await;
    assert_eq!(changed[7], digest_key().parts().with("other").digest());
    assert_eq!(changed[8], first[8]);
    let answers = world.sources.fetch(&world.access, &wanted).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.doppler.asked().len(), 1, "many keys are one call");
}

/// A token that lost its rights must not make Secrets go.
#[tokio::test]
async fn a_config_that_is_not_seen_is_no_missing_secret() {
    let world = world().await;
    world.set("DB_URL", Some("s3cr3t"));
    assert_eq!(world.read("GONE").await.unwrap_err().kind, Kind::NotFound);
    let lost = Reply::of(404, json!({ "messages": ["Could not find requested config"], "success": false }));
    world.doppler.put(of_config(TOKEN).query("secrets", "GONE"), lost.clone());
    assert_eq!(
        world.read("GONE").await.unwrap_err().kind,
        Kind::NotFound,
        "the config, read whole, has it not"
    );
    world.doppler.put(of_config(TOKEN), lost);
    for keys in [&["GONE"][..], &["GONE", "DB_URL"]] {
        let wanted: Vec<Wanted> = keys.iter().map(|key| current(key)).collect();
        for answers in world.sources.fetch(&world.access, &wanted).await {
            assert_eq!(answers.unwrap_err().kind, Kind::Invalid, "{keys:?}");
        }
    }
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let world = world().await;
    world.set("DB_URL", Some("s3cr3t"));
    assert_eq!(text(world.read("DB_URL").await), "s3cr3t");
    world.clusters.edit("blue/shop/doppler", |secret| secret.set("token", "stale-hunter2"));
    world.clock.advance(Duration::from_secs(61));
    let error = world.read("DB_URL").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    world.clusters.edit("blue/shop/doppler", |secret| secret.set("token", TOKEN));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(text(world.read("DB_URL").await), "s3cr3t");
}

#[tokio::test]
async fn a_service_account_is_traded_for_a_token_of_doppler() {
    let mut world = world().await;
    world.set("DB_URL", Some("s3cr3t"));
    let mut store = world.access.backend.as_doppler().unwrap().clone();
    store.auth = DopplerAuth::Oidc {
        identity: "id-1".to_owned(),
        account: "reader".parse().unwrap(),
        namespace: None,
        audiences: Vec::new(),
    };
    let id = StoreId {
        home: Home::Applied,
        namespace: Some(namespace("shop")),
        name: "store".parse().unwrap(),
        generator: None,
    };
    world.access.backend = store.into();
    world.clusters.add_service_account("blue/shop/reader", &[]);
    world.access.tags = Some((namespace("shop"), id));
    let login = Ask::post("/v3/auth/oidc", json!({ "identity": "id-1", "token": "*" }));
    let until = world.clock.now() + jiff::SignedDuration::from_secs(600);
    let traded = json!({ "success": true, "token": TOKEN, "expires_at": until.to_string() });
    world.doppler.put(login.clone(), Reply::of(200, traded));
    assert_eq!(text(world.read("DB_URL").await), "s3cr3t");
    world.read("DB_URL").await.unwrap();
    let logins = || world.doppler.asked().into_iter().filter(|asked| asked.method == "POST").count();
    assert_eq!(logins(), 1);
    world.clock.advance(Duration::from_secs(541));
    world.doppler.put(login.clone(), Reply::of(403, json!({ "messages": ["hunter2"], "success": false })));
    let error = world.read("DB_URL").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    world.clock.advance(Duration::from_secs(6));
    world
        .doppler
        .put(login, Reply::of(200, json!({ "success": true, "token": TOKEN, "expires_at": "soon" })));
    let error = world.read("DB_URL").await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Transient), "{error}");
}

#[tokio::test]
async fn searches_read_what_policies_let_them() {
    let mut world = world().await;
    world.set("DB_URL", Some("s3cr3t"));
    world.set("APP_KEY", Some("other"));
    let keep = Keep::new(Provider::Doppler, Some(["APP_*".parse().unwrap()].into()), Arc::default());
    let found = world.sources.find(&world.access, &Find::default(), &keep).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["APP_KEY"]);
    let mut store = world.access.backend.as_doppler().unwrap().clone();
    store.name_transformer = Some("camel".to_owned());
    world.access.backend = store.into();
    let error = world.sources.find(&world.access, &Find::default(), &keep).await.unwrap_err();
    assert_eq!(
        error.kind,
        Kind::Refused,
        "a name that was written otherwise is compared with no pattern: {error}"
    );
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let said = |status: u16| Reply::of(status, json!({ "messages": ["hunter2"], "success": false }));
    for (reply, kind, asked) in [
        (said(403), Kind::Denied, 1),
        (said(422), Kind::Invalid, 1),
        (said(302).header("location", "https://elsewhere.example.com/"), Kind::Invalid, 1),
        (said(429).header("retry-after", "120"), Kind::Throttled, 1),
        (said(500), Kind::Transient, 3),
        (Reply::of(200, json!("hunter2")), Kind::Transient, 1),
        (Reply::of(200, json!({ "A": ["hunter2"] })), Kind::Transient, 1),
    ] {
        let world = world().await;
        for call in 0..asked {
            world.doppler.fault(call, Fault::Answer(reply.clone()));
        }
        let error = world.read("A").await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{reply:?}: {error}");
        assert_eq!(world.doppler.asked().len(), asked, "{reply:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let rest = (reply.status == 429).then_some(Duration::from_secs(120));
        assert_eq!(error.retry_after(), rest, "{reply:?}");
    }
    let world = world().await;
    world.set("A", Some("s3cr3t"));
    world.doppler.fault(0, Fault::Cut);
    world.doppler.fault(1, Fault::Answer(said(503)));
    assert_eq!(text(world.read("A").await), "s3cr3t", "failures of the moment pass");
    world.doppler.fault(0, Fault::Silent);
    assert_eq!(world.read("A").await.unwrap_err().kind, Kind::Unreachable);
}
