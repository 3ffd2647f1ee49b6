//! A cluster that stores read: the embedded API, or a real API server with RBAC.

use pawl_devcluster::{DevCluster, Options, User};
use pawl_domain::store::{ApiAuth, ApiServer as Server, KubernetesApi, SecretKeyRef};
use pawl_domain::{Access, Grant, store::Backend};
use pawl_ports::ApiEndpoint;
use pawl_servers::ApiServer;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, namespace};
use pawl_world::{FakeClock, FakeClusters};
use reqwest::Method;
use serde_json::{Value, json};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// What stands in every value that must never be seen.
pub(crate) const CANARY: &str = "hunter2";

/// An API server with two users, and namespaces `shop` and `other`.
pub(crate) struct Cluster {
    pub(crate) url: String,
    pub(crate) ca: String,
    /// Of a user that may get and list Secrets and ConfigMaps of `shop`, and ConfigMaps and namespaces anywhere.
    pub(crate) reader: String,
    /// Of a user that may get Secrets and ConfigMaps of `shop`, and list none.
    pub(crate) weak: String,
    /// Of a user that may do what the reader may, and watch these.
    pub(crate) watcher: String,
    admin: String,
    http: reqwest::Client,
    running: Box<dyn Any + Send + Sync>,
}

impl Cluster {
    pub(crate) async fn embedded() -> Self {
        let options = Options { bookmark_every: Duration::from_millis(20), ..Options::named("blue") };
        let cluster = DevCluster::start(options).await.unwrap();
        let [reader, weak, watcher] = ["reader", "weak", "watcher"].map(|user| format!("{user}-token"));
        for (token, name, verbs) in
            [(&reader, "reader", &["get", "list"][..]), (&watcher, "watcher", &["get", "list", "watch"])]
        {
            let user = User::new(name).allow(verbs, &["secrets"], &["shop"]);
            cluster.add_token(token, user.allow(verbs, &["configmaps", "namespaces"], &[]));
        }
        cluster.add_token(&weak, User::new("weak").allow(&["get"], &["secrets", "configmaps"], &["shop"]));
        let (url, ca, admin) = (cluster.url(), cluster.ca_pem().to_owned(), cluster.token().to_owned());
        let http = client(&ca);
        Self { url, ca, reader, weak, watcher, admin, http, running: Box::new(cluster) }.furnished().await
    }

    pub(crate) async fn real() -> Self {
        let server = ApiServer::builder().user("reader", &[]).user("weak", &[]).user("watcher", &[]);
        let server = server.user("nobody", &[]);
        let server = server.start().await.unwrap();
        let token = |user| server.token_of(user).unwrap().to_owned();
        let this = Self {
            url: server.url().to_owned(),
            ca: server.ca_pem().to_owned(),
            reader: token("reader"),
            weak: token("weak"),
            watcher: token("watcher"),
            admin: server.token().to_owned(),
            http: client(server.ca_pem()),
            running: Box::new(server),
        };
        let this = this.furnished().await;
        let (lists, watches) = (json!(["get", "list"]), json!(["get", "list", "watch"]));
        for (user, verbs) in [("reader", &lists), ("weak", &json!(["get"])), ("watcher", &watches)] {
            let rules =
                json!([{ "apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": verbs }]);
            this.grant("/namespaces/shop", "Role", user, &rules).await;
        }
        for (user, verbs) in [("reader", &lists), ("watcher", &watches)] {
            let rules =
                json!([{ "apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": verbs }]);
            this.grant("", "ClusterRole", user, &rules).await;
        }
        this
    }

    async fn furnished(self) -> Self {
        for name in ["shop", "other"] {
            self.create("/api/v1/namespaces", json!({ "metadata": { "name": name } })).await;
        }
        self
    }

    /// Lets a user do this, by a role for each first resource.
    pub(crate) async fn grant(&self, place: &str, kind: &str, user: &str, rules: &Value) {
        let api = format!("/apis/rbac.authorization.k8s.io/v1{place}");
        let plural = kind.to_lowercase();
        let name = format!("{user}-{}", rules[0]["resources"][0].as_str().unwrap());
        let role = json!({ "metadata": { "name": name }, "rules": rules });
        self.create(&format!("{api}/{plural}s"), role).await;
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": kind, "name": name },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
        });
        self.create(&format!("{api}/{plural}bindings"), binding).await;
    }

    /// The real server's own door.
    pub(crate) fn server(&self) -> &ApiServer {
        self.running.downcast_ref().unwrap()
    }

    /// The embedded API's own door, for what only it can do.
    pub(crate) fn dev(&self) -> &DevCluster {
        self.running.downcast_ref().unwrap()
    }

    pub(crate) async fn create(&self, path: &str, object: Value) -> Value {
        self.call(Method::POST, path, object).await
    }

    /// Makes an object, or gives it these fields.
    pub(crate) async fn put(&self, collection: &str, name: &str, mut fields: Value) -> Value {
        let path = format!("{collection}/{name}");
        let there =
            self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.admin).send().await.unwrap();
        if there.status().is_success() {
            return self.call(Method::PATCH, &path, fields).await;
        }
        fields["metadata"]["name"] = json!(name);
        self.create(collection, fields).await
    }

    /// An object, where it is there.
    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        let answer =
            self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.admin).send().await.unwrap();
        if !answer.status().is_success() {
            return None;
        }
        serde_json::from_str(&answer.text().await.unwrap()).ok()
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.call(Method::DELETE, path, json!({})).await;
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let content =
            if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.admin);
        let answer = request.header("content-type", content).body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The cluster `blue` as stores see it: a token in the Secret `shop/reader`, and its own API server.
    pub(crate) fn seen(&self, token: &str) -> Arc<FakeClusters> {
        let clusters = Arc::new(FakeClusters::default());
        clusters.add(&cluster_name("blue"));
        clusters.edit("blue/shop/reader", |secret| secret.set("token", token));
        let endpoint = ApiEndpoint { url: self.url.clone(), ca: Some(self.ca.clone()) };
        clusters.set_endpoint(&cluster_name("blue"), endpoint);
        clusters
    }

    /// The way to this server by its address, with the token of the Secret.
    pub(crate) fn by_address(&self) -> KubernetesApi {
        let server =
            Server::At { url: self.url.clone(), ca_bundle: Some(self.ca.clone()), ca_provider: None };
        KubernetesApi::Server { server, auth: ApiAuth::Token(at("reader", "token")) }
    }
}

/// The way to the target cluster's own server.
pub(crate) fn own() -> KubernetesApi {
    KubernetesApi::Server { server: Server::Own, auth: ApiAuth::Token(at("reader", "token")) }
}

pub(crate) fn at(name: &str, key: &str) -> SecretKeyRef {
    SecretKeyRef { name: name.parse().unwrap(), key: key.to_owned(), namespace: None }
}

pub(crate) fn access(backend: Backend) -> Access {
    Access {
        backend,
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    }
}

pub(crate) fn bounds() -> Bounds {
    Bounds {
        attempt_timeout: Duration::from_secs(5),
        deadline: Duration::from_secs(10),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(50),
        ..Bounds::default()
    }
}

pub(crate) fn clock() -> FakeClock {
    FakeClock::default()
}

fn client(ca: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
}
