//! A cluster to test against: the embedded one, or a real API server.

use pawl_devcluster::{DevCluster, Options, User};
use pawl_servers::ApiServer;
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

const RBAC: &str = include_str!("../../../../infra/kubernetes/rbac.yaml");
const CRDS: &str = include_str!("../data/crds.yaml");

/// An API server with three users.
pub(crate) struct Server {
    pub url: String,
    pub ca: String,
    /// The token of the user `pawl`, which has what `infra/kubernetes/rbac.yaml` grants and nothing more.
    pub pawl: String,
    /// The token of a user that may `get` Secrets and nothing more.
    pub weak: String,
    admin: String,
    http: reqwest::Client,
    running: Box<dyn Any + Send + Sync>,
}

impl Server {
    /// The embedded API.
    pub(crate) async fn embedded() -> Self {
        let cluster = DevCluster::start(Options::named("blue")).await.unwrap();
        let (pawl, weak) = ("pawl-token".to_owned(), "weak-token".to_owned());
        let mut user = User::new("pawl");
        for role in documents(RBAC).into_iter().filter(|role| role["kind"] == "ClusterRole") {
            for rule in role["rules"].as_array().unwrap() {
                let words = |field: &str| -> Vec<&str> {
                    rule[field].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
                };
                user = user.allow(&words("verbs"), &words("resources"), &[]);
            }
        }
        cluster.add_token(&pawl, user);
        cluster.add_token(&weak, User::new("weak").allow(&["get"], &["secrets"], &[]));
        let (url, ca, admin) = (cluster.url(), cluster.ca_pem().to_owned(), cluster.token().to_owned());
        let http = client(&ca);
        Self { url, ca, pawl, weak, admin, http, running: Box::new(cluster) }
    }

    /// A real one, without ESO's kinds.
    pub(crate) async fn real() -> Self {
        let this = Self::bare().await;
        for document in documents(RBAC).into_iter().chain(documents(WEAK)).chain(documents(GENERIC)) {
            this.apply(&document).await;
        }
        this
    }

    /// A real one in which nobody but the administrator may do anything.
    pub(crate) async fn bare() -> Self {
        let server =
            ApiServer::builder().user("pawl", &["pawl"]).user("weak", &["weak"]).start().await.unwrap();
        let token = |user| server.token_of(user).unwrap().to_owned();
        Self {
            url: server.url().to_owned(),
            ca: server.ca_pem().to_owned(),
            pawl: token("pawl"),
            weak: token("weak"),
            admin: server.token().to_owned(),
            http: client(server.ca_pem()),
            running: Box::new(server),
        }
    }

    /// Makes an object of a kind that rights are made of.
    pub(crate) async fn apply(&self, object: &Value) {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str);
        let kind = text("/kind").unwrap().to_lowercase();
        let plural =
            if kind.ends_with('y') { format!("{}ies", &kind[..kind.len() - 1]) } else { format!("{kind}s") };
        let place = text("/metadata/namespace").map(|it| format!("/namespaces/{it}")).unwrap_or_default();
        let path = format!("/apis/{}{place}/{plural}", text("/apiVersion").unwrap());
        self.create(&path, object.clone()).await;
    }

    /// What the user `pawl` is answered.
    pub(crate) async fn as_pawl(&self, method: reqwest::Method, path: &str, body: Value) -> u16 {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.pawl);
        let request = request.header("content-type", "application/json").body(body.to_string());
        request.send().await.unwrap().status().as_u16()
    }

    /// Makes a real server serve ESO's kinds; the embedded one always does.
    pub(crate) async fn serve_eso(&self) {
        if let Some(server) = self.running.downcast_ref::<ApiServer>() {
            server.apply_crds(CRDS).await.unwrap();
        }
    }

    /// What the user `pawl` has called since this was asked last: the embedded API only.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        let cluster = self.running.downcast_ref::<DevCluster>().unwrap();
        let calls: Vec<_> = cluster.calls().into_iter().filter(|call| call.user == "pawl").collect();
        cluster.reset_calls();
        pawl_devcluster::tally(&calls)
    }

    /// Makes an object in the collection at `path`, and a namespace of its own for each caller that asks.
    pub(crate) async fn create(&self, path: &str, object: Value) -> Value {
        self.request(reqwest::Method::POST, path, Some(object)).await
    }

    /// Makes a namespace.
    pub(crate) async fn namespace(&self, name: &str) {
        let object = serde_json::json!({ "metadata": { "name": name, "labels": { "tier": name } } });
        self.create("/api/v1/namespaces", object).await;
    }

    /// The object at `path`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.request(reqwest::Method::GET, path, None).await
    }

    /// Lays `patch` over the object at `path`.
    pub(crate) async fn merge(&self, path: &str, patch: Value) -> Value {
        self.request(reqwest::Method::PATCH, path, Some(patch)).await
    }

    /// Deletes the object at `path`.
    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.request(reqwest::Method::DELETE, path, None).await
    }

    async fn request(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let kind = if method == reqwest::Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.admin);
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}

const WEAK: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: weak }
rules: [{ apiGroups: [''], resources: [secrets], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: weak }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: weak }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: weak }]
";

/// What `infra/kubernetes/rbac.yaml` leaves to be bound.
const GENERIC: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: pawl-service-accounts }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pawl-service-accounts }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: pawl }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: pawl-generic-targets }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pawl-generic-targets }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: pawl }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: pawl-pushes }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pawl-pushes }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: pawl }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: pawl-cluster-external-secrets }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pawl-cluster-external-secrets }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: pawl }]
";

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

fn client(ca: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]);
    builder.timeout(Duration::from_secs(30)).build().unwrap()
}
