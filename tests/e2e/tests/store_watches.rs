//! `pawl serve` watches the clusters that stores of Kubernetes read: what changes there is in the readers' Secrets at once,
//! though nothing is due by the clock for hours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_devcluster::{DevCluster, Options, User};
use pawl_e2e::{Error, Result, Server, Stage, examples, until};
use pawl_servers::ApiServer;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Each sweep tells which stores can be watched. By the clock nothing is due for hours, so none of them looks at a store again.
const SERVE: [&str; 4] = ["--sweep", "1s", "--index", "24h"];
const BLUE: &str = "blue";
/// What one turn may take on a machine that does other things as well.
const AT_ONCE: Duration = Duration::from_secs(10);
/// What is promised. On a busy machine the fastest of [`TURNS`] still shows whether something waits that need not.
const PROMISED: Duration = Duration::from_secs(1);
const TURNS: usize = 6;
const READER: &str = "reader-of-team-a";

/// A cluster whose objects stores read; Pawl does not know it as one of its own.
struct Source {
    url: String,
    ca: String,
    admin: String,
    http: reqwest::Client,
}

impl Source {
    fn of(url: &str, ca: &str, admin: &str) -> Result<Self> {
        let certificate = reqwest::Certificate::from_pem(ca.as_bytes())?;
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build()?;
        Ok(Self { url: url.to_owned(), ca: ca.to_owned(), admin: admin.to_owned(), http })
    }

    /// The embedded API, with a reader that may do this in the namespaces `team-a` and `team-b`.
    async fn embedded(verbs: &[&str]) -> Result<(DevCluster, Self)> {
        let cluster = DevCluster::start(Options::named("source"))
            .await
            .map_err(|source| Error::Io { action: "a cluster".to_owned(), source })?;
        let user = User::new(READER).allow(verbs, &["secrets", "configmaps"], &["team-a", "team-b"]);
        cluster.add_token(READER, user);
        let this = Self::of(&cluster.url(), cluster.ca_pem(), cluster.token())?;
        for namespace in ["team-a", "team-b"] {
            this.make("/api/v1/namespaces", &json!({ "metadata": { "name": namespace } })).await?;
        }
        Ok((cluster, this))
    }

    async fn make(&self, path: &str, object: &Value) -> Result<()> {
        self.call(Method::POST, path, object).await
    }

    /// Makes the Secret `db` with this password.
    async fn secret(&self, namespace: &str, password: &str) -> Result<()> {
        let data = json!({ "password": STANDARD.encode(password) });
        let secret = json!({ "metadata": { "name": "db" }, "data": data });
        self.make(&format!("/api/v1/namespaces/{namespace}/secrets"), &secret).await
    }

    /// Gives it another one.
    async fn rotate(&self, namespace: &str, password: &str) -> Result<()> {
        let body = json!({ "data": { "password": STANDARD.encode(password) } });
        self.call(Method::PATCH, &format!("/api/v1/namespaces/{namespace}/secrets/db"), &body).await
    }

    /// Gives the ConfigMap `settings` of `team-a` another one.
    async fn rotate_map(&self, password: &str) -> Result<()> {
        let body = json!({ "data": { "password": password } });
        self.call(Method::PATCH, "/api/v1/namespaces/team-a/configmaps/settings", &body).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<()> {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.admin);
        let answer = request.header("content-type", kind).body(body.to_string()).send().await?;
        let status = answer.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(Error::Otherwise(format!("{path}: {status} {}", answer.text().await?))),
        }
    }

    fn server(&self) -> Value {
        json!({ "url": self.url, "caBundle": STANDARD.encode(&self.ca) })
    }

    /// A store of Secrets and one of ConfigMaps, with an ExternalSecret of each.
    fn manifests(&self) -> Vec<Value> {
        let auth = json!({ "token": { "bearerToken": { "name": "reader", "key": "token" } } });
        let secrets =
            json!({ "kubernetes": { "server": self.server(), "auth": auth, "remoteNamespace": "team-a" } });
        let resource = json!({ "group": "", "version": "v1", "kind": "ConfigMap" });
        let maps = json!({ "crd": { "server": self.server(), "auth": auth, "resource": resource } });
        let store = |name: &str, namespace: &str, provider: &Value| {
            json!({
                "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": { "name": name, "namespace": namespace }, "spec": { "provider": provider },
            })
        };
        let reads = |name: &str, namespace: &str, key: &str, property: &str| {
            json!({
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                "metadata": { "name": name, "namespace": namespace },
                "spec": {
                    "secretStoreRef": { "name": name }, "refreshInterval": "24h",
                    "data": [{ "secretKey": "password", "remoteRef": { "key": key, "property": property } }],
                },
            })
        };
        vec![
            store("db", "shop", &secrets),
            reads("db", "shop", "db", "password"),
            // Objects of any kind are read in the store's own namespace.
            store("map", "team-a", &maps),
            reads("map", "team-a", "settings", "data.password"),
        ]
    }
}

/// A stage with one cluster that Pawl watches, and the token of the reader in it.
async fn stage(source: &Source, token: &str) -> Result<Stage> {
    let mut stage = Stage::start(&[BLUE]).await?;
    stage.trust_stores().await?;
    let cluster = &stage.clusters()[0];
    let declared = stage.declare(BLUE, &cluster.url(), cluster.ca_pem(), cluster.token())?;
    let indexed = declared.replace("\"spec\":{", "\"spec\":{\"index\":true,");
    let clusters = stage.write("clusters.yaml", &indexed)?.display().to_string();
    stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
    for namespace in ["shop", "team-a"] {
        cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }))?;
    }
    give(cluster, token)?;
    for manifest in source.manifests() {
        cluster.put(manifest)?;
    }
    Ok(stage)
}

/// Puts the reader's token where the stores find it.
fn give(cluster: &DevCluster, token: &str) -> Result<()> {
    for namespace in ["shop", "team-a"] {
        cluster.put(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "reader", "namespace": namespace },
            "data": { "token": STANDARD.encode(token) },
        }))?;
    }
    Ok(())
}

async fn first(source: &Source) -> Result<String> {
    let password = examples::password();
    source.secret("team-a", &password).await?;
    let map = json!({ "metadata": { "name": "settings" }, "data": { "password": password } });
    source.make("/api/v1/namespaces/team-a/configmaps", &map).await?;
    Ok(password)
}

/// Waits until the Secret `db` or `map` has this password, and says how long that took.
async fn holds(stage: &Stage, name: &str, password: &str) -> Result<Duration> {
    let namespace = if name == "db" { "shop" } else { "team-a" };
    let look = async || {
        let value = stage.clusters()[0].secret_value(namespace, name, "password")?;
        (value == password.as_bytes()).then_some(())
    };
    Ok(until(&format!("the password in {namespace}/{name}"), look).await?.1)
}

/// Waits until so many watches have begun, or more was seen.
async fn watched(server: &Server, least: u64) -> Result<()> {
    let look = async || (sightings(server).await? >= least).then_some(());
    until("the watching of the stores", look).await.map(drop)
}

async fn sightings(server: &Server) -> Option<u64> {
    Some(server.metrics().await.ok()?.count("pawl_store_sightings_total", &[]))
}

/// What the stores say changes at once in the readers, however often: on whichever server.
async fn a_change_reaches_its_readers_at_once(source: &Source, token: &str) -> Result<()> {
    let password = first(source).await?;
    let stage = stage(source, token).await?;
    let server = Server::start(&stage, &SERVE).await?;
    holds(&stage, "db", &password).await?;
    holds(&stage, "map", &password).await?;
    watched(&server, 2).await?;
    stage.settled().await?;
    let mut passwords = vec![password];
    let mut took = Vec::new();
    for _ in 0..TURNS {
        let password = examples::password();
        source.rotate("team-a", &password).await?;
        took.push(holds(&stage, "db", &password).await?);
        source.rotate_map(&password).await?;
        took.push(holds(&stage, "map", &password).await?);
        passwords.push(password);
        stage.settled().await?;
    }
    assert!(took.iter().all(|took| *took < AT_ONCE), "{took:?}");
    assert!(took.iter().min().is_some_and(|least| *least < PROMISED), "{took:?}");
    server.tell_to_stop().await?;
    let (status, log) = server.finished().await?;
    assert!(status.success(), "watches that are under way hold up no stop: {status}");
    assert!(!passwords.iter().any(|password| pawl_e2e::shows(&log, password)), "no password is in the log");
    Ok(())
}

#[tokio::test]
async fn a_change_in_the_cluster_of_a_store_reaches_its_readers_at_once() -> Result<()> {
    let (_cluster, source) = Source::embedded(&["get", "list", "watch"]).await?;
    a_change_reaches_its_readers_at_once(&source, READER).await
}

#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_change_in_a_real_cluster_of_a_store_reaches_its_readers_at_once() -> Result<()> {
    let server = ApiServer::builder().user(READER, &[]).start().await?;
    let source = Source::of(server.url(), server.ca_pem(), server.token())?;
    for arguments in [
        &["create", "namespace", "team-a"][..],
        &["-n", "team-a", "create", "role", READER, "--verb=get,list,watch", "--resource=secrets,configmaps"],
        &["-n", "team-a", "create", "rolebinding", READER, "--role", READER, "--user", READER],
    ] {
        server.kubectl(arguments).await?;
    }
    let token = server.token_of(READER).unwrap_or_default().to_owned();
    a_change_reaches_its_readers_at_once(&source, &token).await?;
    // Least authority: nothing but these two kinds in this one namespace was asked for, and Secrets one by one.
    for request in server.requests_of(READER).iter().filter(|request| !request.resource.is_empty()) {
        let is_own =
            request.namespace == "team-a" && ["secrets", "configmaps"].contains(&request.resource.as_str());
        let is_review = request.resource.starts_with("selfsubject");
        assert!(is_own || is_review, "{request:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_happened_while_the_cluster_was_away_is_made_up_for() -> Result<()> {
    let (cluster, source) = Source::embedded(&["get", "list", "watch"]).await?;
    let password = first(&source).await?;
    let stage = stage(&source, READER).await?;
    let server = Server::start(&stage, &SERVE).await?;
    holds(&stage, "db", &password).await?;
    watched(&server, 2).await?;
    let failed = |source| Error::Io { action: "the cluster".to_owned(), source };
    let set = |password: &str| {
        cluster.put(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db", "namespace": "team-a" },
            "data": { "password": STANDARD.encode(password) },
        }))
    };
    // Resumed where it was, and begun anew where the server forgot that.
    for forgets in [false, true] {
        cluster.cut_off().await.map_err(failed)?;
        let password = examples::password();
        set(&password)?;
        if forgets {
            cluster.compact();
        }
        cluster.restore().await.map_err(failed)?;
        holds(&stage, "db", &password).await?;
    }
    // With the token that stands there by then.
    cluster.cut_off().await.map_err(failed)?;
    cluster.expire_token(READER);
    cluster.add_token("rotated", User::admin(READER));
    give(&stage.clusters()[0], "rotated")?;
    let password = examples::password();
    set(&password)?;
    cluster.restore().await.map_err(failed)?;
    holds(&stage, "db", &password).await?;
    Ok(())
}

#[tokio::test]
async fn a_store_that_may_not_be_watched_lives_on_the_sweep_and_the_log_says_so_once() -> Result<()> {
    let (_cluster, source) = Source::embedded(&["get", "list"]).await?;
    let password = first(&source).await?;
    let stage = stage(&source, READER).await?;
    let server = Server::start(&stage, &SERVE).await?;
    holds(&stage, "db", &password).await?;
    let told = |log: &str| {
        let of_db = |line: &&str| line.contains("is not watched") && line.contains("shop");
        log.lines().filter(of_db).map(str::to_owned).collect::<Vec<_>>()
    };
    until("the log's word", async || (!told(&server.log()).is_empty()).then_some(())).await?;
    let password = examples::password();
    source.rotate("team-a", &password).await?;
    stage.pawl(&["sweep", "--all"]).await?.well()?;
    holds(&stage, "db", &password).await?;
    let told = told(&server.log());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("let the identity watch secrets of the core group in the namespace team-a"),
        "{told:?}"
    );
    Ok(())
}

#[tokio::test]
async fn an_edited_store_is_watched_where_it_points_then() -> Result<()> {
    let (_cluster, source) = Source::embedded(&["get", "list", "watch"]).await?;
    let password = first(&source).await?;
    let stage = stage(&source, READER).await?;
    let server = Server::start(&stage, &SERVE).await?;
    holds(&stage, "db", &password).await?;
    watched(&server, 2).await?;
    stage.settled().await?;
    let before = sightings(&server).await.unwrap_or_default();
    let theirs = examples::password();
    source.secret("team-b", &theirs).await?;
    let mut store = source.manifests().swap_remove(0);
    store["spec"]["provider"]["kubernetes"]["remoteNamespace"] = "team-b".into();
    stage.clusters()[0].put(store)?;
    holds(&stage, "db", &theirs).await?;
    watched(&server, before + 1).await?;
    stage.settled().await?;
    // Nobody tells of the namespace that was left.
    source.rotate("team-a", &examples::password()).await?;
    let theirs = examples::password();
    source.rotate("team-b", &theirs).await?;
    holds(&stage, "db", &theirs).await?;
    assert_eq!(sightings(&server).await, Some(before + 2));
    Ok(())
}

/// What nobody reads is not watched, and a store that nobody reads any more is watched no longer.
#[tokio::test]
async fn stores_that_nobody_reads_are_not_watched() -> Result<()> {
    let (cluster, source) = Source::embedded(&["get", "list", "watch"]).await?;
    let password = first(&source).await?;
    let stage = stage(&source, READER).await?;
    let blue = &stage.clusters()[0];
    blue.delete("externalsecrets", "team-a", "map");
    let server = Server::start(&stage, &SERVE).await?;
    holds(&stage, "db", &password).await?;
    watched(&server, 1).await?;
    let is_watched = |what: &str| cluster.calls().iter().any(|call| call.what() == what);
    assert!(is_watched("watch secrets") && !is_watched("watch configmaps"));
    for manifest in source.manifests() {
        blue.put(manifest)?;
    }
    until("the watch of ConfigMaps", async || is_watched("watch configmaps").then_some(())).await?;
    blue.delete("externalsecrets", "shop", "db");
    let alone = async || {
        let before = sightings(&server).await?;
        let password = examples::password();
        source.rotate("team-a", &password).await.ok()?;
        source.rotate_map(&password).await.ok()?;
        holds(&stage, "map", &password).await.ok()?;
        (sightings(&server).await? == before + 1).then_some(())
    };
    until("the end of the watch of Secrets", alone).await?;
    Ok(())
}
