//! What a store may not do unless the operator allows it: show Pawl's own identity, show tokens of the API server, go
//! without TLS.

use crate::support::{FakeCluster, access_of, current, failure, name, options, shared_sources, store, told};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pawl_domain::store::{AwsAuth, VaultAuth, VaultIamAuth, VaultProof, VaultStore};
use pawl_domain::{Kind, Step};
use pawl_pipeline::ports::Sources;
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
    let allowed = Options { plain_http: true, retries: 0, ..options() };
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
