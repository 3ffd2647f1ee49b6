//! Certificates: of the server's authority, and of the client.

use crate::support::{FakeCluster, access_of, current, failure, name, secret, sources_of, store, told};
use pawl_domain::store::{CaProvider, ClientCertificate, SecretKeyRef, VaultAuth, VaultStore};
use pawl_domain::{Kind, Step};
use pawl_ports::Sources;
use pawl_servers::vault::{VaultDouble, VaultFault, VaultOptions, VaultRule};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn the_authority_comes_from_the_store_or_the_cluster() {
    let double = with_tls().await;
    let (ca, other) = (double.ca_pem().unwrap(), with_tls().await.ca_pem().unwrap());
    let in_bank = SecretKeyRef { namespace: Some(name("bank")), ..secret("ca", "ca.crt") };
    let store = store(&double.address());
    let both = VaultStore {
        ca_bundle: Some(ca.clone()),
        ca_provider: Some(CaProvider::Secret(secret("other", "ca.crt"))),
        ..store.clone()
    };
    for store in [
        VaultStore { ca_bundle: Some(ca.clone()), ..store.clone() },
        VaultStore { ca_bundle: Some(format!("{other}\n{ca}")), ..store.clone() },
        VaultStore { ca_provider: Some(CaProvider::Secret(secret("ca", "ca.crt"))), ..store.clone() },
        VaultStore { ca_provider: Some(CaProvider::ConfigMap(in_bank)), ..store.clone() },
        both,
    ] {
        let cluster = FakeCluster::with_token(double.root_token())
            .with("shop/ca/ca.crt", &ca)
            .with("bank/ca/ca.crt", &ca)
            .with("shop/other/ca.crt", &other);
        let answers = sources_of(cluster, double.clock())
            .fetch(&access_of(store.clone()), &[current("secret/a")])
            .await;
        assert_eq!(
            told(&answers),
            [r#"{"a":1}@1"#],
            "{:?} {:?}",
            store.ca_bundle.is_some(),
            store.ca_provider
        );
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_token() {
    let double = with_tls().await;
    let other = with_tls().await.ca_pem().unwrap();
    for (bundle, kind, want) in [
        (None, Kind::Unreachable, "its certificate is not trusted"),
        (Some(other), Kind::Unreachable, "its certificate is not trusted"),
        (
            Some("no PEM".to_owned()),
            Kind::Invalid,
            "the CA certificates are not PEM; correct caBundle or caProvider",
        ),
    ] {
        let store = VaultStore { ca_bundle: bundle, max_retries: Some(0), ..store(&double.address()) };
        let cluster = FakeCluster::with_token(double.root_token());
        let error = failure(
            sources_of(cluster, double.clock()).fetch(&access_of(store), &[current("secret/a")]).await,
        );
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message().contains(want), "{error}");
    }
    assert_eq!(double.calls(), []);
}

#[tokio::test]
async fn client_certificates_are_shown() {
    let double = with_tls().await;
    let (certificate, key) = double.client_certificate("pawl").unwrap().unwrap();
    let shown = ClientCertificate { certificate: secret("tls", "tls.crt"), key: secret("tls", "tls.key") };
    let store = VaultStore {
        ca_bundle: double.ca_pem(),
        client_certificate: Some(shown),
        ..store(&double.address())
    };
    let cluster = || FakeCluster::with_token(double.root_token()).with("shop/tls/tls.crt", &certificate);
    let answers = sources_of(cluster().with("shop/tls/tls.key", &key), double.clock())
        .fetch(&access_of(store.clone()), &[current("secret/a")])
        .await;
    assert_eq!(told(&answers), [r#"{"a":1}@1"#]);
    let broken = sources_of(cluster().with("shop/tls/tls.key", "hunter2"), double.clock());
    let error = failure(broken.fetch(&access_of(store), &[current("secret/a")]).await);
    assert!(
        error.kind == Kind::Invalid
            && error.message().ends_with("the client certificate or its key is not PEM"),
        "{error}"
    );
}

#[tokio::test]
async fn a_login_with_a_certificate_shows_it_with_every_request() {
    let double = with_tls().await;
    let (certificate, key) = double.client_certificate("pawl").unwrap().unwrap();
    let api = double.api().unwrap();
    double.put_policy("", "reader", "path \"secret/*\" {\n  capabilities = [\"read\"]\n}\n").unwrap();
    api.must("POST", "sys/auth/cert", Some(&json!({ "type": "cert" }))).await.unwrap();
    let role = json!({ "certificate": certificate, "token_policies": "reader", "token_ttl": "20m" });
    api.must("POST", "auth/cert/certs/pawl", Some(&role)).await.unwrap();
    let own = ClientCertificate { certificate: secret("login", "tls.crt"), key: secret("login", "tls.key") };
    // The store's own certificate gives way to that of the login.
    let other =
        ClientCertificate { certificate: secret("nothing", "tls.crt"), key: secret("nothing", "tls.key") };
    for (role, works) in [(None, true), (Some("pawl"), true), (Some("other"), false)] {
        let auth =
            VaultAuth::Cert { path: "cert".into(), role: role.map(str::to_owned), certificate: own.clone() };
        let store = VaultStore {
            ca_bundle: double.ca_pem(),
            client_certificate: Some(other.clone()),
            auth: Some(auth),
            ..store(&double.address())
        };
        let cluster =
            FakeCluster::default().with("shop/login/tls.crt", &certificate).with("shop/login/tls.key", &key);
        let sources = sources_of(cluster, double.clock());
        let answers = sources.fetch(&access_of(store), &[current("secret/a")]).await;
        match works {
            true => assert_eq!(told(&answers), [r#"{"a":1}@1"#], "{role:?}"),
            false => {
                let error = failure(answers);
                assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
            }
        }
    }
}

/// Whoever answers for the server could else have the token sent in the clear, and give any value back.
#[tokio::test]
async fn no_redirect_leaves_tls() {
    let double = with_tls().await;
    let plain = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "data": { "a": 2 } } })))
        .mount(&plain)
        .await;
    let path = "/v1/secret/data/a";
    let same = double.address().replace("https:", "http:");
    for to in [format!("{}{path}", plain.uri()), format!("{same}{path}")] {
        let location = ("location".to_owned(), to.clone());
        let there = VaultFault::Answer { status: 307, errors: Vec::new(), headers: vec![location] };
        double.faults().clear();
        double.faults().add(VaultRule::new(there).path("secret/data/*"));
        let store =
            VaultStore { ca_bundle: double.ca_pem(), max_retries: Some(0), ..store(&double.address()) };
        let cluster = FakeCluster::with_token(double.root_token());
        let sources = sources_of(cluster, double.clock());
        let error = failure(sources.fetch(&access_of(store), &[current("secret/a")]).await);
        assert_eq!(error.kind, Kind::Invalid, "{to}: {error}");
        assert!(error.message().contains("points elsewhere"), "{to}: {error}");
        assert_eq!(plain.received_requests().await.unwrap().len(), 0, "{to}: it was followed");
    }
}

async fn with_tls() -> VaultDouble {
    let double = VaultDouble::start(VaultOptions::default().tls()).await.unwrap();
    double.put("", "secret", "a", &json!({ "a": 1 })).unwrap();
    double
}
