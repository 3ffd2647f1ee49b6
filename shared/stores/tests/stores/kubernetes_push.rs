//! What PushSecrets write to Secrets, on the embedded API and on a real API server.

use crate::cluster::{CANARY, Cluster, access, bounds, clock, own};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_devcluster::{Fault, Rule, User};
use pawl_domain::store::KubernetesStore;
use pawl_domain::{Access, DigestKey, Kind, PushOutcome, Pushed, SecretValue, Step};
use pawl_ports::{Error, Sink};
use pawl_stores::KubernetesSources;
use pawl_world::FakeClusters;
use pawl_world::contract::sinks::{Kept, Takes, enveloped, one, remote, suite, whole};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";

/// A store that writes to the namespace `shop`.
struct World<'c> {
    cluster: &'c Cluster,
    sources: KubernetesSources<FakeClusters>,
    access: Access,
    is_embedded: bool,
}

impl<'c> World<'c> {
    fn of(cluster: &'c Cluster, token: &str, is_embedded: bool) -> Self {
        let digest_key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
        let sources =
            KubernetesSources::new(cluster.seen(token), Arc::new(clock()), digest_key).bounded(bounds());
        let store = KubernetesStore { api: own(), remote_namespace: "shop".parse().unwrap() };
        Self { cluster, sources, access: access(store.into()), is_embedded }
    }

    async fn push(&self, pushed: &Pushed) -> Result<PushOutcome, Error> {
        self.sources.push(&self.access, pushed).await
    }

    async fn object(&self, name: &str) -> Value {
        self.cluster.get(&format!("{SECRETS}/{name}")).await.unwrap()
    }
}

/// A user who may what a store needs to push.
fn writer(cluster: &Cluster) -> &'static str {
    let verbs = ["get", "create", "update", "delete"];
    cluster.dev().add_token("writer-token", User::new("writer").allow(&verbs, &["secrets"], &["shop"]));
    "writer-token"
}

/// The same on a real API server.
async fn granted(cluster: &Cluster) -> String {
    let verbs = ["get", "create", "update", "delete"];
    let rules = json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": verbs }]);
    cluster.grant("/namespaces/shop", "Role", "nobody", &rules).await;
    cluster.server().token_of("nobody").unwrap().to_owned()
}

impl Kept for World<'_> {
    type Sink = KubernetesSources<FakeClusters>;

    fn sink(&self) -> &Self::Sink {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    /// Nothing marks what is managed, and a whole Secret is a Secret.
    fn takes(&self) -> Takes {
        Takes { marks: false, ..Takes::ALL }
    }

    fn bare(&self) -> Option<&'static str> {
        Some("value")
    }

    async fn value(&self, key: &str) -> Option<String> {
        let object = self.cluster.get(&format!("{SECRETS}/{key}")).await?;
        let data = object["data"].as_object().cloned().unwrap_or_default();
        let plain =
            |packed: &Value| String::from_utf8(STANDARD.decode(packed.as_str().unwrap()).unwrap()).unwrap();
        let data: BTreeMap<_, _> = data.iter().map(|(key, packed)| (key.clone(), plain(packed))).collect();
        Some(json!(data).to_string())
    }

    async fn put(&self, key: &str, value: &str) {
        let data: BTreeMap<String, String> = serde_json::from_str(value)
            .unwrap_or_else(|_| BTreeMap::from([("value".to_owned(), value.to_owned())]));
        let data: BTreeMap<_, _> = data.iter().map(|(key, text)| (key, STANDARD.encode(text))).collect();
        self.cluster.put(SECRETS, key, json!({ "data": data })).await;
    }

    /// Every write makes another resourceVersion; only the embedded API counts calls.
    async fn writes(&self) -> usize {
        if !self.is_embedded {
            return 0;
        }
        let is_write = |what: &str| !what.starts_with("get") && what.contains("secrets");
        self.cluster
            .dev()
            .calls()
            .iter()
            .filter(|call| call.user == "writer" && is_write(&call.what()))
            .count()
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        self.allow(if fail {
            &["create", "update", "delete"]
        } else {
            &["get", "create", "update", "delete"]
        })
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        self.allow(if forbid { &["get"] } else { &["get", "create", "update", "delete"] })
    }
}

impl World<'_> {
    fn allow(&self, verbs: &[&str]) -> bool {
        if self.is_embedded {
            let user = User::new("writer").allow(verbs, &["secrets"], &["shop"]);
            self.cluster.dev().add_token("writer-token", user);
        }
        self.is_embedded
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_api_is_a_sink() {
    let cluster = Cluster::embedded().await;
    suite(&World::of(&cluster, writer(&cluster), true)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_is_a_sink() {
    let cluster = Cluster::real().await;
    let token = granted(&cluster).await;
    suite(&World::of(&cluster, &token, false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_made_with_type_labels_and_annotations() {
    let cluster = Cluster::embedded().await;
    let world = World::of(&cluster, writer(&cluster), true);
    let mut pushed = whole("made", None, &[("a", "1"), ("b", "2")]);
    pushed.secret_type = "example.com/own".to_owned();
    pushed.labels.insert("team".to_owned(), "shop".to_owned());
    pushed.annotations.insert("note".to_owned(), "mine".to_owned());
    pushed.metadata = Some(enveloped(&json!({ "labels": { "more": "x" } })));
    let outcome = world.push(&pushed).await.unwrap();
    let object = world.object("made").await;
    assert_eq!(object["type"], "example.com/own");
    assert_eq!(object["metadata"]["labels"], json!({ "team": "shop", "more": "x" }));
    assert_eq!(object["metadata"]["annotations"], json!({ "note": "mine" }));
    assert_eq!(object["data"], json!({ "a": "MQ==", "b": "Mg==" }));
    let id = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
    let version = Some(format!("{}/{}", id("uid"), id("resourceVersion")));
    assert_eq!(outcome, PushOutcome::Written { version }, "as a store of Secrets names it");
    assert_eq!(world.push(&pushed).await.unwrap(), PushOutcome::Unchanged);
    // A label alone is a change, and one that stands beside stays.
    cluster
        .put(SECRETS, "made", json!({ "metadata": { "labels": { "theirs": "y", "team": "other" } } }))
        .await;
    assert!(matches!(world.push(&pushed).await.unwrap(), PushOutcome::Written { .. }));
    let labels = &world.object("made").await["metadata"]["labels"];
    assert_eq!(*labels, json!({ "team": "shop", "more": "x", "theirs": "y" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_stands_in_a_secret_stays() {
    let cluster = Cluster::embedded().await;
    let world = World::of(&cluster, writer(&cluster), true);
    let theirs = json!({
        "metadata": { "finalizers": ["example.com/keep"], "annotations": { "a": "b" } },
        "data": { "raw": "AP8=", "other": "MQ==" },
    });
    cluster.put(SECRETS, "shared", theirs).await;
    world.push(&one("shared", Some("mine"), "v")).await.unwrap();
    let object = world.object("shared").await;
    assert_eq!(object["data"], json!({ "raw": "AP8=", "other": "MQ==", "mine": "dg==" }));
    assert_eq!(object["metadata"]["finalizers"], json!(["example.com/keep"]));
    assert_eq!(object["metadata"]["annotations"], json!({ "a": "b" }));
    world.sources.remove(&world.access, &remote("shared", Some("mine"))).await.unwrap();
    assert_eq!(world.object("shared").await["data"], json!({ "raw": "AP8=", "other": "MQ==" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_read_again() {
    let cluster = Cluster::embedded().await;
    let world = World::of(&cluster, writer(&cluster), true);
    world.push(&one("raced", Some("a"), "1")).await.unwrap();
    let conflict = |times| {
        let fault = Fault::Answer {
            code: 409,
            reason: "Conflict".to_owned(),
            message: CANARY.to_owned(),
            retry_after: None,
        };
        Rule::new(fault).method("PUT").times(times)
    };
    cluster.dev().faults().add(conflict(2));
    assert!(matches!(world.push(&one("raced", Some("a"), "2")).await.unwrap(), PushOutcome::Written { .. }));
    cluster.dev().faults().add(conflict(9));
    let error = world.push(&one("raced", Some("a"), "3")).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Conflict));
    assert!(!format!("{error} {error:?}").contains(CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_immutable_secret_the_embedded_api_says_so() {
    let cluster = Cluster::embedded().await;
    an_immutable_secret_is_named(&World::of(&cluster, writer(&cluster), true)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn of_an_immutable_secret_a_real_api_server_says_so() {
    let cluster = Cluster::real().await;
    let token = granted(&cluster).await;
    an_immutable_secret_is_named(&World::of(&cluster, &token, false)).await;
}

async fn an_immutable_secret_is_named(world: &World<'_>) {
    let frozen = json!({ "data": { "a": STANDARD.encode("1") }, "type": "Opaque", "immutable": true });
    world.cluster.put(SECRETS, "frozen", frozen).await;
    assert_eq!(world.push(&one("frozen", Some("a"), "1")).await.unwrap(), PushOutcome::Unchanged);
    let error = world.push(&one("frozen", Some("a"), CANARY)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
    let words = "secrets shop/frozen: it is immutable; push to another one, or delete it, so that the next push makes it anew";
    assert!(error.message().ends_with(words), "{error}");
    let mut another = one("frozen", Some("a"), "1");
    another.secret_type = "example.com/other".to_owned();
    let error = world.push(&another).await.unwrap_err();
    assert!(error.message().contains("its type is the same"), "a type never changes: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubernetes_cannot_keep_is_refused() {
    let cluster = Cluster::embedded().await;
    let world = World::of(&cluster, writer(&cluster), true);
    let bare = one("bare", None, "v");
    let mut elsewhere = whole("elsewhere", None, &[("key", "v")]);
    elsewhere.metadata = Some(enveloped(&json!({ "remoteNamespace": "other" })));
    for (pushed, words) in
        [(bare, "name the one to push to as remoteRef.property"), (elsewhere, "remoteNamespace is not taken")]
    {
        let error = world.push(&pushed).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
        assert!(error.message().contains(words), "{error}");
    }
    assert_eq!(world.writes().await, 0);
    let error = World::of(&cluster, &cluster.weak, true).push(&one("new", Some("a"), "v")).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Denied));
    assert!(
        error.message().ends_with("let the identity create secrets of the core group in the namespace shop"),
        "{error}"
    );
}
