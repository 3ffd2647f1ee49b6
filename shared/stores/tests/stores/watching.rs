//! Watches of stores of Kubernetes: on the embedded API, on a real API server, and on servers that are not well.

use crate::cluster::{CANARY, Cluster, access, at, bounds, clock, own};
use pawl_devcluster::{Fault, Rule, User};
use pawl_domain::store::{ApiAuth, ApiServer, CrdResource, CrdStore, KubernetesApi, KubernetesStore};
use pawl_domain::{Access, Change, DigestKey, Kind, Moved, Provider, SecretValue, Step};
use pawl_ports::{Error, Sources, StoreSighting};
use pawl_stores::kit::Bounds;
use pawl_stores::{CrdSources, KubernetesSources};
use pawl_world::build::cluster_name;
use pawl_world::{FakeClock, FakeClusters};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wiremock::matchers::{header, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";
const MAPS: &str = "/api/v1/namespaces/shop/configmaps";
const LIMIT: Duration = Duration::from_secs(20);

fn secrets(clusters: &Arc<FakeClusters>, clock: &FakeClock) -> Arc<KubernetesSources<FakeClusters>> {
    let digest_key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
    let sources = KubernetesSources::new(Arc::clone(clusters), Arc::new(clock.clone()), digest_key);
    Arc::new(sources.bounded(bounds()))
}

fn of_shop(api: KubernetesApi) -> Access {
    access(KubernetesStore { api, remote_namespace: "shop".parse().unwrap() }.into())
}

fn of_maps(namespace: Option<&str>) -> Access {
    let resource =
        CrdResource { group: String::new(), version: "v1".to_owned(), kind: "ConfigMap".to_owned() };
    let namespace = namespace.map(|name| name.parse().unwrap());
    access(CrdStore { api: own(), resource, whitelist: Vec::new(), namespace }.into())
}

/// A watch that is made again and again, as whoever keeps its place makes it.
struct Scene {
    told: mpsc::Receiver<StoreSighting>,
    task: tokio::task::JoinHandle<(Option<String>, Result<(), Error>)>,
}

impl Scene {
    /// One watch.
    fn start<S: Sources + 'static>(sources: &Arc<S>, access: &Access, from: Option<String>) -> Self {
        let (tell, told) = mpsc::channel(64);
        let (sources, access) = (Arc::clone(sources), access.clone());
        let task = tokio::spawn(async move {
            let mut from = from;
            let ended = sources.watch(&access, &mut from, &tell).await;
            (from, ended)
        });
        Self { told, task }
    }

    async fn next(&mut self) -> StoreSighting {
        timeout(LIMIT, self.told.recv()).await.unwrap().unwrap()
    }

    async fn begun(&mut self) -> bool {
        match self.next().await {
            StoreSighting::Begun { anew } => anew,
            StoreSighting::Changed(change) => panic!("{change:?} before it began"),
        }
    }

    async fn change(&mut self) -> Change {
        match self.next().await {
            StoreSighting::Changed(change) => change,
            begun @ StoreSighting::Begun { .. } => panic!("{begun:?} twice"),
        }
    }

    /// How it ended by itself, and the place to go on from.
    async fn end(self) -> (Option<String>, Result<(), Error>) {
        timeout(LIMIT, self.task).await.unwrap().unwrap()
    }

    /// The same, after nobody listens any more.
    async fn unheard(self) -> Option<String> {
        drop(self.told);
        let (from, ended) = timeout(LIMIT, self.task).await.unwrap().unwrap();
        ended.unwrap();
        from
    }
}

fn version_of(object: &Value) -> String {
    let text = |at: &str| object.pointer(at).unwrap().as_str().unwrap().to_owned();
    format!("{}/{}", text("/metadata/uid"), text("/metadata/resourceVersion"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_api_is_watched() {
    cases(&Cluster::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_is_watched() {
    cases(&Cluster::real().await).await;
}

async fn cases(cluster: &Cluster) {
    what_changes_in_the_namespace_is_told(cluster).await;
    objects_of_any_kind_are_told_by_their_keys(cluster).await;
    a_watch_goes_on_where_it_was(cluster).await;
    rights_are_those_of_the_identity(cluster).await;
}

async fn what_changes_in_the_namespace_is_told(cluster: &Cluster) {
    for api in [own(), cluster.by_address()] {
        let access = of_shop(api);
        let sources = secrets(&cluster.seen(&cluster.watcher), &clock());
        assert_eq!(Sources::watched(&*sources), [Provider::Kubernetes]);
        cluster.put(SECRETS, "before", json!({ "metadata": { "labels": { "a": "b" } } })).await;
        let mut scene = Scene::start(&sources, &access, None);
        assert!(scene.begun().await, "what happened before is not told");
        cluster.put("/api/v1/namespaces/other/secrets", "theirs", json!({})).await;
        cluster.put(MAPS, "map", json!({})).await;
        let noted = json!({ "metadata": { "annotations": { "note": CANARY } }, "data": { "value": "b25l" } });
        let came = cluster.put(SECRETS, "db", noted).await;
        let changed = cluster.put(SECRETS, "db", json!({ "data": { "value": "dHdv" } })).await;
        cluster.delete(&format!("{SECRETS}/db")).await;
        for (moved, version) in [
            (Moved::Existence, Some(version_of(&came))),
            (Moved::Current, Some(version_of(&changed))),
            (Moved::Existence, None),
        ] {
            let change = scene.change().await;
            assert_eq!(change.names, ["shop/db".to_owned()].into());
            assert_eq!((&change.moved, &change.version), (&moved, &version), "{change:?}");
            assert_eq!(
                change.location.account,
                Some(cluster.url.to_ascii_lowercase()),
                "however it is named"
            );
            assert!(change.location.agrees_with(&access.backend.location()) && change.extent.is_key());
            assert!(!format!("{change:?}").contains(CANARY));
        }
        cluster.delete("/api/v1/namespaces/other/secrets/theirs").await;
        scene.unheard().await;
    }
}

async fn objects_of_any_kind_are_told_by_their_keys(cluster: &Cluster) {
    let sources = CrdSources::new(cluster.seen(&cluster.watcher), Arc::new(clock())).bounded(bounds());
    let sources = Arc::new(sources);
    let mut own = Scene::start(&sources, &of_maps(Some("shop")), None);
    let mut all = Scene::start(&sources, &of_maps(None), None);
    assert!(own.begun().await && all.begun().await);
    cluster.put("/api/v1/namespaces/other/configmaps", "theirs", json!({})).await;
    cluster.put(MAPS, "mine", json!({ "data": { "a": CANARY } })).await;
    let change = own.change().await;
    assert_eq!((change.key(), &change.moved), ("shop/mine", &Moved::Existence));
    assert_eq!(change.version, None, "objects of two kinds may have one name");
    assert_eq!(all.change().await.key(), "other/theirs");
    assert_eq!(all.change().await.key(), "shop/mine");
    for path in ["/api/v1/namespaces/other/configmaps/theirs", &format!("{MAPS}/mine")] {
        cluster.delete(path).await;
    }
    own.unheard().await;
    all.unheard().await;
}

async fn a_watch_goes_on_where_it_was(cluster: &Cluster) {
    let (sources, access) = (secrets(&cluster.seen(&cluster.watcher), &clock()), of_shop(own()));
    let mut scene = Scene::start(&sources, &access, None);
    assert!(scene.begun().await);
    cluster.put(SECRETS, "first", json!({})).await;
    assert_eq!(scene.change().await.key(), "shop/first");
    let from = scene.unheard().await;
    assert!(from.is_some());
    cluster.put(SECRETS, "second", json!({})).await;
    let mut scene = Scene::start(&sources, &access, from);
    assert!(!scene.begun().await);
    let change = scene.change().await;
    // The last one may be told twice: the place is kept once nobody can have missed it.
    let change = if change.key() == "shop/first" { scene.change().await } else { change };
    assert_eq!(change.key(), "shop/second", "what happened meanwhile is told");
    for name in ["first", "second"] {
        cluster.delete(&format!("{SECRETS}/{name}")).await;
    }
    scene.unheard().await;
}

async fn rights_are_those_of_the_identity(cluster: &Cluster) {
    for (token, what) in [
        (&cluster.weak, "let the identity list secrets of the core group in the namespace shop"),
        (&cluster.reader, "let the identity watch secrets of the core group in the namespace shop"),
    ] {
        let sources = secrets(&cluster.seen(token), &clock());
        let (from, ended) = Scene::start(&sources, &of_shop(own()), None).end().await;
        let error = ended.unwrap_err();
        assert_eq!((error.step, error.kind, from), (Step::Fetch, Kind::Denied, None));
        assert!(error.message().ends_with(what), "{error}");
    }
    let elsewhere = KubernetesStore { api: own(), remote_namespace: "other".parse().unwrap() };
    let sources = secrets(&cluster.seen(&cluster.watcher), &clock());
    let (_, ended) = Scene::start(&sources, &access(elsewhere.into()), None).end().await;
    assert_eq!(ended.unwrap_err().kind, Kind::Denied);
    let sources = secrets(&cluster.seen("nobody"), &clock());
    let (_, ended) = Scene::start(&sources, &of_shop(own()), None).end().await;
    let error = ended.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_was_cut_is_resumed_and_one_that_was_forgotten_begins_anew() {
    let cluster = Cluster::embedded().await;
    let (sources, access) = (secrets(&cluster.seen(&cluster.watcher), &clock()), of_shop(own()));
    let mut scene = Scene::start(&sources, &access, None);
    assert!(scene.begun().await);
    cluster.put(SECRETS, "first", json!({})).await;
    scene.change().await;
    cluster.dev().cut_off().await.unwrap();
    let (from, ended) = scene.end().await;
    assert_eq!(ended.unwrap_err().kind, Kind::Transient);
    let (from, ended) = Scene::start(&sources, &access, from).end().await;
    assert_eq!(ended.unwrap_err().kind, Kind::Unreachable, "nobody is there");
    cluster.dev().restore().await.unwrap();
    cluster.put(SECRETS, "second", json!({})).await;
    let mut scene = Scene::start(&sources, &access, from).resumed().await;
    assert_eq!(scene.change().await.key(), "shop/second");

    let from = scene.unheard().await;
    cluster.put(SECRETS, "unseen", json!({})).await;
    cluster.dev().compact();
    let mut scene = Scene::start(&sources, &access, from);
    // The server says so as its answer, or as the first line of it.
    let (from, ended) = match timeout(LIMIT, &mut scene.task).await {
        Ok(ended) => ended.unwrap(),
        Err(_) => panic!("it was forgotten"),
    };
    assert!(ended.is_ok() && from.is_none(), "{from:?} {ended:?}");
    assert!(Scene::start(&sources, &access, None).begun().await, "it begins anew");
}

impl Scene {
    async fn resumed(mut self) -> Self {
        assert!(!self.begun().await, "it is not begun anew");
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_resumed_with_the_credentials_that_are_there_now() {
    let cluster = Cluster::embedded().await;
    let (clusters, clock) = (cluster.seen(&cluster.watcher), clock());
    let (sources, access) = (secrets(&clusters, &clock), of_shop(own()));
    let mut scene = Scene::start(&sources, &access, None);
    assert!(scene.begun().await);
    let from = scene.unheard().await;
    cluster.dev().expire_token(&cluster.watcher);
    let (from, ended) = Scene::start(&sources, &access, from).end().await;
    let error = ended.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "they were read a moment ago");
    assert!(from.is_some(), "its place is not lost");
    cluster.dev().add_token("rotated", User::admin("reader"));
    clusters.edit("blue/shop/reader", |secret| secret.set("token", "rotated"));
    clock.advance(Duration::from_secs(10));
    cluster.put(SECRETS, "meanwhile", json!({})).await;
    let mut scene = Scene::start(&sources, &access, from).resumed().await;
    assert_eq!(scene.change().await.key(), "shop/meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_given_up_and_one_that_is_busy_says_for_how_long() {
    let cluster = Cluster::embedded().await;
    let digest_key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
    let sources = KubernetesSources::new(cluster.seen(&cluster.watcher), Arc::new(clock()), digest_key);
    let sources =
        Arc::new(sources.bounded(Bounds { attempt_timeout: Duration::from_millis(300), ..bounds() }));
    let access = of_shop(own());
    let mut scene = Scene::start(&sources, &access, None);
    assert!(scene.begun().await);
    let from = scene.unheard().await;
    let hang = cluster.dev().faults().add(Rule::new(Fault::Hang).method("GET"));
    let (from, ended) = Scene::start(&sources, &access, from).end().await;
    assert_eq!(ended.unwrap_err().kind, Kind::Unreachable);
    cluster.dev().faults().remove(hang);
    let busy = cluster.dev().faults().add(Rule::new(Fault::too_many_requests(7)).method("GET"));
    let (from, ended) = Scene::start(&sources, &access, from).end().await;
    let error = ended.unwrap_err();
    assert_eq!((error.kind, error.retry_after()), (Kind::Throttled, Some(Duration::from_secs(7))));
    cluster.dev().faults().remove(busy);
    Scene::start(&sources, &access, from).resumed().await;
}

/// What a server may send: each with how the watch ends, and whether its place is kept.
#[tokio::test]
async fn lines_that_are_not_of_a_watch_end_it_and_stand_in_no_error() {
    let object = |name: &str, version: &str| json!({ "metadata": { "name": name, "uid": "u", "resourceVersion": version, "namespace": "shop" } });
    let line = |what: &str, object: &Value| format!("{}\n", json!({ "type": what, "object": object }));
    let good = line("MODIFIED", &object("a", "7"));
    let status = |code: u16| json!({ "kind": "Status", "metadata": {}, "code": code, "message": CANARY });
    let huge = json!({ "metadata": { "annotations": { "a": "x".repeat(600 * 1024) } } });
    let bookmark = json!({ "metadata": { "resourceVersion": "9" } });
    for (code, body, kind, place) in [
        (200, good.clone(), None, Some("7")),
        (200, format!("{good}{}", line("BOOKMARK", &bookmark)), None, Some("9")),
        (200, format!("{good}{}", line("FOREIGN", &object("b", "8"))), None, Some("8")),
        (200, format!("{good}{}", line("ERROR", &status(410))), None, None),
        (200, format!("{good}{}", line("ERROR", &status(500))), Some(Kind::Transient), Some("7")),
        (200, format!("{good}{CANARY}\n"), Some(Kind::Transient), Some("7")),
        (200, format!("{good}{}", line("ADDED", &json!({}))), Some(Kind::Transient), Some("7")),
        (200, format!("{good}{}", line("ADDED", &huge)), None, None),
        (200, good.clone().trim_end().to_owned(), None, Some("5")),
        (410, status(410).to_string(), None, None),
        (403, status(403).to_string(), Some(Kind::Denied), Some("5")),
        (404, status(404).to_string(), Some(Kind::Invalid), Some("5")),
        (406, status(406).to_string(), Some(Kind::Invalid), Some("5")),
        (429, status(429).to_string(), Some(Kind::Throttled), Some("5")),
        (503, CANARY.to_owned(), Some(Kind::Transient), Some("5")),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(code).set_body_string(&body);
        // Nothing but metadata is asked for, so that no value is on its way.
        Mock::given(query_param("watch", "1"))
            .and(header("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"))
            .and(query_param("resourceVersion", "5"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let listed = json!({ "kind": "SecretList", "metadata": { "resourceVersion": "5" }, "items": [] });
        Mock::given(query_param_is_missing("watch"))
            .and(query_param("limit", "1"))
            .respond_with(ResponseTemplate::new(200).set_body_json(listed))
            .mount(&server)
            .await;
        let at_server = ApiServer::At { url: server.uri(), ca_bundle: None, ca_provider: None };
        let api = KubernetesApi::Server { server: at_server, auth: ApiAuth::Token(at("reader", "token")) };
        let clusters = Arc::new(FakeClusters::default());
        clusters.add(&cluster_name("blue"));
        clusters.edit("blue/shop/reader", |secret| secret.set("token", CANARY));
        let (sources, access) = (secrets(&clusters, &clock()), of_shop(api));
        let shown = body.chars().take(200).collect::<String>();
        let (from, ended) = Scene::start(&sources, &access, Some("5".to_owned())).end().await;
        assert_eq!(ended.as_ref().err().map(|error| error.kind), kind, "{code} {shown}: {ended:?}");
        assert_eq!(from.as_deref(), place, "{code} {shown}");
        if let Err(error) = ended {
            assert!(!format!("{error} {error:?}").contains(CANARY), "{code} {shown}: {error}");
        }
        let mut scene = Scene::start(&sources, &access, None);
        if code == 200 {
            assert!(scene.begun().await, "behind the newest version that there is");
        } else {
            assert_eq!(scene.end().await.0, None, "a watch that did not begin has no place");
        }
    }
}
