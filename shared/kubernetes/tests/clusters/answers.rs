//! What API servers, and what stands before them, say when they are not well.

use crate::pawl::{CANARY, Pawl, blue, data, id, name, now, replacement, with};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use pawl_domain::cluster::{Cluster, Connection, TokenSource};
use pawl_domain::push::ByNameOrLabels;
use pawl_domain::reconcile::{Action, Desired};
use pawl_domain::{Kind, Outcome, Step};
use pawl_ports::{Clusters, Status, TargetRef};
use serde_json::{Value, json};
use std::sync::Mutex;
use wiremock::matchers::{body_partial_json, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn connection(server: &MockServer) -> Connection {
    // A path in the URL, as gateways to many clusters have.
    let url = format!("{}/clusters/blue/", server.uri());
    Connection::Url { url, ca: None, token: TokenSource::Env("t".to_owned()) }
}

fn cluster(server: &MockServer) -> Cluster {
    Cluster {
        name: blue(),
        labels: [].into(),
        connection: connection(server),
        index: true,
        namespaces: [].into(),
    }
}

fn adapter(server: &MockServer) -> Pawl {
    with(connection(server))
}

fn at(text: &str) -> String {
    format!("/clusters/blue{text}")
}

fn create() -> Action {
    Action::Create(Desired { data: data(&[("a", CANARY)]), ..Desired::default() })
}

#[tokio::test]
async fn every_refusal_is_classified_and_none_is_quoted() {
    let status = |reason: &str, causes: Value, message: &str| {
        let message = format!("{message} {CANARY}");
        json!({ "kind": "Status", "reason": reason, "message": message, "details": { "causes": causes } })
            .to_string()
    };
    let terminating = json!([{ "reason": "NamespaceTerminating", "field": "metadata.namespace" }]);
    for (code, body, kind, says) in [
        (400, status("BadRequest", json!([]), "cannot decode"), Kind::Invalid, "is refused as BadRequest"),
        (400, CANARY.to_owned(), Kind::Invalid, "is refused as invalid"),
        (
            403,
            status("Forbidden", json!([]), "denied by a webhook:"),
            Kind::Denied,
            "not allowed to create secrets",
        ),
        (
            403,
            status("Forbidden", json!([]), "exceeded quota: q"),
            Kind::Denied,
            "a quota of the namespace is used up",
        ),
        (
            403,
            status("Forbidden", terminating, ""),
            Kind::NotFound,
            "namespace shop in cluster blue is being deleted",
        ),
        (404, "404 page not found".to_owned(), Kind::NotFound, "does not exist"),
        (408, String::new(), Kind::Transient, "failed with 408"),
        (409, status("Conflict", json!([]), ""), Kind::Conflict, "was changed by somebody else"),
        (413, String::new(), Kind::Invalid, "is larger than the 1 MiB"),
        (418, String::new(), Kind::Invalid, "create is answered with 418"),
        (429, status("TooManyRequests", json!([]), ""), Kind::Throttled, "asks to slow down"),
        (500, status("InternalError", json!([]), ""), Kind::Transient, "failed with 500"),
        (504, "<html>".to_owned(), Kind::Transient, "failed with 504"),
        (200, format!("{{\"metadata\":{{\"labels\":\"{CANARY}"), Kind::Transient, "cannot be read"),
        (200, format!("{{\"metadata\":\"{CANARY}\"}}"), Kind::Transient, "cannot be read"),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(code).set_body_string(body);
        Mock::given(method("POST"))
            .and(path(at("/api/v1/namespaces/shop/secrets")))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        let error = adapter(&server)
            .apply(TargetRef::secret(&id("shop", "es"), &name("db")), &create())
            .await
            .unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Write, kind), "{code}: {error}");
        assert!(error.message().contains(says), "{code}: {error}");
        assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    }
}

#[tokio::test]
async fn writes_name_the_field_manager_and_ask_for_no_data_back() {
    let server = MockServer::start().await;
    let made = json!({ "metadata": { "resourceVersion": "7" } });
    Mock::given(method("PATCH"))
        .and(path(at("/api/v1/namespaces/shop/secrets/db")))
        .and(query_param("fieldManager", "externalsecrets.external-secrets.io/es"))
        .and(header("authorization", "Bearer t"))
        .and(header("content-type", "application/json-patch+json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(made))
        .expect(1)
        .mount(&server)
        .await;
    let version =
        adapter(&server).replace(&id("shop", "es"), &name("db"), "6", &replacement(&[("a", "1")])).await;
    assert_eq!(version.unwrap(), "7");
    let request = server.received_requests().await.unwrap().remove(0);
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    assert_eq!(request.headers["accept"], accept);
    let body: Value = request.body_json().unwrap();
    assert_eq!(body[0], json!({ "op": "add", "path": "/metadata/resourceVersion", "value": "6" }));
    assert_eq!(body[1], json!({ "op": "add", "path": "/data", "value": { "a": "MQ==" } }));
    assert_eq!(body[2]["path"], "/metadata/annotations/reconcile.external-secrets.io~1data-hash");
}

#[tokio::test]
async fn a_list_whose_pages_expire_starts_again() {
    let server = MockServer::start().await;
    let secret =
        |name: &str| json!({ "metadata": { "namespace": "shop", "name": name, "resourceVersion": "1" } });
    let page = |next: &str, items: Value| {
        ResponseTemplate::new(200).set_body_json(json!({ "metadata": { "continue": next }, "items": items }))
    };
    let list =
        || Mock::given(method("GET")).and(path(at("/api/v1/secrets"))).and(query_param("limit", "500"));
    let first = || list().and(query_param_is_missing("continue"));
    first().respond_with(page("one", json!([secret("gone")]))).up_to_n_times(1).mount(&server).await;
    list().and(query_param("continue", "one")).respond_with(ResponseTemplate::new(410)).mount(&server).await;
    first().respond_with(page("a/b=", json!([secret("a")]))).mount(&server).await;
    list()
        .and(query_param("continue", "a/b="))
        .respond_with(page("", json!([secret("b")])))
        .mount(&server)
        .await;
    let managed = adapter(&server).managed(&blue()).await.unwrap();
    let names: Vec<&str> = managed.keys().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);

    let server = MockServer::start().await;
    let list = || Mock::given(method("GET")).and(path(at("/api/v1/secrets")));
    list().and(query_param("continue", "one")).respond_with(ResponseTemplate::new(410)).mount(&server).await;
    list().respond_with(page("one", json!([secret("a")]))).mount(&server).await;
    // A part of a list is no list.
    assert!(adapter(&server).managed(&blue()).await.is_err());
}

/// What is not listed is removed, so a list that ends early must not look like one that is whole.
#[tokio::test]
async fn a_kind_that_is_not_served_any_more_on_a_later_page_is_no_list() {
    let server = MockServer::start().await;
    let page =
        ResponseTemplate::new(200).set_body_json(json!({ "metadata": { "continue": "one" }, "items": [] }));
    Mock::given(method("GET"))
        .and(query_param_is_missing("continue"))
        .respond_with(page)
        .mount(&server)
        .await;
    let cluster = cluster(&server);
    // The server answers whatever it does not know with 404.
    assert!(adapter(&server).manifests(&cluster).await.is_err());
}

#[tokio::test]
async fn a_list_of_nothing_is_empty_and_an_answer_without_a_list_is_none() {
    // As API servers answer where no Secret has the managed label.
    let empty =
        json!({ "kind": "PartialObjectMetadataList", "metadata": { "resourceVersion": "7" }, "items": null });
    for (answer, is_list) in [(empty, true), (json!({ "items": [] }), true), (json!({}), false)] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path(at("/api/v1/secrets")))
            .respond_with(ResponseTemplate::new(200).set_body_json(&answer))
            .mount(&server)
            .await;
        let managed = adapter(&server).managed(&blue()).await;
        assert_eq!(managed.as_ref().is_ok_and(std::collections::BTreeMap::is_empty), is_list, "{answer}");
    }
}

#[tokio::test]
async fn a_kind_that_goes_while_it_is_listed_does_not_pass_for_an_empty_one() {
    let server = MockServer::start().await;
    let kind = "/apis/external-secrets.io/v1/externalsecrets";
    let page = json!({ "metadata": { "continue": "next" }, "items": [{ "metadata": { "name": "es", "namespace": "a" } }] });
    let list = || Mock::given(method("GET")).and(path(at(kind)));
    list()
        .and(query_param("continue", "next"))
        .respond_with(ResponseTemplate::new(404).set_body_string("404 page not found"))
        .mount(&server)
        .await;
    list().respond_with(ResponseTemplate::new(200).set_body_json(page)).mount(&server).await;
    let cluster = cluster(&server);
    let error = adapter(&server).manifests(&cluster).await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient, "{error}");
    assert!(error.message().contains("ended before its last page"), "{error}");
}

/// With its source goes what was pushed of it.
#[tokio::test]
async fn a_source_is_gone_only_where_the_api_server_says_so() {
    let of = |kind: &str| {
        let details = json!({ "name": "src", "kind": kind });
        json!({ "kind": "Status", "reason": "NotFound", "code": 404, "details": details }).to_string()
    };
    let answers = [
        (of("secrets"), true),
        (of("clusters"), false),
        ("404 page not found".to_owned(), false),
        ("{}".to_owned(), false),
    ];
    for (body, is_gone) in answers {
        let server = MockServer::start().await;
        let get = Mock::given(method("GET")).and(path(at("/api/v1/namespaces/shop/secrets/src")));
        get.respond_with(ResponseTemplate::new(404).set_body_string(body.clone())).mount(&server).await;
        let choice = ByNameOrLabels::Name(name("src"));
        let found = adapter(&server).push_sources(&blue(), &"shop".parse().unwrap(), &choice).await;
        match found {
            Ok(found) => assert!(is_gone && found.is_empty(), "{body}"),
            Err(error) => assert!(!is_gone && error.kind == Kind::Transient, "{body}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_to_wait_a_little_is_asked_again_after_that() {
    for code in [429, 503] {
        let server = MockServer::start().await;
        let get = || Mock::given(method("GET")).and(path(at("/api/v1/namespaces/shop/secrets/db")));
        let busy = ResponseTemplate::new(code).insert_header("retry-after", "0");
        get().respond_with(busy).up_to_n_times(2).expect(2).mount(&server).await;
        get().respond_with(ResponseTemplate::new(404)).expect(1).mount(&server).await;
        assert!(
            adapter(&server).read(TargetRef::secret(&id("shop", "es"), &name("db"))).await.unwrap().is_none()
        );
    }
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_for_long_is_not_asked_by_anybody() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "30");
    Mock::given(method("GET")).respond_with(busy).expect(1).mount(&server).await;
    let adapter = adapter(&server);
    for target in ["db", "other"] {
        let error = adapter.read(TargetRef::secret(&id("shop", "es"), &name(target))).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Read, Kind::Throttled), "{error}");
        assert!(error.retry_after().is_some_and(|pause| pause.as_secs() > 20), "{error:?}");
    }
}

#[tokio::test]
async fn clusters_that_only_serve_the_old_version_are_read_and_written_in_it() {
    let server = MockServer::start().await;
    let old = "/apis/external-secrets.io/v1beta1";
    let item = json!({ "metadata": { "name": "es", "namespace": "shop" }, "spec": {
        "secretStoreRef": { "name": "aws" }, "dataFrom": [{ "extract": { "key": "k" } }],
    } });
    for (kind, items) in [
        ("externalsecrets", json!([item, 3])),
        ("secretstores", json!([])),
        ("clustersecretstores", json!([])),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "items": items }));
        Mock::given(method("GET"))
            .and(path(at(&format!("{old}/{kind}"))))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let not_served = ResponseTemplate::new(404).set_body_string("404 page not found");
    Mock::given(path(at("/apis/external-secrets.io/v1/externalsecrets")))
        .respond_with(not_served)
        .expect(1)
        .mount(&server)
        .await;
    let adapter = adapter(&server);
    let cluster = cluster(&server);
    let found = adapter.manifests(&cluster).await.unwrap();
    assert_eq!(found.declarations.len(), 1);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);

    let one = format!("{old}/namespaces/shop/externalsecrets/es");
    let object = ResponseTemplate::new(200).set_body_json(json!({ "metadata": { "generation": 1 } }));
    Mock::given(method("GET"))
        .and(path(at(&one)))
        .respond_with(object.clone())
        .expect(1)
        .mount(&server)
        .await;
    // The status does not say what it was told last.
    Mock::given(method("PATCH"))
        .and(path(at(&format!("{one}/status"))))
        .and(header("content-type", "application/json-patch+json"))
        .respond_with(ResponseTemplate::new(422).set_body_json(json!({ "kind": "Status", "code": 422 })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PATCH"))
        .and(path(at(&format!("{one}/status"))))
        .and(header("content-type", "application/merge-patch+json"))
        .and(body_partial_json(json!({ "status": { "conditions": [{ "reason": "SecretSynced" }] } })))
        .respond_with(object)
        .expect(1)
        .mount(&server)
        .await;
    let status = Status::of(&found.declarations[0], now(), Ok(Outcome::Unchanged));
    adapter.publish(&id("shop", "es"), &status).await.unwrap();
}

#[tokio::test]
async fn every_call_is_counted() {
    let (recorder, server) = (Counted::default(), MockServer::start().await);
    let _guard = metrics::set_default_local_recorder(&recorder);
    let adapter = adapter(&server);
    adapter.read(TargetRef::secret(&id("shop", "es"), &name("db"))).await.unwrap();
    let _ = adapter.apply(TargetRef::secret(&id("shop", "es"), &name("db")), &create()).await;
    drop(server);
    let counted = recorder.0.lock().unwrap().clone();
    let want = ["get 404", "create 404"].map(|call| {
        let (verb, code) = call.split_once(' ').unwrap();
        format!("Key(pawl_cluster_calls_total, [cluster = blue, verb = {verb}, code = {code}])")
    });
    assert_eq!(counted, want);
}

/// Remembers which counters were asked for.
#[derive(Default)]
struct Counted(Mutex<Vec<String>>);

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.0.lock().unwrap().push(key.to_string());
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
