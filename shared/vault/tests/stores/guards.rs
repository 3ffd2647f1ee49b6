//! What a store may not do unless the operator allows it: show Pawl's own identity, show tokens of the API server, go
//! without TLS, reach addresses of the machine and its cloud; and what it never may.

use crate::support::{
    FakeCluster, access_of, bounded, current, failure, name, options, shared_sources, store, told,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pawl_domain::grant::Reach;
use pawl_domain::store::{AwsAuth, Headers, VaultAuth, VaultIamAuth, VaultProof, VaultStore};
use pawl_domain::{Access, Complaint, Grant, Kind, Rule, Step};
use pawl_ports::Sources;
use pawl_servers::vault::VaultClock;
use pawl_vault::Options;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn another_machine_is_not_asked_without_tls() {
    let cluster = Arc::new(FakeCluster::with_token("t"));
    let sources = shared_sources(&cluster, VaultClock::default(), options());
    for server in ["http://vault.example.com:8200", "http://192.0.2.1:8200", "HTTP://[2001:db8::1]/"] {
        let error = failure(sources.fetch(&access_of(store(server)), &[current("secret/a")]).await);
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{server}: {error}");
        assert!(error.message().contains("PAWL_VAULT_PLAIN_HTTP"), "{server}: {error}");
    }
    let allowed = Options { plain_http: true, ..bounded(|bounds| bounds.retries = 0) };
    let sources = shared_sources(&cluster, VaultClock::default(), allowed);
    let error =
        failure(sources.fetch(&access_of(store("http://vault.invalid:8200")), &[current("secret/a")]).await);
    assert_ne!(error.kind, Kind::Invalid, "it was asked: {error}");
}

#[tokio::test]
async fn a_server_never_sees_a_token_that_the_api_server_takes() {
    let token = |audience: &str| {
        let claims = json!({ "iss": "https://oidc.example.com", "aud": [audience], "sub": "system:serviceaccount:shop:app" });
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    for (made, audiences, allowed, asked_for, shown) in [
        (token("vault"), &[][..], false, "vault", true),
        (token("mine"), &["mine"], false, "mine", true),
        (
            token("https://oidc.example.com"),
            &["https://oidc.example.com"],
            false,
            "https://oidc.example.com",
            false,
        ),
        (token("https://kubernetes.default.svc"), &["x"], false, "x", false),
        (token("https://kubernetes.default.svc"), &[], true, "", true),
    ] {
        let server = answering().await;
        let proof = VaultProof::ServiceAccount {
            name: name("app"),
            namespace: None,
            audiences: audiences.iter().map(|&each| each.to_owned()).collect(),
            lifetime: None,
        };
        let auth = VaultAuth::Kubernetes { path: "kubernetes".into(), role: "reader".into(), proof };
        let store = VaultStore { auth: Some(auth), ..store(&server.uri()) };
        let cluster = Arc::new(FakeCluster::default().with("shop/app/token", &made));
        let options = Options { api_server_tokens: allowed, ..options() };
        let sources = shared_sources(&cluster, VaultClock::default(), options);
        let answers = sources.fetch(&access_of(store), &[current("secret/a")]).await;
        assert_eq!(cluster.asked(), [format!("blue: token of shop/app for {asked_for}")]);
        let requests = server.received_requests().await.unwrap().len();
        if shown {
            assert_eq!((told(&answers), requests), (vec!["{}@1".to_owned()], 2), "{asked_for}");
        } else {
            let error = failure(answers);
            assert_eq!((error.step, error.kind, requests), (Step::Authenticate, Kind::Invalid, 0), "{error}");
            assert!(error.message().contains("serviceAccountRef.audiences"), "{error}");
        }
    }
}

#[tokio::test]
async fn pawls_own_aws_identity_is_shown_to_servers_that_the_operator_names() {
    for role in [None, Some("arn:aws:iam::123456789012:role/app".to_owned())] {
        let server = answering().await;
        let iam = VaultIamAuth {
            path: "aws".into(),
            region: "eu-central-1".into(),
            vault_role: "reader".into(),
            role,
            external_id: None,
            server_id: Some("the tenant's choice".into()),
            identity: AwsAuth::Ambient,
        };
        let store = VaultStore { auth: Some(VaultAuth::Iam(iam)), ..store(&server.uri()) };
        let cluster = Arc::new(FakeCluster::default());
        let sources = shared_sources(&cluster, VaultClock::default(), options());
        let error = failure(sources.fetch(&access_of(store.clone()), &[current("secret/a")]).await);
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
        assert!(error.message().contains("PAWL_VAULT_IAM_SERVERS"), "{error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 0, "nothing was shown");

        let own_identity_servers = BTreeSet::from([format!("{}/", server.uri())]);
        let sources =
            shared_sources(&cluster, VaultClock::default(), Options { own_identity_servers, ..options() });
        let answers = sources.fetch(&access_of(store), &[current("secret/a")]).await;
        assert_eq!(told(&answers), ["{}@1"]);
    }
}

/// A server that takes every login and gives an empty secret.
async fn answering() -> MockServer {
    let server = MockServer::start().await;
    let login = json!({ "auth": { "client_token": "token-1", "lease_duration": 3600 } });
    let read = json!({ "data": { "data": {}, "metadata": { "version": 1, "created_time": "" } } });
    for (verb, body) in [("POST", login), ("GET", read)] {
        Mock::given(method(verb))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    server
}

#[tokio::test]
async fn addresses_are_looked_at_after_names_were_resolved() {
    let server = answering().await;
    let port = server.address().port();
    for (host, allowed, want) in [
        ("127.0.0.1", None, true),
        ("localhost", None, true),
        ("127.0.0.1", Some(&[][..]), false),
        // A name, which only the resolver can tell of.
        ("localhost", Some(&[]), false),
        ("2130706433", Some(&[]), false),
        ("[::ffff:127.0.0.1]", Some(&[]), false),
        ("127.0.0.1", Some(&["127.0.0.1"]), true),
        ("localhost", Some(&["127.0.0.0/8", "::1"]), true),
        ("localhost", Some(&["10.0.0.0/8"]), false),
    ] {
        let asked = server.received_requests().await.unwrap().len();
        let reach = match allowed {
            Some(allowed) => Reach::Guarded(allowed.iter().map(|text| text.parse().unwrap()).collect()),
            None => Reach::Anywhere,
        };
        let cluster = Arc::new(FakeCluster::with_token("t"));
        let sources = shared_sources(&cluster, VaultClock::default(), options());
        let access = access_of(store(&format!("http://{host}:{port}")));
        let access = Access { grant: Grant { reach, shows_identity: false }, ..access };
        let answers = sources.fetch(&access, &[current("secret/a")]).await;
        let requests = server.received_requests().await.unwrap().len() - asked;
        if want {
            assert_eq!((told(&answers), requests), (vec!["{}@1".to_owned()], 1), "{host} {allowed:?}");
        } else {
            let error = failure(answers);
            assert_eq!((error.kind, requests), (Kind::Refused, 0), "{host} {allowed:?}: {error}");
            assert_eq!(error.complaint(), Complaint::Refused(Rule::Address));
            assert!(error.message().starts_with("PAWL-POLICY-ADDRESS"), "{error}");
        }
    }
}

#[tokio::test]
async fn what_a_policy_grants_serves_no_store_without_it() {
    let server = answering().await;
    let cluster = Arc::new(FakeCluster::with_token("t"));
    let sources = shared_sources(&cluster, VaultClock::default(), options());
    let free = access_of(store(&server.uri()));
    let reach = Reach::Guarded(BTreeSet::new());
    let bound = Access { grant: Grant { reach, shows_identity: false }, ..free.clone() };
    assert!(sources.fetch(&free, &[current("secret/a")]).await[0].is_ok(), "its connection stands");
    assert_eq!(failure(sources.fetch(&bound, &[current("secret/a")]).await).kind, Kind::Refused);
}

#[tokio::test]
async fn no_text_of_a_server_is_passed_on() {
    let server = MockServer::start().await;
    let canary = "internal-host-7f3a";
    let body = json!({ "errors": [canary, "permission denied"], "warnings": [canary] });
    for status in [400, 403, 404, 429, 500, 502] {
        server.reset().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(status).set_body_json(&body))
            .mount(&server)
            .await;
        let cluster = Arc::new(FakeCluster::with_token("t"));
        let bounds = bounded(|bounds| bounds.retries = 0);
        let sources = shared_sources(&cluster, VaultClock::default(), bounds);
        let error = failure(sources.fetch(&access_of(store(&server.uri())), &[current("secret/a")]).await);
        assert!(!format!("{error} {error:?}").contains(canary), "{status}: {error:?}");
        assert!(error.message().contains("permission denied"), "{status}: {error}");
    }
}

#[tokio::test]
async fn headers_that_make_another_request_are_not_sent() {
    let server = answering().await;
    for name in ["Host", "metadata-flavor", "X-aws-ec2-metadata-token", "Connection"] {
        let headers = Headers([(name.to_owned(), "x".to_owned())].into());
        let store = VaultStore { headers, ..store(&server.uri()) };
        let cluster = Arc::new(FakeCluster::with_token("t"));
        let sources = shared_sources(&cluster, VaultClock::default(), options());
        let error = failure(sources.fetch(&access_of(store), &[current("secret/a")]).await);
        assert_eq!(error.kind, Kind::Invalid, "{error}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}
