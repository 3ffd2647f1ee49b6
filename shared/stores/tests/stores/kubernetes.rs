//! Stores of Kubernetes' Secrets, on the embedded API and on a real API server.

use crate::cluster::{CANARY, Cluster, access, at, bounds, clock, own};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_devcluster::{Fault, Rule, User};
use pawl_domain::entries::Entries;
use pawl_domain::grant::Reach;
use pawl_domain::store::{ApiAuth, ApiServer, KubernetesApi, KubernetesStore};
use pawl_domain::{
    Access, DigestKey, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version, VersionSelector,
};
use pawl_ports::{ApiEndpoint, Error, Part, Sources, Wanted};
use pawl_stores::KubernetesSources;
use pawl_world::build::cluster_name;
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";

/// A cluster, and a store that reads its namespace `shop`.
struct World<'c> {
    cluster: &'c Cluster,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: KubernetesSources<FakeClusters>,
    access: Access,
}

fn world<'c>(cluster: &'c Cluster, token: &str, api: KubernetesApi) -> World<'c> {
    let (clusters, clock) = (cluster.seen(token), clock());
    let sources = sources(&clusters, &clock);
    World { cluster, clusters, clock, sources, access: reading(api, "shop") }
}

fn sources(clusters: &Arc<FakeClusters>, clock: &FakeClock) -> KubernetesSources<FakeClusters> {
    let digest_key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
    KubernetesSources::new(Arc::clone(clusters), Arc::new(clock.clone()), digest_key).bounded(bounds())
}

fn reading(api: KubernetesApi, namespace: &str) -> Access {
    access(KubernetesStore { api, remote_namespace: namespace.parse().unwrap() }.into())
}

fn wanted(key: &str, part: Part) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part }
}

fn data(pairs: &[(&str, &[u8])]) -> Value {
    let data: BTreeMap<_, _> = pairs.iter().map(|(key, bytes)| (*key, STANDARD.encode(bytes))).collect();
    json!({ "data": data })
}

fn version_of(object: &Value) -> String {
    let text = |at: &str| object.pointer(at).unwrap().as_str().unwrap().to_owned();
    format!("{}/{}", text("/metadata/uid"), text("/metadata/resourceVersion"))
}

fn by_name(pattern: &str) -> Find {
    Find { name: Some(pattern.to_owned()), ..Find::default() }
}

fn by_labels(tags: &[(&str, &str)]) -> Find {
    let tags = tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect();
    Find { tags, ..Find::default() }
}

fn everything() -> Keep {
    Keep::everything(Provider::Kubernetes)
}

impl World<'_> {
    async fn answer(&self, key: &str) -> Result<Fetched, Error> {
        self.sources.fetch(&self.access, &[wanted(key, Part::Value)]).await.remove(0)
    }

    async fn failure(&self, key: &str) -> Error {
        self.answer(key).await.unwrap_err()
    }

    async fn value(&self, key: &str) -> String {
        self.answer(key).await.unwrap().value.expose_str().unwrap().to_owned()
    }

    async fn found(&self, find: &Find) -> Result<Vec<String>, Error> {
        let found = self.sources.find(&self.access, find, &everything()).await?;
        Ok(found.into_keys().collect())
    }

    async fn checked(&self) -> Option<Error> {
        self.sources.validate(&self.access).await.err()
    }
}

impl Held for World<'_> {
    type Sources = KubernetesSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        version_of(&self.cluster.put(SECRETS, key, data(&[("value", value.as_bytes())])).await)
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("Secrets have no versions that could be labelled");
    }

    async fn delete(&self, key: &str) {
        self.cluster.delete(&format!("{SECRETS}/{key}")).await;
    }

    fn unknown_version(&self) -> &'static str {
        "0/0"
    }

    fn key(&self, name: &str) -> String {
        format!("shop/{name}")
    }

    fn text(&self, value: &SecretValue) -> String {
        Entries::of_value(value).unwrap().0["value"].expose_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_api_is_a_source() {
    let cluster = Cluster::embedded().await;
    suite(&world(&cluster, &cluster.reader, own())).await;
    cases(&Cluster::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_is_a_source() {
    let cluster = Cluster::real().await;
    suite(&world(&cluster, &cluster.reader, own())).await;
    cases(&Cluster::real().await).await;
}

async fn cases(cluster: &Cluster) {
    a_value_is_all_entries_of_a_secret(cluster).await;
    labels_and_annotations_are_read_without_values(cluster).await;
    searches_go_by_labels_or_by_name(cluster).await;
    rights_are_those_of_the_identity(cluster).await;
    a_store_is_checked_as_eso_checks_it(cluster).await;
}

async fn a_value_is_all_entries_of_a_secret(cluster: &Cluster) {
    let secret = data(&[("bin", b"\xff\x00"), ("a.b", b"<&>"), ("empty", b"")]);
    let stored = cluster.put(SECRETS, "every", secret).await;
    cluster.put(SECRETS, "none", json!({})).await;
    for api in [own(), cluster.by_address()] {
        let world = world(cluster, &cluster.reader, api);
        let fetched = world.answer("shop/every").await.unwrap();
        assert_eq!(fetched.value.expose_str(), Some(r#"{"a.b":"PCY+","bin":"/wA=","empty":""}"#));
        assert_eq!(fetched.version, Version { id: version_of(&stored), since: None });
        assert_eq!(world.value("shop/none").await, "{}");
        let account = world.sources.account(&world.access).await;
        assert_eq!(
            account.as_deref(),
            Some(cluster.url.to_ascii_lowercase().as_str()),
            "however it is named"
        );
    }
}

async fn labels_and_annotations_are_read_without_values(cluster: &Cluster) {
    let metadata = json!({ "labels": { "team": "a" }, "annotations": { "note": "<x>" } });
    cluster.put(SECRETS, "about", json!({ "metadata": metadata })).await;
    cluster.put(SECRETS, "bare", json!({})).await;
    let world = world(cluster, &cluster.reader, own());
    let both = [wanted("shop/about", Part::Metadata), wanted("shop/bare", Part::Metadata)];
    let told = async || {
        let fetched = world.sources.fetch(&world.access, &both).await;
        let fetched: Vec<_> = fetched.into_iter().map(Result::unwrap).collect();
        let versions = world.sources.versions(&world.access, &both).await;
        let versions: Vec<_> = versions.into_iter().map(Result::unwrap).collect();
        assert_eq!(versions, fetched.iter().map(|each| each.version.clone()).collect::<Vec<_>>());
        let whole = |fetched: &Fetched| {
            let entries = Entries::of_value(&fetched.value).unwrap();
            entries.documents().unwrap().expose_str().unwrap().to_owned()
        };
        (whole(&fetched[0]), whole(&fetched[1]), versions)
    };
    let (about, bare, first) = told().await;
    assert_eq!(about, r#"{"annotations":{"note":"<x>"},"labels":{"team":"a"}}"#);
    assert_eq!(bare, r#"{"annotations":null,"labels":null}"#);
    cluster.put(SECRETS, "about", data(&[("a", b"1")])).await;
    assert_eq!(told().await.2, first, "the value is no part of it");
    cluster.put(SECRETS, "about", json!({ "metadata": { "annotations": { "note": "y" } } })).await;
    assert_ne!(told().await.2[0], first[0], "an annotation is");
    let listing = world.sources.changed_since(&world.access, None).await.unwrap();
    let listed = listing.keys.iter().find(|each| each.names.contains("shop/about")).unwrap();
    let tags = listed.tags.as_ref().unwrap();
    assert_eq!(tags["team"], "a");
    assert_eq!(Version::id_of_tags(tags), told().await.2[0].id, "a sweep compares it with the list");
    assert!(!tags.values().any(|text| text == "y"), "annotations may hold copies of values");
}

async fn searches_go_by_labels_or_by_name(cluster: &Cluster) {
    for (name, labels) in [
        ("find-a", json!({ "team": "x", "stage": "live" })),
        ("find-b", json!({ "team": "x" })),
        ("find-c", json!({ "team": "y" })),
    ] {
        cluster.put(SECRETS, name, json!({ "metadata": { "labels": labels } })).await;
    }
    let world = world(cluster, &cluster.reader, own());
    for (find, names) in [
        (by_name("^find-[ab]$"), &["find-a", "find-b"][..]),
        (by_name("nothing"), &[]),
        (by_labels(&[("team", "x")]), &["find-a", "find-b"]),
        (by_labels(&[("team", "x"), ("stage", "live")]), &["find-a"]),
        (by_labels(&[("team", "z")]), &[]),
        (Find { name: Some("^find-a$".to_owned()), ..by_labels(&[("team", "y")]) }, &["find-c"]),
        (Find { path: Some("any".to_owned()), ..by_name("^find-c$") }, &["find-c"]),
    ] {
        assert_eq!(world.found(&find).await.unwrap(), names, "{find:?}");
    }
    for find in [Find::default(), by_name("a("), by_labels(&[("team", "a,b")])] {
        assert_eq!(world.found(&find).await.unwrap_err().kind, Kind::Invalid, "{find:?}");
    }
    let only: BTreeSet<_> = BTreeSet::from(["shop/find-b".parse().unwrap()]);
    let keep = Keep::new(Provider::Kubernetes, Some(only), Arc::default());
    let kept = world.sources.find(&world.access, &by_name("^find"), &keep).await.unwrap();
    assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["find-b"]);
}

async fn rights_are_those_of_the_identity(cluster: &Cluster) {
    cluster.put(SECRETS, "mine", data(&[("a", b"1")])).await;
    cluster.put("/api/v1/namespaces/other/secrets", "theirs", data(&[("a", b"1")])).await;
    let weak = world(cluster, &cluster.weak, own());
    assert!(weak.answer("shop/mine").await.is_ok());
    assert_eq!(weak.failure("shop/gone").await.kind, Kind::NotFound);
    let versions = [wanted("shop/mine", Part::Value), wanted("shop/gone", Part::Value)];
    let versions = weak.sources.versions(&weak.access, &versions).await;
    assert!(versions[0].is_ok() && versions[1].as_ref().unwrap_err().kind == Kind::NotFound);
    for denied in [
        weak.sources.changed_since(&weak.access, None).await.unwrap_err(),
        weak.found(&by_name("mine")).await.unwrap_err(),
    ] {
        assert_eq!((denied.step, denied.kind), (Step::Fetch, Kind::Denied));
        assert!(
            denied
                .message()
                .ends_with("let the identity list secrets of the core group in the namespace shop")
        );
    }
    for namespace in ["other", "nowhere"] {
        let elsewhere = World { access: reading(own(), namespace), ..world(cluster, &cluster.reader, own()) };
        let denied = elsewhere.failure(&format!("{namespace}/theirs")).await;
        assert_eq!(
            (denied.step, denied.kind),
            (Step::Fetch, Kind::Denied),
            "a lost right is no missing Secret"
        );
    }
    assert_eq!(weak.failure("other/theirs").await.kind, Kind::Invalid, "the key of another store");
    assert_eq!(weak.failure("shop/mine/a").await.kind, Kind::Invalid);
    let nobody = world(cluster, "nobody", own()).failure("shop/mine").await;
    assert_eq!((nobody.step, nobody.kind), (Step::Authenticate, Kind::Denied));
}

async fn a_store_is_checked_as_eso_checks_it(cluster: &Cluster) {
    for token in [&cluster.reader, &cluster.weak] {
        assert!(world(cluster, token, own()).checked().await.is_none());
    }
    let elsewhere = World { access: reading(own(), "other"), ..world(cluster, &cluster.reader, own()) };
    let error = elsewhere.checked().await.unwrap();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(error.message().contains("not allowed to get secrets"), "{error}");
    let error = world(cluster, "nobody", own()).checked().await.unwrap();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_many_costs_a_call_for_each_500() {
    let cluster = Cluster::embedded().await;
    for number in 0..1001 {
        let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": format!("s{number}"), "namespace": "shop" } });
        cluster.dev().put(object).unwrap();
    }
    let world = world(&cluster, &cluster.reader, own());
    cluster.dev().reset_calls();
    let listing = world.sources.changed_since(&world.access, None).await.unwrap();
    assert_eq!((listing.keys.len(), listing.complete), (1001, true));
    let calls: Vec<_> = cluster.dev().calls().iter().map(|call| call.what()).collect();
    assert_eq!(calls, ["list secrets"; 3]);
    cluster.dev().faults().add(
        Rule::new(Fault::Answer {
            code: 410,
            reason: "Expired".to_owned(),
            message: CANARY.to_owned(),
            retry_after: None,
        })
        .skip(1),
    );
    let error = world.sources.changed_since(&world.access, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient, "half a list is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_is_read_again() {
    let cluster = Cluster::embedded().await;
    cluster.put(SECRETS, "a", data(&[("a", b"1")])).await;
    let world = world(&cluster, &cluster.reader, own());
    assert!(world.answer("shop/a").await.is_ok());
    cluster.dev().expire_token(&cluster.reader);
    cluster.dev().add_token("rotated", User::admin("reader"));
    world.clusters.edit("blue/shop/reader", |secret| secret.set("token", "rotated"));
    assert_eq!(world.failure("shop/a").await.step, Step::Authenticate, "it was read a moment ago");
    world.clock.advance(Duration::from_secs(10));
    assert!(world.answer("shop/a").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_accounts_are_made_for_the_server_that_they_are_shown_to() {
    let cluster = Cluster::embedded().await;
    cluster.put(SECRETS, "a", data(&[("a", b"1")])).await;
    let auth = |audiences: &[&str]| ApiAuth::ServiceAccount {
        name: "reader".parse().unwrap(),
        namespace: None,
        audiences: audiences.iter().map(|&each| each.to_owned()).collect(),
    };
    let way = |server: ApiServer, audiences: &[&str]| KubernetesApi::Server { server, auth: auth(audiences) };
    let by_address = || {
        let (url, ca_bundle) = (cluster.url.clone(), Some(cluster.ca.clone()));
        ApiServer::At { url, ca_bundle, ca_provider: None }
    };
    for token in ["token blue/shop/reader for", "token blue/shop/reader for remote"] {
        cluster.dev().add_token(token, User::admin("reader"));
    }
    let read = async |api: KubernetesApi, is_own: bool| {
        let world = world(&cluster, &cluster.reader, api);
        world.clusters.add_service_account("blue/shop/reader", &[]);
        if !is_own {
            let elsewhere = ApiEndpoint { url: "https://blue.example.com".to_owned(), ca: None };
            world.clusters.set_endpoint(&cluster_name("blue"), elsewhere);
        }
        world.answer("shop/a").await.map(|_| ())
    };
    read(way(ApiServer::Own, &[]), true).await.unwrap();
    read(way(by_address(), &[]), true).await.unwrap();
    read(way(by_address(), &["remote"]), false).await.unwrap();
    let error = read(way(by_address(), &[]), false).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
    assert!(error.message().contains("write audiences"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_exist_proves_nothing() {
    let cluster = Cluster::embedded().await;
    let auth = ApiAuth::ServiceAccount { name: "gone".parse().unwrap(), namespace: None, audiences: vec![] };
    let world = world(&cluster, &cluster.reader, KubernetesApi::Server { server: ApiServer::Own, auth });
    let error = world.failure("shop/a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
    assert!(error.message().contains("service account shop/gone of cluster blue"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubeconfigs_lead_to_their_server() {
    let cluster = Cluster::embedded().await;
    cluster.put(SECRETS, "a", data(&[("a", b"1")])).await;
    let api = || KubernetesApi::Kubeconfig(at("kubeconfig", "config"));
    let world = world(&cluster, &cluster.reader, api());
    let write = |text: &str| world.clusters.edit("blue/shop/kubeconfig", |secret| secret.set("config", text));
    write(&cluster.dev().kubeconfig_for(&cluster.reader));
    assert_eq!(world.value("shop/a").await, r#"{"a":"MQ=="}"#);
    assert_eq!(world.sources.account(&world.access).await, Some(cluster.url.clone()));
    world.clock.advance(Duration::from_secs(60));
    write(&cluster.dev().kubeconfig_for(CANARY).replace("\"token\":", "\"tokenFile\":"));
    let error = world.failure("shop/a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
    assert!(error.message().contains("names a file") && !error.message().contains(CANARY), "{error}");
}

/// What the tenant names must not be this machine; where the operator says that the cluster is, it may.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_leads_to_guarded_addresses() {
    let cluster = Cluster::embedded().await;
    cluster.put(SECRETS, "a", data(&[("a", b"1")])).await;
    for (api, reached) in [(own(), true), (cluster.by_address(), false)] {
        let mut world = world(&cluster, &cluster.reader, api);
        world.access.grant.reach = Reach::Guarded(BTreeSet::new());
        match world.answer("shop/a").await {
            Ok(_) => assert!(reached),
            Err(error) => assert!(!reached && error.kind == Kind::Refused, "{error}"),
        }
    }
}

/// What only looks like a missing Secret is an error, and what a server says stands in none.
#[tokio::test]
async fn only_the_server_says_that_a_secret_does_not_exist() {
    let status = |reason: &str, details: Value| json!({ "kind": "Status", "status": "Failure", "message": CANARY, "reason": reason, "details": details });
    let of = |kind: &str, name: &str| json!({ "kind": kind, "name": name });
    for (code, body, kind) in [
        (404, status("NotFound", of("secrets", "a")), Kind::NotFound),
        (404, status("NotFound", of("secrets", "b")), Kind::Invalid),
        (404, status("NotFound", of("namespaces", "a")), Kind::Invalid),
        (404, status("NotFound", json!({ "kind": "secrets", "name": "a", "group": "x" })), Kind::Invalid),
        (404, status("NotFound", json!({})), Kind::Invalid),
        (404, status("Other", of("secrets", "a")), Kind::Invalid),
        (404, json!(CANARY), Kind::Invalid),
        (404, json!({}), Kind::Invalid),
        (403, status("Forbidden", of("secrets", "a")), Kind::Denied),
        (403, status("NotFound", of("secrets", "a")), Kind::Denied),
        (401, status("Unauthorized", json!({})), Kind::Denied),
        (302, json!({}), Kind::Invalid),
        (409, status("Conflict", json!({})), Kind::Invalid),
        (429, status("TooManyRequests", json!({})), Kind::Throttled),
        (500, status("InternalError", json!({})), Kind::Transient),
        (503, json!(CANARY), Kind::Transient),
        (200, json!({}), Kind::Transient),
        (200, json!([]), Kind::Transient),
        (200, json!({ "metadata": { "name": "a" } }), Kind::Transient),
        (
            200,
            json!({ "metadata": { "name": "a", "uid": "u", "resourceVersion": "1" }, "data": { "a": "%" } }),
            Kind::Transient,
        ),
        (
            200,
            json!({ "metadata": { "name": "a", "uid": "u", "resourceVersion": "1" }, "data": CANARY }),
            Kind::Transient,
        ),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(code).set_body_json(&body);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let at_server = ApiServer::At { url: server.uri(), ca_bundle: None, ca_provider: None };
        let api = KubernetesApi::Server { server: at_server, auth: ApiAuth::Token(at("reader", "token")) };
        let clusters = Arc::new(FakeClusters::default());
        clusters.add(&cluster_name("blue"));
        clusters.edit("blue/shop/reader", |secret| secret.set("token", CANARY));
        let (sources, access) = (sources(&clusters, &clock()), reading(api, "shop"));
        for part in [Part::Value, Part::Metadata] {
            if part == Part::Metadata && code == 200 {
                continue;
            }
            let error = sources.fetch(&access, &[wanted("shop/a", part)]).await.remove(0).unwrap_err();
            assert_eq!(error.kind, kind, "{code} {body}: {error}");
            assert!(!format!("{error} {error:?}").contains(CANARY), "{code} {body}: {error}");
        }
        let listed = sources.changed_since(&access, None).await;
        assert!(listed.is_err() || code == 200, "{code} {body}");
    }
}
