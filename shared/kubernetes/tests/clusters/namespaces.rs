//! Clusters in which Pawl has rights in some namespaces only.

use crate::pawl::{Directory, Identity, blue, on, options};
use pawl_devcluster::{DevCluster, Options, User};
use pawl_domain::Kind;
use pawl_domain::cluster::{Cluster, Connection, TokenSource};
use pawl_ports::{Clusters, Declared, Sighting, Watches};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn only_the_namespaces_that_a_cluster_names_are_listed_and_watched() {
    let server = DevCluster::start(Options::default()).await.unwrap();
    let seeing: &[&str] = &["get", "list", "watch"];
    let local = User::new("local")
        .allow(seeing, &["secrets", "externalsecrets", "secretstores"], &["shop", "till"])
        .allow(seeing, &["clustersecretstores"], &[]);
    server.add_token("local", local);
    for namespace in ["shop", "till", "vault"] {
        server.put(object("v1", "Namespace", None, namespace)).unwrap();
        let mut secret = object("v1", "Secret", Some(namespace), "db");
        secret["metadata"]["labels"] = json!({ "reconcile.external-secrets.io/managed": "true" });
        server.put(secret).unwrap();
        server.put(external_secret(namespace)).unwrap();
    }

    let everywhere = cluster(&server, []);
    let pawl = on(directory(&everywhere), Arc::default(), options());
    assert_eq!(pawl.managed(&blue()).await.unwrap_err().kind, Kind::Denied, "all namespaces at once");

    let both = cluster(&server, ["shop", "till"]);
    let pawl = on(directory(&both), Arc::<Identity>::default(), options());
    let managed = pawl.managed(&blue()).await.unwrap();
    let managed: Vec<_> = managed.keys().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
    assert_eq!(managed, ["shop/db", "till/db"]);
    let manifests = pawl.manifests(&both).await.unwrap();
    assert!(
        !manifests.problems.iter().any(|problem| problem.object.starts_with("kind ")),
        "{:?}",
        manifests.problems
    );
    let found: Vec<_> = manifests.declarations.iter().map(|each| each.id.to_string()).collect();
    assert_eq!(found, ["blue/shop/db", "blue/till/db"]);

    let (tell, mut told) = mpsc::channel(64);
    let watching = tokio::spawn(async move { pawl.watch(&both, &tell).await });
    // Two kinds and the Secrets in both namespaces, and the kind that lives in none.
    for _ in 0..7 {
        let sighting = tokio::time::timeout(LIMIT, told.recv()).await.unwrap().unwrap();
        assert!(matches!(sighting, Sighting::Declarations | Sighting::Targets), "{sighting:?}");
    }
    for namespace in ["vault", "till"] {
        let mut edited = external_secret(namespace);
        edited["spec"]["refreshInterval"] = json!("1m");
        server.put(edited).unwrap();
    }
    let seen = tokio::time::timeout(LIMIT, told.recv()).await.unwrap().unwrap();
    let Sighting::Standing(Declared::ExternalSecret(namespace, _), _) = seen else { panic!("{seen:?}") };
    assert_eq!(namespace.as_str(), "till");
    watching.abort();
}

fn cluster<const N: usize>(server: &DevCluster, namespaces: [&str; N]) -> Cluster {
    let connection = Connection::Url {
        url: server.url(),
        ca: Some(server.ca_pem().to_owned()),
        token: TokenSource::Env("local".to_owned()),
    };
    let namespaces: BTreeSet<_> = namespaces.iter().map(|name| name.parse().unwrap()).collect();
    Cluster { name: blue(), labels: [].into(), connection, index: true, namespaces }
}

fn directory(cluster: &Cluster) -> Arc<Directory> {
    Arc::new(Directory(Mutex::new(cluster.clone())))
}

fn external_secret(namespace: &str) -> Value {
    let mut object = object("external-secrets.io/v1", "ExternalSecret", Some(namespace), "db");
    object["spec"] = json!({
        "secretStoreRef": { "kind": "ClusterSecretStore", "name": "aws" },
        "data": [{ "secretKey": "a", "remoteRef": { "key": "app/a" } }],
    });
    object
}

fn object(version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Value {
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name } });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}
