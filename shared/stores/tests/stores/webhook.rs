//! Webhooks, on a double of somebody's API.

use pawl_domain::grant::Reach;
use pawl_domain::query::Told;
use pawl_domain::store::{Backend, Headers, WebhookSecret, WebhookStore};
use pawl_domain::{
    Access, Complaint, DigestKey, Fetched, Find, Functions, Grant, Keep, Kind, Provider, Rule, SecretValue,
    Step, VersionSelector,
};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_servers::webhook::{Api, TOKEN};
use pawl_stores::WebhookSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, namespace};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// An API, and a store that reads it.
struct World {
    api: Api,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: WebhookSources<FakeClusters>,
    access: Access,
}

pub(crate) fn sources(clusters: &Arc<FakeClusters>, clock: &FakeClock) -> WebhookSources<FakeClusters> {
    let bounds = Bounds {
        attempt_timeout: Duration::from_secs(2),
        deadline: Duration::from_secs(4),
        retries: 0,
        ..Bounds::default()
    };
    let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
    let clock = Arc::new(clock.clone());
    WebhookSources::new(Arc::clone(clusters), clock, digest_key(), functions).bounded(bounds)
}

async fn world(edit: impl FnOnce(&mut WebhookStore)) -> World {
    let api = Api::start().await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/api", |secret| {
        let (label, value) = WebhookStore::LABEL;
        secret.labels.insert(label.to_owned(), value.to_owned());
        secret.set("token", TOKEN);
    });
    let mut store = WebhookStore {
        url: format!("{}/keys/{{{{ .remoteRef.key }}}}", api.address()),
        method: "GET".to_owned(),
        headers: Headers([("Authorization".to_owned(), "Bearer {{ .api.token }}".to_owned())].into()),
        json_path: "$.value".to_owned(),
        secrets: vec![WebhookSecret {
            name: "api".to_owned(),
            secret: "api".parse().unwrap(),
            namespace: None,
        }],
        ..WebhookStore::default()
    };
    edit(&mut store);
    let access = Access {
        backend: Backend::from(store),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    let clock = FakeClock::default();
    let sources = sources(&clusters, &clock);
    World { api, clusters, clock, sources, access }
}

pub(crate) fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

/// The value, or the kind of failure.
fn told(answer: &Result<Fetched, Error>) -> String {
    match answer {
        Ok(fetched) => fetched.value.expose_str().unwrap().to_owned(),
        Err(error) => error.kind.to_string(),
    }
}

impl World {
    async fn read(&self, keys: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = keys.iter().map(|key| current(key)).collect();
        self.sources.fetch(&self.access, &wanted).await.iter().map(told).collect()
    }

    async fn failure(&self, key: &str) -> Error {
        self.sources.fetch(&self.access, &[current(key)]).await.remove(0).unwrap_err()
    }
}

impl Held for World {
    type Sources = WebhookSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.api.set(key, value);
        digest_key().parts().with(value).digest()
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("webhooks have no labels");
    }

    async fn delete(&self, key: &str) {
        self.api.unset(key);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&world(|_| {}).await).await;
}

#[tokio::test]
async fn templates_see_all_that_a_read_tells() {
    let world = world(|store| {
        store.method = "POST".to_owned();
        store.body = "{{ .remoteRef | toJson }}".to_owned();
        store.content_type = Some("application/json".to_owned());
    })
    .await;
    let told = Told { key: "a/b".to_owned(), property: "p".to_owned(), version: "3".to_owned() };
    world.api.answer(200, &[], r#"{"value":"secret"}"#);
    assert_eq!(world.read(&[&told.to_text()]).await, ["secret"]);
    let asked = world.api.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.uri.as_str()), ("POST", "/keys/a%2Fb"));
    assert_eq!(asked.body, r#"{"key":"a/b","namespace":"shop","property":"p","version":"3"}"#);
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn each_key_is_asked_for_once() {
    let world = world(|_| {}).await;
    world.api.set("a", "value");
    assert_eq!(world.read(&["a", "b", "a"]).await, ["value", "not-found", "value"]);
    assert_eq!(world.api.asked().len(), 2);
    let wanted = [current("a"), current("b")];
    world.sources.versions(&world.access, &wanted).await;
    assert_eq!(world.api.asked().len(), 2, "a sweep makes the same requests");
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let world = world(|_| {}).await;
    world.api.set("a", "value");
    assert_eq!(world.read(&["a"]).await, ["value"]);
    world.api.rotate("api-new");
    world.clock.advance(Duration::from_secs(10));
    let error = world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "the Secret has the old one");
    assert!(
        !format!("{error:?}").contains("api-d") && !format!("{error:?}").contains("hunter2"),
        "{error:?}"
    );
    world.clusters.edit("blue/shop/api", |secret| secret.set("token", "api-new"));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["a", "b"]).await, ["value", "not-found"]);
}

#[tokio::test]
async fn only_marked_secrets_are_seen() {
    let world = world(|_| {}).await;
    world.sources.validate(&world.access).await.unwrap();
    assert_eq!(world.api.asked(), [], "no key is read to prove an identity");
    for label in [None, Some("other")] {
        world.clusters.edit("blue/shop/api", |secret| {
            secret.labels =
                label.map(|value| (WebhookStore::LABEL.0.to_owned(), value.to_owned())).into_iter().collect();
        });
        world.clock.advance(Duration::from_secs(120));
        let error = world.sources.validate(&world.access).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{error}");
        assert!(
            error.message().ends_with("has no label external-secrets.io/type: webhook; give it one"),
            "{error}"
        );
        assert_eq!(world.failure("a").await.step, Step::Authenticate);
        assert_eq!(world.api.asked(), []);
    }
    world.clusters.delete("blue/shop/api");
    world.clock.advance(Duration::from_secs(120));
    let error = world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "no key is missing: {error}");
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    for (status, step, kind) in [
        (400, Step::Fetch, Kind::Invalid),
        (401, Step::Authenticate, Kind::Denied),
        (403, Step::Fetch, Kind::Denied),
        (404, Step::Fetch, Kind::NotFound),
        (408, Step::Fetch, Kind::Transient),
        (410, Step::Fetch, Kind::Invalid),
        (302, Step::Fetch, Kind::Invalid),
        (304, Step::Fetch, Kind::Transient),
        (429, Step::Fetch, Kind::Throttled),
        (500, Step::Fetch, Kind::Transient),
        (503, Step::Fetch, Kind::Transient),
    ] {
        let world = world(|_| {}).await;
        let headers = match status {
            429 => &[("retry-after", "120")][..],
            302 => &[("location", "https://elsewhere.example.com/keys/a")],
            _ => &[],
        };
        world.api.answer(status, headers, if status == 304 { "" } else { "hunter2" });
        let error = world.failure("a").await;
        assert_eq!((error.step, error.kind), (step, kind), "{status}: {error}");
        assert_eq!(world.api.asked().len(), 1, "{status}: a request is made once");
        assert!(error.message().starts_with(&format!("webhook at {}: a: ", world.api.address())), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let rest = (status == 429).then_some(Duration::from_secs(120));
        assert_eq!(error.retry_after(), rest, "{status}");
    }
}

#[tokio::test]
async fn what_templates_make_is_looked_at_and_not_quoted() {
    type Edit = fn(&mut WebhookStore);
    let cases: [(&str, Edit); 7] = [
        ("has . or .. in its path", |store| store.url = store.url.replace("{{ .remoteRef.key }}", "..")),
        ("has a backslash, a line break", |store| store.url.push_str("{{ \"\\n\" }}")),
        ("headers[X-Bad] has characters", |store| {
            store.headers.0.insert("X-Bad".to_owned(), "{{ \"hunter2\\n\" }}".to_owned());
        }),
        ("the store's body: ", |store| store.body = "{{ fail .api.token }}".to_owned()),
        ("the store's result.jsonPath: ", |store| store.json_path = "{{ nothing }}".to_owned()),
        ("than allowed", |store| {
            store.body = "{{ range until 60000 }}{{ range until 60000 }}x{{ end }}{{ end }}".to_owned();
        }),
        ("the store's method is none", |store| store.method = "A B".to_owned()),
    ];
    for (words, edit) in cases {
        let world = world(edit).await;
        let error = world.failure("a").await;
        assert_eq!((error.step, error.kind), (Step::Fetch, Kind::Invalid), "{error}");
        assert!(error.message().contains(words), "{words}: {error}");
        for secret in [TOKEN, "hunter2"] {
            assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        }
        assert_eq!(world.api.asked(), [], "{words}: nothing was asked");
    }
}

#[tokio::test]
async fn a_path_into_an_answer_that_has_no_such_place_is_an_error() {
    for (path, answer, kind) in [
        ("$.value", "hunter2", Kind::Transient),
        ("$.gone", r#"{"value":"hunter2"}"#, Kind::Invalid),
        ("$.value[?(@.a == \"b\")]", r#"{"value":["hunter2"]}"#, Kind::Invalid),
        ("$.value[", r#"{"value":"hunter2"}"#, Kind::Invalid),
        ("$.value", "{\"value\":\"\\", Kind::Transient),
    ] {
        let world = world(|store| store.json_path = path.to_owned()).await;
        world.api.answer(200, &[], answer);
        let error = world.failure("a").await;
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{path}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let world = world(|_| {}).await;
    world.api.answer(200, &[], &"x".repeat((1 << 20) + 1));
    let error = world.failure("a").await;
    assert!(
        error.kind == Kind::Invalid && error.message().contains("is longer than 1048576 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_tenants_webhook_reaches_no_address_of_the_machine() {
    for host in ["127.0.0.1", "localhost"] {
        let mut world = world(|_| {}).await;
        world.api.set("a", "value");
        let port = world.api.address().rsplit(':').next().unwrap().to_owned();
        let mut store = world.access.backend.as_webhook().unwrap().clone();
        store.url = format!("http://{host}:{port}/keys/a");
        world.access.backend = store.into();
        world.access.grant.reach = Reach::Guarded(BTreeSet::new());
        let error = world.failure("a").await;
        assert_eq!(
            (error.kind, error.complaint()),
            (Kind::Refused, Complaint::Refused(Rule::Address)),
            "{error}"
        );
        assert_eq!(world.api.asked(), []);
        world.access.grant.reach =
            Reach::Guarded(["127.0.0.0/8", "::1"].map(|it| it.parse().unwrap()).into());
        assert_eq!(world.read(&["a"]).await, ["value"]);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_server_only() {
    let world = world(|_| {}).await;
    world.api.set("b", "value");
    world.api.answer(302, &[("location", "/keys/b")], "");
    assert_eq!(world.read(&["a"]).await, ["value"]);
    let elsewhere = Api::start().await.unwrap();
    world.api.answer(307, &[("location", &format!("{}/keys/b", elsewhere.address()))], "");
    assert_eq!(world.read(&["a"]).await, ["invalid"]);
    assert_eq!(elsewhere.asked(), [], "the token stays here");
}

#[tokio::test]
async fn a_slow_server_is_waited_for_as_long_as_the_manifest_says() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let world = world(|store| {
        store.url = format!("http://{address}/");
        store.timeout = Some(Duration::from_millis(50));
    })
    .await;
    let error = world.failure("a").await;
    assert_eq!(
        (error.kind, error.message().ends_with("no answer in time")),
        (Kind::Unreachable, true),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_searched() {
    let world = world(|_| {}).await;
    let find = Find { name: Some("a".to_owned()), ..Find::default() };
    let keep = Keep::everything(Provider::Webhook);
    let error = world.sources.find(&world.access, &find, &keep).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message().contains("cannot be searched"), "{error}");
    assert_eq!(world.api.asked(), []);
}
