//! What `pawl rbac` grants, and what its policy refuses all the same.

use crate::pawl::{blue, pawl};
use crate::server::Server;
use pawl_domain::reconcile::MANAGED_LABEL;
use pawl_kubernetes::rbac::{Profile, Rights};
use pawl_ports::{ClusterCredentials, Clusters};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(crate) async fn suite(server: &Server) {
    for namespace in ["shop", "other"] {
        server.namespace(namespace).await;
        let account = json!({ "metadata": { "name": "reader" } });
        server.create(&format!("/api/v1/namespaces/{namespace}/serviceaccounts"), account).await;
    }
    let rights = Rights {
        profile: Profile::Index,
        pushes: false,
        families: true,
        // A mistake that the policy makes good.
        namespaces: ["shop", "kube-system"].map(|name| name.parse().unwrap()).into(),
        accounts: [("shop".parse().unwrap(), "reader".parse().unwrap())].into(),
        group: "pawl".to_owned(),
    };
    for manifest in rights.manifests() {
        server.apply(&manifest).await;
    }
    let secret = |name: &str, managed: bool, kind: &str| {
        let labels = if managed { json!({ MANAGED_LABEL: "true" }) } else { json!({}) };
        let annotations = json!({ "kubernetes.io/service-account.name": "reader" });
        json!({ "metadata": { "name": name, "labels": labels, "annotations": annotations }, "type": kind })
    };
    let create = async |namespace: &str, object: Value| {
        server.as_pawl(Method::POST, &format!("/api/v1/namespaces/{namespace}/secrets"), object).await
    };
    let opaque = |managed| secret("dry", managed, "Opaque");
    // A policy takes a moment to be enforced.
    let deadline = Instant::now() + Duration::from_secs(60);
    let dry = "/api/v1/namespaces/shop/secrets?dryRun=All";
    while server.as_pawl(Method::POST, dry, opaque(false)).await != 403 {
        assert!(Instant::now() < deadline, "the policy is not enforced");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(create("shop", secret("mine", true, "Opaque")).await, 201);
    assert_eq!(create("shop", secret("theirs", false, "Opaque")).await, 403);
    assert_eq!(create("shop", secret("token", true, "kubernetes.io/service-account-token")).await, 403);
    assert_eq!(create("kube-system", secret("mine", true, "Opaque")).await, 403);
    assert_eq!(create("other", secret("mine", true, "Opaque")).await, 403);

    server.create("/api/v1/namespaces/shop/secrets", secret("theirs", false, "Opaque")).await;
    let delete = async |name: &str| {
        server.as_pawl(Method::DELETE, &format!("/api/v1/namespaces/shop/secrets/{name}"), json!({})).await
    };
    assert_eq!((delete("theirs").await, delete("mine").await), (403, 200));

    let pawl = pawl(server, &server.pawl);
    let labels = async |namespace: &str| pawl.namespace_labels(&blue(), &namespace.parse().unwrap()).await;
    assert_eq!(labels("shop").await.unwrap()["tier"], "shop");
    assert!(labels("other").await.is_err());
    let token = async |namespace: &str, account: &str| {
        let (namespace, account) = (namespace.parse().unwrap(), account.parse().unwrap());
        pawl.service_account_token(&blue(), &namespace, &account, &["audience".to_owned()]).await
    };
    assert!(token("shop", "reader").await.is_ok());
    assert!(token("shop", "default").await.is_err());
    assert!(token("other", "reader").await.is_err());
}
