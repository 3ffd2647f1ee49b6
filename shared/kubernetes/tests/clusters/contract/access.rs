//! Who Pawl is to a cluster, and what it may learn there.

use crate::pawl::{Identity, blue, build, data, id, name, options, options_at, pawl};
use crate::server::Server;
use pawl_domain::cluster::{Connection, SecretKeyAt};
use pawl_domain::reconcile::{Action, Desired};
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Clusters, EksEndpoint, TargetRef};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) async fn is_denied_with_the_verb_and_the_resource(server: &Server) {
    server.namespace("denied").await;
    let weak = pawl(server, &server.weak);
    let (id, db) = (id("denied", "es"), name("db"));
    assert!(weak.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
    let desired = Desired { data: data(&[("a", "1")]), ..Desired::default() };
    let error = weak.apply(TargetRef::secret(&id, &db), &Action::Create(desired)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Write, Kind::Denied));
    let says = "Secret denied/db in cluster blue: not allowed to create secrets; grant it as infra/kubernetes/rbac.yaml";
    assert!(error.message().starts_with(says), "{error}");
    let error = weak.managed(&blue()).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Read, Kind::Denied));
    let error = weak.manifests(&known(server)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Denied));

    let nobody = pawl(server, "nobodys-token");
    let error = nobody.read(TargetRef::secret(&id, &db)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(error.message().starts_with("cluster blue does not accept the token"), "{error}");
    assert!(!error.message().contains("nobodys-token"));
}

fn known(server: &Server) -> pawl_domain::Cluster {
    pawl_domain::Cluster {
        name: blue(),
        labels: [].into(),
        connection: Connection::Url {
            url: server.url.clone(),
            ca: Some(server.ca.clone()),
            token: pawl_domain::cluster::TokenSource::Env(server.weak.clone()),
        },
        index: true,
        namespaces: [].into(),
    }
}

fn eks(server: &Server, endpoint: bool) -> Connection {
    Connection::Eks {
        name: "shop".to_owned(),
        region: "eu-central-1".to_owned(),
        role: None,
        endpoint: endpoint.then(|| server.url.clone()),
        ca: endpoint.then(|| server.ca.clone()),
    }
}

pub(crate) async fn survives_a_token_that_is_refused(server: &Server) {
    server.namespace("tokens").await;
    let tokens = ["expired".to_owned(), server.pawl.clone()];
    let identity = Arc::new(Identity { tokens: tokens.to_vec().into(), ..Identity::default() });
    let pawl = build(eks(server, true), Arc::clone(&identity), options_at(&server.url));
    let (id, db) = (id("tokens", "es"), name("db"));
    let reads = (0..8).map(|_| pawl.read(TargetRef::secret(&id, &db)));
    for found in futures::future::join_all(reads).await {
        assert!(found.unwrap().is_none());
    }
    // One for all, then another one for all.
    assert_eq!(identity.minted.load(Ordering::SeqCst), 2);
    assert_eq!(identity.asked.load(Ordering::SeqCst), 0);

    let identity = Arc::new(Identity { tokens: vec!["expired".to_owned()].into(), ..Identity::default() });
    let pawl = build(eks(server, true), Arc::clone(&identity), options_at(&server.url));
    assert_eq!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap_err().step, Step::Authenticate);
    assert_eq!(identity.minted.load(Ordering::SeqCst), 2);
}

pub(crate) async fn asks_eks_once_for_the_endpoint(server: &Server) {
    let endpoint = EksEndpoint { url: server.url.clone(), ca: server.ca.clone() };
    let identity = Identity {
        tokens: vec![server.pawl.clone()].into(),
        endpoint: Some(endpoint),
        ..Identity::default()
    };
    let identity = Arc::new(identity);
    let pawl = build(eks(server, false), Arc::clone(&identity), options());
    let (id, db) = (id("tokens", "es"), name("db"));
    let reads = (0..8).map(|_| pawl.read(TargetRef::secret(&id, &db)));
    for found in futures::future::join_all(reads).await {
        assert!(found.unwrap().is_none());
    }
    assert_eq!((identity.asked.load(Ordering::SeqCst), identity.minted.load(Ordering::SeqCst)), (1, 1));
}

pub(crate) async fn gives_credentials(server: &Server) {
    server.namespace("credentials").await;
    let pawl = pawl(server, &server.pawl);
    let metadata = json!({ "name": "keys", "labels": { "a": "b" } });
    let keys = json!({ "metadata": metadata, "data": { "id": "AGlkCg==" } });
    server.create("/api/v1/namespaces/credentials/secrets", keys).await;
    let at = |name: &str, key: &str| SecretKeyAt {
        namespace: "credentials".parse().unwrap(),
        name: name.parse().unwrap(),
        key: key.to_owned(),
    };
    assert_eq!(pawl.secret_key(&blue(), &at("keys", "id")).await.unwrap(), SecretValue::new(*b"\0id\n"));
    let namespace = "credentials".parse().unwrap();
    let whole = pawl.secret(&blue(), &namespace, &name("keys")).await.unwrap();
    assert_eq!((whole.labels["a"].as_str(), whole.labels.len(), whole.data.len()), ("b", 1, 1));
    assert_eq!(whole.data["id"], SecretValue::new(*b"\0id\n"));
    let error = pawl.secret(&blue(), &namespace, &name("none")).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::NotFound));
    for (at, says) in [
        (
            at("keys", "none"),
            "cannot find secret data for key: \"none\" in Secret credentials/keys in cluster blue",
        ),
        (at("none", "id"), "Secret credentials/none in cluster blue does not exist"),
    ] {
        let error = pawl.secret_key(&blue(), &at).await.unwrap_err();
        assert_eq!((error.step, error.kind, error.message()), (Step::Authenticate, Kind::NotFound, says));
    }

    let account =
        json!({ "metadata": { "name": "reader", "annotations": { "eks.amazonaws.com/role-arn": "arn" } } });
    server.create("/api/v1/namespaces/credentials/serviceaccounts", account).await;
    let reader = name("reader");
    let annotations = pawl.service_account(&blue(), &namespace, &reader).await.unwrap();
    assert_eq!(annotations["eks.amazonaws.com/role-arn"], "arn");
    let audiences = ["sts.amazonaws.com".to_owned()];
    let token = pawl.service_account_token(&blue(), &namespace, &reader, &audiences).await.unwrap();
    let claims = token.expose_str().unwrap().split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], json!(audiences));
    assert_eq!(claims["sub"], "system:serviceaccount:credentials:reader");
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!(life >= 600, "{claims}");
    let missing = pawl.service_account_token(&blue(), &namespace, &name("none"), &audiences).await;
    assert_eq!(missing.unwrap_err().kind, Kind::NotFound);
}

/// With what stores are told, somebody without Pawl's credentials reaches the server, and is nobody there.
pub(crate) async fn tells_where_the_api_server_is(server: &Server) {
    let pawl = pawl(server, &server.pawl);
    let endpoint = pawl.api_server(&blue()).await.unwrap();
    assert_eq!(endpoint.url, server.url);
    let roots = reqwest::Certificate::from_pem_bundle(endpoint.ca.unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only(roots).build().unwrap();
    let answer = client.get(format!("{}/api/v1/secrets", endpoint.url)).send().await.unwrap();
    assert!(matches!(answer.status().as_u16(), 401 | 403), "{}", answer.status());
    let error = pawl.api_server(&"unknown".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
}

pub(crate) async fn tells_of_namespaces(server: &Server) {
    server.namespace("labels").await;
    let pawl = pawl(server, &server.pawl);
    let labels = pawl.namespace_labels(&blue(), &"labels".parse().unwrap()).await.unwrap();
    assert_eq!(labels["tier"], "labels");
    let error = pawl.namespace_labels(&blue(), &"none".parse().unwrap()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message()),
        (Kind::NotFound, "namespace none does not exist in cluster blue; create it")
    );
}
