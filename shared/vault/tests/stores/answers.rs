//! Single answers that no double gives, by a scripted server.

use crate::support::{
    FakeCluster, access_of, bounded, current, failure, shared_sources, sources_of, store, told,
};
use pawl_domain::Kind;
use pawl_domain::store::VaultStore;
use pawl_ports::Sources;
use pawl_servers::vault::VaultClock;
use serde_json::{Value, json};
use std::sync::Arc;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn answers_in_no_known_form_are_never_values() {
    for (body, kind, want) in [
        ("", Kind::Transient, "the answer is not in the known form"),
        ("<html>a proxy</html>", Kind::Transient, "the answer is not in the known form"),
        ("{\"data\":{\"data\":{\"a\":1", Kind::Transient, "the answer is not in the known form"),
        ("[]", Kind::Transient, "the answer is not in the known form"),
        ("{\"data\":[]}", Kind::Transient, "the answer is not in the known form"),
        ("{}", Kind::NotFound, "does not exist; create it, or correct the key or version"),
        ("{\"data\":null}", Kind::NotFound, "does not exist; create it, or correct the key or version"),
        ("{\"data\":{\"a\":1}}", Kind::Invalid, "this is not KV version 2; set the store's version to v1"),
        (
            "{\"data\":{\"data\":\"text\",\"metadata\":{\"version\":1}}}",
            Kind::Invalid,
            "its data is no JSON object",
        ),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
        let error = failure(sources.fetch(&access_of(store(&server.uri())), &[current("secret/a")]).await);
        assert_eq!(error.kind, kind, "{body}: {error}");
        assert!(error.message().ends_with(want), "{body}: {error}");
    }
}

#[tokio::test]
async fn answers_have_a_longest_length() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(read("x".repeat(2000)));
    Mock::given(method("GET")).respond_with(answer).mount(&server).await;
    let cluster = Arc::new(FakeCluster::with_token("t"));
    for (largest, ok) in [(1000, false), (4000, true)] {
        let bounds = bounded(|bounds| bounds.largest_answer = largest);
        let answers = shared_sources(&cluster, VaultClock::default(), bounds)
            .fetch(&access_of(store(&server.uri())), &[current("secret/a")])
            .await;
        assert_eq!(answers[0].is_ok(), ok, "{largest}");
    }
}

#[tokio::test]
async fn how_long_a_server_wants_to_be_left_alone_is_told() {
    for (status, asked, want) in [
        (429, Some("30"), Some(30)),
        (503, Some("90"), Some(90)),
        (429, Some("999999999"), Some(3600)),
        (429, None, None),
        (400, Some("30"), None),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status);
        let answer = match asked {
            Some(seconds) => answer.insert_header("Retry-After", seconds),
            None => answer,
        };
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
        let error = failure(sources.fetch(&access_of(store(&server.uri())), &[current("secret/a")]).await);
        assert_eq!(error.retry_after().map(|pause| pause.as_secs()), want, "{status} {asked:?}: {error}");
    }
}

#[tokio::test]
async fn the_state_that_a_server_names_is_shown_to_it_again() {
    for (read_your_writes, want) in [(true, [None, Some("state-1")]), (false, [None, None])] {
        let server = MockServer::start().await;
        let answer =
            ResponseTemplate::new(200).set_body_json(read("a")).insert_header("X-Vault-Index", "state-1");
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let store = VaultStore { read_your_writes, ..store(&server.uri()) };
        let (sources, access) =
            (sources_of(FakeCluster::with_token("t"), VaultClock::default()), access_of(store));
        for _ in 0..2 {
            assert!(sources.fetch(&access, &[current("secret/a")]).await[0].is_ok());
        }
        let asked = server.received_requests().await.unwrap();
        let shown: Vec<_> = asked
            .iter()
            .map(|one| one.headers.get("x-vault-index").map(|value| value.to_str().unwrap()))
            .collect();
        assert_eq!(shown, want);
    }
}

#[tokio::test]
async fn no_redirect_leaves_its_host() {
    let (server, other) = (MockServer::start().await, MockServer::start().await);
    let here = other_host(&server.uri());
    for (to, want) in [
        ("/v1/moved", Some(r#"{"value":"a"}@1"#)),
        (&format!("{}/v1/moved", server.uri()), Some(r#"{"value":"a"}@1"#)),
        // Another port, another name of the same machine, another scheme.
        (&format!("{}/v1/moved", other.uri()), None),
        (&format!("{here}/v1/moved"), None),
        (&format!("{}/v1/moved", server.uri().replace("http:", "https:")), None),
    ] {
        server.reset().await;
        let there = ResponseTemplate::new(307).insert_header("Location", to);
        Mock::given(path("/v1/secret/data/a")).respond_with(there).mount(&server).await;
        for each in [&server, &other] {
            Mock::given(path("/v1/moved"))
                .and(header("x-vault-token", "t"))
                .respond_with(ResponseTemplate::new(200).set_body_json(read("a")))
                .mount(each)
                .await;
        }
        let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
        let answers = sources.fetch(&access_of(store(&server.uri())), &[current("secret/a")]).await;
        match want {
            Some(want) => assert_eq!(told(&answers), [want], "{to}"),
            None => {
                let error = failure(answers);
                assert_eq!(error.kind, Kind::Invalid, "{to}: {error}");
                assert!(error.message().contains("points elsewhere"), "{to}: {error}");
            }
        }
        assert_eq!(other.received_requests().await.unwrap().len(), 0, "{to}");
    }
}

/// The same address under another name.
fn other_host(uri: &str) -> String {
    uri.replace("127.0.0.1", "localhost")
}

#[tokio::test]
async fn servers_that_point_in_a_circle_are_left() {
    let server = MockServer::start().await;
    let there =
        ResponseTemplate::new(307).insert_header("Location", format!("{}/v1/secret/data/a", server.uri()));
    Mock::given(method("GET")).respond_with(there).mount(&server).await;
    let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
    let error = failure(sources.fetch(&access_of(store(&server.uri())), &[current("secret/a")]).await);
    assert_eq!(error.kind, Kind::Invalid, "{error}");
    assert!(server.received_requests().await.unwrap().len() < 10);
}

#[tokio::test]
async fn a_path_before_the_api_is_kept() {
    let server = MockServer::start().await;
    Mock::given(path("/vault/v1/secret/data/a"))
        .respond_with(ResponseTemplate::new(200).set_body_json(read("a")))
        .mount(&server)
        .await;
    let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
    for base in ["vault", "vault/"] {
        let access = access_of(store(&format!("{}/{base}", server.uri())));
        assert_eq!(told(&sources.fetch(&access, &[current("secret/a")]).await), [r#"{"value":"a"}@1"#]);
    }
}

fn read(value: impl Into<Value>) -> Value {
    json!({ "data": { "data": { "value": value.into() }, "metadata": { "version": 1, "created_time": "2026-01-01T00:00:00Z" } } })
}
