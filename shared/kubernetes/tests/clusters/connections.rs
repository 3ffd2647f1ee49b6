//! The way to a cluster: found, kept, bounded, lost.

use crate::pawl::{Identity, build, declared, id, name, on, options, options_at, pawl, replacement, with};
use crate::server::Server;
use pawl_devcluster::{DevCluster, Fault, Rule};
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::{Kind, SecretValue, Step};
use pawl_kubernetes::Options;
use pawl_ports::{Clusters, TargetRef};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

fn url(url: &str, token: TokenSource) -> Connection {
    Connection::Url { url: url.to_owned(), ca: None, token }
}

fn env(token: &str) -> TokenSource {
    TokenSource::Env(token.to_owned())
}

/// Accepts connections and says nothing; counts them.
async fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            kept.push(stream);
        }
    });
    (address.to_string(), accepted)
}

fn hasty() -> Options {
    Options {
        connect_timeout: Duration::from_millis(200),
        request_timeout: Duration::from_millis(200),
        concurrency: 2,
        fail_fast: Duration::from_secs(60),
        ..options()
    }
}

#[tokio::test]
async fn a_cluster_that_is_silent_costs_one_timeout_and_not_one_per_secret() {
    for scheme in ["https", "http"] {
        let (address, accepted) = silent().await;
        let pawl = build(url(&format!("{scheme}://{address}"), env("t")), Arc::default(), hasty());
        let (id, db) = (id("shop", "es"), name("db"));
        let start = Instant::now();
        for result in futures::future::join_all((0..50).map(|_| pawl.read(TargetRef::secret(&id, &db)))).await
        {
            let error = result.unwrap_err();
            assert_eq!((error.step, error.kind), (Step::Read, Kind::Unreachable), "{error}");
            assert!(error.message().starts_with("cluster blue cannot be reached: "), "{error}");
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert_eq!(accepted.load(Ordering::SeqCst), 2, "as many as may be under way at once");
    }
}

#[tokio::test]
async fn a_cluster_that_is_back_is_tried_again() {
    let server = DevCluster::start(pawl_devcluster::Options::default()).await.unwrap();
    let options = Options { fail_fast: Duration::ZERO, ..hasty() };
    let connection = Connection::Url {
        url: server.url(),
        ca: Some(server.ca_pem().to_owned()),
        token: env(server.token()),
    };
    let pawl = build(connection, Arc::default(), options);
    let (id, db) = (id("default", "es"), name("db"));
    assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
    server.cut_off().await.unwrap();
    let error = pawl.read(TargetRef::secret(&id, &db)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    server.restore().await.unwrap();
    assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_a_fault_of_the_moment() {
    let server = DevCluster::start(pawl_devcluster::Options::default()).await.unwrap();
    let connection = Connection::Url {
        url: server.url(),
        ca: Some(server.ca_pem().to_owned()),
        token: env(server.token()),
    };
    let pawl = with(connection);
    let (id, db) = (id("default", "es"), name("db"));
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        server.faults().add(Rule::new(fault).method("PATCH").times(1));
        let error = pawl.replace(&id, &db, "1", &replacement(&[("a", "1")])).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Write, Kind::Transient), "{error}");
        // The cluster is not taken to be down.
        assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn requests_under_way_are_bounded() {
    let server = DevCluster::start(pawl_devcluster::Options::default()).await.unwrap();
    server.faults().add(Rule::new(Fault::Latency(Duration::from_millis(50))));
    let connection = Connection::Url {
        url: server.url(),
        ca: Some(server.ca_pem().to_owned()),
        token: env(server.token()),
    };
    let pawl = build(connection, Arc::default(), Options { concurrency: 2, ..options() });
    let (id, db) = (id("default", "es"), name("db"));
    let start = Instant::now();
    let results = futures::future::join_all((0..6).map(|_| pawl.read(TargetRef::secret(&id, &db)))).await;
    assert!(results.into_iter().all(|result| result.is_ok()));
    assert!(start.elapsed() >= Duration::from_millis(150), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_token_file_is_read_again_when_its_token_is_refused() {
    let server = Server::embedded().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "expired\n").unwrap();
    let file = path.to_str().unwrap().to_owned();
    let connection = |token| Connection::Url { url: server.url.clone(), ca: Some(server.ca.clone()), token };
    let pawl = with(connection(TokenSource::File(file.clone())));
    let (id, db) = (id("default", "es"), name("db"));
    let error = pawl.read(TargetRef::secret(&id, &db)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    fs::write(&path, format!("{}\n", server.pawl)).unwrap();
    assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
    // A token that is good is not read again.
    fs::remove_file(&path).unwrap();
    assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());

    let pawl = with(connection(TokenSource::File(file)));
    let error = pawl.read(TargetRef::secret(&id, &db)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message().contains("token") && error.message().contains("entity not found"), "{error}");
    let pawl = with(connection(TokenSource::SecretsManager(server.pawl.clone())));
    assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
}

#[tokio::test]
async fn kubeconfigs_are_used_but_nothing_in_them_is_run() {
    let server = DevCluster::start(pawl_devcluster::Options::named("dev")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let path = path.to_str().unwrap();
    let (id, db) = (id("default", "es"), name("db"));
    let read = async |text: &str, context: Option<&str>| {
        fs::write(path, text).unwrap();
        let connection =
            Connection::Kubeconfig { path: path.to_owned(), context: context.map(str::to_owned) };
        with(connection).read(TargetRef::secret(&id, &db)).await
    };
    assert!(read(&server.kubeconfig(), None).await.unwrap().is_none());
    assert!(read(&server.kubeconfig(), Some("dev")).await.unwrap().is_none());

    let user = serde_json::json!({ "token": server.token() }).to_string();
    let with_user = |other: &str| {
        let kubeconfig = server.kubeconfig();
        assert!(kubeconfig.contains(&user));
        kubeconfig.replace(&user, other)
    };
    let marker = folder.path().join("ran");
    let exec = serde_json::json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [marker], "interactiveMode": "Never",
    } });
    for (text, context, says) in [
        (with_user(&exec.to_string()), None, "exec plugins are not run"),
        (with_user(r#"{"auth-provider":{"name":"gcp"}}"#), None, "auth-provider is not supported"),
        (
            with_user(r#"{"username":"u","password":"hunter2"}"#),
            None,
            "basic authentication is not supported",
        ),
        (with_user(r#"{"token":"t","as":"admin"}"#), None, "impersonation is not supported"),
        (
            with_user(&user)
                .replace("certificate-authority-data\":", "insecure-skip-tls-verify\":true,\"x\":"),
            None,
            "insecure-skip-tls-verify would hand values",
        ),
        (with_user(&user), Some("prod"), "has no context prod"),
        ("users: [{ name: hunter2".to_owned(), None, "is not a kubeconfig"),
        (String::new(), None, "has no current context"),
    ] {
        let error = read(&text, context).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error}");
        assert!(error.message().contains(says), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(!marker.exists());
    fs::remove_file(path).unwrap();
    let connection = Connection::Kubeconfig { path: path.to_owned(), context: None };
    let error = with(connection).read(TargetRef::secret(&id, &db)).await.unwrap_err();
    assert!(error.message().contains("cannot be read: entity not found"), "{error}");
}

#[tokio::test]
async fn a_declaration_that_cannot_be_used_says_what_to_correct() {
    let (id, db) = (id("shop", "es"), name("db"));
    let none = Options { lookup: Arc::new(|_| None), ..options() };
    let empty = Options { lookup: Arc::new(|_| Some(SecretValue::new(" \n"))), ..options() };
    for (connection, options, says) in [
        (url("https://127.0.0.1:1", env("TOKEN")), none, "environment variable TOKEN is not set"),
        (url("https://127.0.0.1:1", env("TOKEN")), empty, "the token for cluster blue is empty"),
        (url("not a url", env("t")), options(), "its URL is not one"),
        (
            Connection::Url { url: "https://127.0.0.1:1".into(), ca: Some("text".into()), token: env("t") },
            options(),
            "its CA is no certificate in PEM",
        ),
    ] {
        let error =
            build(connection, Arc::default(), options).read(TargetRef::secret(&id, &db)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error}");
        assert!(error.message().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_server_with_another_ca_is_not_talked_to() {
    let (one, other) = (Server::embedded().await, Server::embedded().await);
    let connection =
        Connection::Url { url: one.url.clone(), ca: Some(other.ca.clone()), token: env(&one.pawl) };
    let error =
        with(connection).read(TargetRef::secret(&id("default", "es"), &name("db"))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(error.message().contains("certificate"), "{error}");
    assert!(pawl(&one, &one.pawl).read(TargetRef::secret(&id("default", "es"), &name("db"))).await.is_ok());
}

#[tokio::test]
async fn a_cluster_that_is_declared_anew_is_found_anew() {
    let server = Server::embedded().await;
    let identity = Arc::new(Identity { tokens: vec![server.pawl.clone()].into(), ..Identity::default() });
    let eks = |ca: &str| Connection::Eks {
        name: "shop".to_owned(),
        region: "eu-central-1".to_owned(),
        role: None,
        endpoint: Some(server.url.clone()),
        ca: Some(ca.to_owned()),
    };
    let directory = declared(eks("text"));
    let pawl = on(Arc::clone(&directory), identity, options_at(&server.url));
    let (id, db) = (id("default", "es"), name("db"));
    assert_eq!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap_err().kind, Kind::Invalid);
    directory.change(eks(&server.ca));
    assert!(pawl.read(TargetRef::secret(&id, &db)).await.unwrap().is_none());
}

#[tokio::test]
async fn who_cannot_be_asked_for_the_endpoint_is_asked_once_for_all() {
    let identity = Arc::new(Identity::default());
    let eks = Connection::Eks {
        name: "shop".to_owned(),
        region: "eu-central-1".to_owned(),
        role: None,
        endpoint: None,
        ca: None,
    };
    let pawl = build(eks, Arc::clone(&identity), options());
    let (id, db) = (id("shop", "es"), name("db"));
    for result in futures::future::join_all((0..50).map(|_| pawl.read(TargetRef::secret(&id, &db)))).await {
        let error = result.unwrap_err();
        assert_eq!(
            (error.step, error.kind, error.message()),
            (Step::Authenticate, Kind::Denied, "no EKS for you")
        );
    }
    assert_eq!(identity.asked.load(Ordering::SeqCst), 1);
}
