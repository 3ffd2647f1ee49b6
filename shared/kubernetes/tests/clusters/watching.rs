//! Watches of clusters that are not well.

use crate::pawl::{Pawl, blue, with};
use pawl_devcluster::{DevCluster, Fault, Options, Rule, User};
use pawl_domain::cluster::{Cluster, Connection, TokenSource};
use pawl_ports::{Declared, Sighting, Watches};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(20);

struct Scene {
    server: DevCluster,
    told: mpsc::Receiver<Sighting>,
    watching: JoinHandle<()>,
}

impl Scene {
    /// A watched cluster; of its kinds, `anew` are watched.
    async fn start(server: DevCluster, token: &str, anew: usize) -> Self {
        let connection = Connection::Url {
            url: server.url(),
            ca: Some(server.ca_pem().to_owned()),
            token: TokenSource::Env(token.to_owned()),
        };
        let pawl: Pawl = with(connection.clone());
        let cluster =
            Cluster { name: blue(), labels: [].into(), connection, index: true, namespaces: [].into() };
        let (tell, told) = mpsc::channel(64);
        let watching = tokio::spawn(async move { pawl.watch(&cluster, &tell).await });
        let mut scene = Self { server, told, watching };
        for _ in 0..anew {
            let sighting = scene.next().await;
            assert!(matches!(sighting, Sighting::Declarations | Sighting::Targets), "{sighting:?}");
        }
        scene
    }

    async fn next(&mut self) -> Sighting {
        tokio::time::timeout(LIMIT, self.told.recv()).await.unwrap().unwrap()
    }

    fn apply(&self, name: &str) {
        self.server.put(external_secret(name)).unwrap();
    }

    /// Waits until this ExternalSecret is told of; `anew` counts the watches that began anew before.
    async fn sees(&mut self, name: &str) -> usize {
        let mut anew = 0;
        loop {
            match self.next().await {
                Sighting::Standing(Declared::ExternalSecret(_, told), _) if told.as_str() == name => {
                    return anew;
                }
                Sighting::Declarations => anew += 1,
                _ => {}
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn external_secret(name: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": name, "namespace": "default" },
        "spec": { "secretStoreRef": { "name": "aws" }, "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }] },
    })
}

async fn cluster() -> DevCluster {
    DevCluster::start(Options { bookmark_every: Duration::from_millis(20), ..Options::default() })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_resumed_where_it_broke_off() {
    let server = cluster().await;
    let token = server.token().to_owned();
    let mut scene = Scene::start(server, &token, 4).await;
    scene.apply("first");
    assert_eq!(scene.sees("first").await, 0);
    scene.server.cut_off().await.unwrap();
    scene.apply("second");
    scene.server.restore().await.unwrap();
    assert_eq!(scene.sees("second").await, 0, "what happened meanwhile is told, and nothing is listed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_begins_anew_where_the_server_forgot() {
    let server = cluster().await;
    let token = server.token().to_owned();
    let mut scene = Scene::start(server, &token, 4).await;
    scene.server.cut_off().await.unwrap();
    scene.apply("unseen");
    scene.server.compact();
    scene.server.restore().await.unwrap();
    let mut anew = 0;
    while anew < 3 {
        anew += usize::from(matches!(scene.next().await, Sighting::Declarations));
    }
    scene.apply("seen");
    scene.sees("seen").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_may_not_be_watched_holds_up_no_other() {
    let server = cluster().await;
    let user = User::new("pawl").allow(&["list"], &["secretstores"], &[]).allow(
        &["list", "watch"],
        &["externalsecrets", "secrets"],
        &[],
    );
    server.add_token("narrow", user);
    // Stores are listed and not watched, ClusterSecretStores neither.
    let mut scene = Scene::start(server, "narrow", 3).await;
    scene.apply("app");
    scene.sees("app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_unwell_is_watched_as_soon_as_it_is_well() {
    let server = cluster().await;
    let token = server.token().to_owned();
    let unwell = server.faults().add(Rule::new(Fault::unavailable()).method("GET").times(8));
    let mut scene = Scene::start(server, &token, 4).await;
    assert_eq!(scene.server.faults().hits(unwell), 8, "each was tried again");
    scene.apply("app");
    scene.sees("app").await;
}
