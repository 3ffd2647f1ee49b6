//! Whoever declares a Cluster chooses where its token is sent. So nothing is sent that is not for that server.

use crate::pawl::{Identity, build, declared, id, name, on, options};
use crate::server::Server;
use pawl_domain::cluster::{Allowed, Connection, TokenSource};
use pawl_domain::{Kind, SecretValue};
use pawl_kubernetes::Options;
use pawl_ports::{Clusters, EksEndpoint, Error, TargetRef};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// As an operator has it who sets nothing but the directory.
fn strict(files: &Path) -> Options {
    Options { allowed: Allowed { files: vec![files.to_owned()], ..Allowed::default() }, ..options() }
}

async fn read(connection: Connection, options: Options) -> Result<(), Error> {
    build(connection, Arc::default(), options)
        .read(TargetRef::secret(&id("default", "es"), &name("db")))
        .await
        .map(drop)
}

/// A server that counts who comes to it.
async fn trap() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address.to_string(), came)
}

#[tokio::test]
async fn a_cluster_gets_no_secret_variable_or_file_that_is_not_for_clusters() {
    let (address, came) = trap().await;
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("clusters"), folder.path().join("ledger.key"));
    fs::create_dir(&inside).unwrap();
    fs::write(&outside, "hunter2").unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
    let file = |path: &Path| TokenSource::File(path.display().to_string());
    for token in [
        TokenSource::SecretsManager("pawl/prod-token".to_owned()),
        TokenSource::Env("PAWL_LEDGER_KEY".to_owned()),
        TokenSource::Env("AWS_SECRET_ACCESS_KEY".to_owned()),
        file(&outside),
        file(&inside.join("link")),
        file(&inside.join("../ledger.key")),
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{address}");
            let connection = Connection::Url { url, ca: None, token: token.clone() };
            let error = read(connection, strict(&inside)).await.unwrap_err();
            assert_eq!(error.kind, Kind::Invalid, "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
    for path in [outside.clone(), inside.join("link")] {
        let connection = Connection::Kubeconfig { path: path.display().to_string(), context: None };
        let error = read(connection, strict(&inside)).await.unwrap_err();
        assert!(error.to_string().contains("PAWL_CLUSTER_FILES"), "{error}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_token_file_may_be_a_link_within_its_directory() {
    let server = Server::embedded().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("..data")).unwrap();
    fs::write(folder.path().join("..data/token"), &server.pawl).unwrap();
    std::os::unix::fs::symlink("..data/token", folder.path().join("token")).unwrap();
    let token = TokenSource::File(folder.path().join("token").display().to_string());
    let connection = Connection::Url { url: server.url.clone(), ca: Some(server.ca.clone()), token };
    read(connection, strict(folder.path())).await.unwrap();
}

#[tokio::test]
async fn a_token_that_names_its_server_goes_nowhere_else() {
    let (server, other) = (Server::embedded().await, Server::embedded().await);
    let text = serde_json::json!({ "token": server.pawl, "server": server.url }).to_string();
    let lookup = |text: String| Options {
        lookup: Arc::new(move |_| Some(SecretValue::new(text.as_bytes()))),
        ..options()
    };
    let to = |at: &Server| Connection::Url {
        url: at.url.clone(),
        ca: Some(at.ca.clone()),
        token: TokenSource::Env("PAWL_CLUSTER_TOKEN_BLUE".to_owned()),
    };
    read(to(&server), lookup(text.clone())).await.unwrap();
    let error = read(to(&other), lookup(text)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.to_string().contains("its token is not for") && !error.to_string().contains(&server.pawl));
}

#[tokio::test]
async fn plain_http_needs_the_operators_word_and_this_machine() {
    let (address, came) = trap().await;
    let url = |url: String| Connection::Url { url, ca: None, token: TokenSource::Env("t".to_owned()) };
    let silent = |plain_http: bool| {
        let options = options();
        Options { allowed: Allowed { plain_http, ..options.allowed }, ..options }
    };
    let error = read(url(format!("http://{address}")), silent(false)).await.unwrap_err();
    assert!(error.to_string().contains("PAWL_CLUSTER_PLAIN_HTTP"), "{error}");
    let error = read(url("http://10.255.255.1".to_owned()), silent(true)).await.unwrap_err();
    assert!(error.to_string().contains("write https"), "{error}");
    assert_eq!(came.load(Ordering::SeqCst), 0);
    // Who is there hangs up, sooner or later.
    let error = read(url(format!("http://{address}")), silent(true)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(came.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn an_eks_cluster_is_where_eks_says() {
    let (server, other) = (Server::embedded().await, Server::embedded().await);
    let eks = |endpoint: Option<&str>, ca: Option<&str>| Connection::Eks {
        name: "shop".to_owned(),
        region: "eu-central-1".to_owned(),
        role: None,
        endpoint: endpoint.map(str::to_owned),
        ca: ca.map(str::to_owned),
    };
    let as_eks_says = || EksEndpoint { url: server.url.clone(), ca: server.ca.clone() };
    for (connection, wrong) in [
        (eks(Some(&other.url), Some(&other.ca)), Some("spec.eks.endpoint")),
        (eks(Some(&other.url), None), Some("spec.eks.endpoint")),
        (eks(Some(&server.url), Some(&other.ca)), Some("spec.eks.ca")),
        (eks(None, Some(&other.ca)), Some("spec.eks.ca")),
        (eks(Some(&server.url), Some(&server.ca)), None),
        (eks(None, Some(&server.ca)), None),
        (eks(None, None), None),
    ] {
        let identity = Identity { tokens: vec![server.pawl.clone()].into(), ..Identity::default() };
        let identity = Arc::new(Identity { endpoint: Some(as_eks_says()), ..identity });
        let strict = Options { allowed: Allowed::default(), ..options() };
        let pawl = on(declared(connection.clone()), Arc::clone(&identity), strict);
        let result = pawl.read(TargetRef::secret(&id("default", "es"), &name("db"))).await;
        assert_eq!(result.is_ok(), wrong.is_none(), "{connection:?}: {result:?}");
        if let (Err(error), Some(field)) = (result, wrong) {
            assert!(error.kind == Kind::Invalid && error.to_string().contains(field), "{error}");
            assert_eq!(identity.minted.load(Ordering::SeqCst), 0, "a token was made for {connection:?}");
        }
    }
}
