//! Identities that only a real API server takes: client certificates, in a store's own fields and in a kubeconfig.

use crate::cluster::{CANARY, Cluster, access, at, bounds, clock, own};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{ApiAuth, ApiServer, ClientCertificate, KubernetesApi, KubernetesStore};
use pawl_domain::{DigestKey, Kind, SecretValue, Step, VersionSelector};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_stores::KubernetesSources;
use serde_json::json;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn client_certificates_are_identities() {
    let cluster = Cluster::real().await;
    let secret = json!({ "data": { "password": STANDARD.encode("one") } });
    cluster.put("/api/v1/namespaces/shop/secrets", "db", secret).await;
    let reader = cluster.server().certificate_of("reader").unwrap();
    let nobody = cluster.server().certificate_of("nobody").unwrap();
    let by_fields = |server: ApiServer| {
        let auth = ClientCertificate { certificate: at("proof", "crt"), key: at("proof", "key") };
        KubernetesApi::Server { server, auth: ApiAuth::Certificate(auth) }
    };
    let by_address =
        || ApiServer::At { url: cluster.url.clone(), ca_bundle: Some(cluster.ca.clone()), ca_provider: None };
    let by_kubeconfig = || KubernetesApi::Kubeconfig(at("proof", "config"));
    let read = async |api: KubernetesApi, certificate: &str, key: &str| {
        let clusters = cluster.seen("unused");
        clusters.edit("blue/shop/proof", |secret| secret.set("crt", certificate));
        clusters.edit("blue/shop/proof", |secret| secret.set("key", key));
        let config = kubeconfig(&cluster, certificate, key);
        clusters.edit("blue/shop/proof", |secret| secret.set("config", config.as_str()));
        let digest_key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
        let sources = KubernetesSources::new(clusters, Arc::new(clock()), digest_key).bounded(bounds());
        let access = access(KubernetesStore { api, remote_namespace: "shop".parse().unwrap() }.into());
        let wanted =
            Wanted { key: "shop/db".to_owned(), selector: VersionSelector::Current, part: Part::Value };
        let fetched: Result<_, Error> = sources.fetch(&access, &[wanted]).await.remove(0);
        (fetched.map(|fetched| fetched.value), sources.validate(&access).await)
    };
    for api in [by_fields(ApiServer::Own), by_fields(by_address()), by_kubeconfig()] {
        let (value, checked) = read(api.clone(), &reader.certificate, &reader.key).await;
        assert_eq!(value.unwrap().expose_str(), Some(r#"{"password":"b25l"}"#), "{api:?}");
        checked.unwrap();
        // A user that RBAC lets do nothing is known, and may not.
        let (value, checked) = read(api.clone(), &nobody.certificate, &nobody.key).await;
        assert_eq!(value.map(|_| ()).unwrap_err().kind, Kind::Denied, "{api:?}");
        assert_eq!(checked.unwrap_err().kind, Kind::Denied, "{api:?}");
        // Whoever another authority vouches for is nobody that the server knows.
        let (value, _) = read(api.clone(), &foreign().0, &foreign().1).await;
        let error = value.map(|_| ()).unwrap_err();
        assert!(error.step == Step::Authenticate || error.kind == Kind::Unreachable, "{api:?}: {error}");
        // What is no certificate proves nothing, and stands in no message.
        let (value, _) = read(api.clone(), CANARY, &reader.key).await;
        let error = value.map(|_| ()).unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{api:?}: {error}");
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
    // A certificate beside no token at all: the connection alone proves who asks.
    let nobody = read(own(), &reader.certificate, &reader.key).await.0.map(|_| ()).unwrap_err();
    assert_eq!(
        nobody.step,
        Step::Authenticate,
        "a token that is wrong is not mended by a certificate nearby"
    );
}

/// A certificate and key of an authority that the server does not know.
fn foreign() -> (String, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["reader".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn kubeconfig(cluster: &Cluster, certificate: &str, key: &str) -> String {
    let user = json!({
        "client-certificate-data": STANDARD.encode(certificate),
        "client-key-data": STANDARD.encode(key),
    });
    let server = json!({ "server": cluster.url, "certificate-authority-data": STANDARD.encode(&cluster.ca) });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": server }],
        "users": [{ "name": "test", "user": user }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "current-context": "test",
    })
    .to_string()
}
