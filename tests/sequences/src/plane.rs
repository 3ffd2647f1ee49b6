//! The API server that sequences are played on: a real one, or the embedded one.

use crate::{Error, Named, Result};
use pawl_devcluster::{DevCluster, Options};
use pawl_e2e::Stage;
use pawl_servers::{ApiRequest, ApiServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The user that Pawl comes as on a real API server, with the rights that the documentation grants and no others.
const USER: &str = "pawl";
const RIGHTS: &str = include_str!("../../../infra/kubernetes/rbac.yaml");
/// What [`RIGHTS`] leaves to whoever wants it, bound to the same user: the roles for PushSecrets and for ClusterExternalSecrets.
const BOUND: &str = "
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
const DEFINITIONS: &str = include_str!("../../../shared/kubernetes/tests/data/crds.yaml");
/// Names a directory with the programs of a real API server.
const ASSETS: &str = "KUBEBUILDER_ASSETS";
/// How long a deleted object may take to go.
const GOING: Duration = Duration::from_secs(20);
/// How long the garbage collector may take to know ExternalSecrets.
const COLLECTED: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

/// A control plane, held as its administrator.
pub struct Plane {
    running: Running,
    url: String,
    ca: String,
    admin: String,
    pawl: String,
    http: reqwest::Client,
}

enum Running {
    Real(Box<ApiServer>),
    Embedded { _cluster: Box<DevCluster> },
}

/// The path of a kind's group and version, and its plural.
pub(crate) type Collection = (&'static str, &'static str);

/// Where objects of a kind are.
pub(crate) fn collection(kind: &str) -> Result<Collection> {
    const CORE: &str = "/api/v1";
    const ESO: &str = "/apis/external-secrets.io/v1";
    const GENERATORS: &str = "/apis/generators.external-secrets.io/v1alpha1";
    Ok(match kind {
        "Namespace" => (CORE, "namespaces"),
        "Secret" => (CORE, "secrets"),
        "ConfigMap" => (CORE, "configmaps"),
        "ServiceAccount" => (CORE, "serviceaccounts"),
        "Event" => (CORE, "events"),
        "ExternalSecret" => (ESO, "externalsecrets"),
        "SecretStore" => (ESO, "secretstores"),
        "ClusterSecretStore" => (ESO, "clustersecretstores"),
        "PushSecret" => ("/apis/external-secrets.io/v1alpha1", "pushsecrets"),
        "ClusterGenerator" => (GENERATORS, "clustergenerators"),
        "Password" => (GENERATORS, "passwords"),
        "UUID" => (GENERATORS, "uuids"),
        "ClusterExternalSecret" => (ESO, "clusterexternalsecrets"),
        other => return Err(Error::Form(format!("kind {other} is not known to the player"))),
    })
}

impl Plane {
    /// A real API server with its controllers where `KUBEBUILDER_ASSETS` names the programs, else the embedded one.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(stage: &Stage) -> Result<Self> {
        if std::env::var_os(ASSETS).is_none_or(|path| path.is_empty()) {
            return Self::embedded().await;
        }
        let server = ApiServer::builder().user(USER, &[USER]).controllers().start().await?;
        server.apply_crds(DEFINITIONS).await?;
        for (file, text) in [("rbac.yaml", RIGHTS), ("bound.yaml", BOUND)] {
            let rights = stage.write(file, text)?.display().to_string();
            server.kubectl(&["apply", "-f", &rights]).await?;
        }
        let plane = Self {
            url: server.url().to_owned(),
            ca: server.ca_pem().to_owned(),
            admin: server.token().to_owned(),
            pawl: server.token_of(USER).unwrap_or_default().to_owned(),
            http: client(server.ca_pem())?,
            running: Running::Real(Box::new(server)),
        };
        plane.until_collected().await?;
        Ok(plane)
    }

    /// Waits until the garbage collector knows ExternalSecrets. It looks for new kinds every half minute; what belongs
    /// to an ExternalSecret that goes before would stay until then.
    async fn until_collected(&self) -> Result<()> {
        let named = |kind: &str| Named {
            kind: kind.to_owned(),
            namespace: "default".to_owned(),
            name: "collected".to_owned(),
        };
        let metadata = json!({ "name": "collected", "namespace": "default" });
        let read = json!({ "secretKey": "a", "remoteRef": { "key": "a" } });
        let owner = self
            .apply(&json!({
                "apiVersion": "external-secrets.io/v1",
                "kind": "ExternalSecret",
                "metadata": metadata,
                "spec": { "secretStoreRef": { "name": "none" }, "data": [read] },
            }))
            .await?;
        let mut owned = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata });
        owned["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "name": "collected",
            "uid": owner["metadata"]["uid"],
        }]);
        self.apply(&owned).await?;
        self.delete(&named("ExternalSecret")).await?;
        let began = Instant::now();
        while self.get(&named("ConfigMap")).await?.is_some() {
            if began.elapsed() > COLLECTED {
                return Err(Error::Form("the garbage collector does not take up ExternalSecrets".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn embedded() -> Result<Self> {
        let failed = |source| pawl_e2e::Error::Io { action: "cannot start a cluster".to_owned(), source };
        let cluster = DevCluster::start(Options::named("embedded")).await.map_err(failed)?;
        Ok(Self {
            url: cluster.url(),
            ca: cluster.ca_pem().to_owned(),
            admin: cluster.token().to_owned(),
            pawl: cluster.token().to_owned(),
            http: client(cluster.ca_pem())?,
            running: Running::Embedded { _cluster: Box::new(cluster) },
        })
    }

    /// What it is, for people.
    pub fn name(&self) -> &'static str {
        match &self.running {
            Running::Real(_) => "a real API server",
            Running::Embedded { .. } => "the embedded API server",
        }
    }

    /// What Pawl asked of a real API server so far, as its audit log tells; nothing for the embedded one.
    pub fn requests(&self) -> Vec<ApiRequest> {
        match &self.running {
            Running::Real(server) => server.requests_of(USER),
            Running::Embedded { .. } => Vec::new(),
        }
    }

    /// The Cluster of pawl.dev that leads Pawl to it, indexed.
    ///
    /// # Errors
    /// When the machine refuses a file.
    pub fn declared(&self, stage: &Stage, name: &str) -> Result<String> {
        let declared = stage.declare(name, &self.url, &self.ca, &self.pawl)?;
        Ok(declared.replace("\"spec\":{", "\"spec\":{\"index\":true,"))
    }

    /// Server-side apply as the manager `user`, forced.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's words.
    pub async fn apply(&self, object: &Value) -> Result<Value> {
        let path = format!("{}?fieldManager=user&force=true", self.path(&named(object)?)?);
        self.ask(Method::PATCH, &path, Some(("application/apply-patch+yaml", object))).await
    }

    /// POST as the manager `user`.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's words.
    pub async fn create(&self, object: &Value) -> Result<Value> {
        let path = self.path(&Named { name: String::new(), ..named(object)? })?;
        self.ask(Method::POST, &format!("{path}?fieldManager=user"), Some(("application/json", object))).await
    }

    /// JSON merge patch as the manager `hand`.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's words.
    pub async fn merge(&self, named: &Named, patch: &Value) -> Result<Value> {
        let path = format!("{}?fieldManager=hand", self.path(named)?);
        self.ask(Method::PATCH, &path, Some(("application/merge-patch+json", patch))).await
    }

    /// DELETE, and a wait until the object is gone.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's words; also when it still stands after 20 s.
    pub async fn delete(&self, named: &Named) -> Result<()> {
        let path = self.path(named)?;
        let uid = self.get(named).await?.map(|object| object["metadata"]["uid"].clone());
        self.ask(Method::DELETE, &path, None).await?;
        let began = Instant::now();
        // Another of the same name may be there at once.
        while let Some(standing) =
            self.get(named).await?.filter(|it| Some(&it["metadata"]["uid"]) == uid.as_ref())
        {
            if began.elapsed() > GOING {
                let what = format!("DELETE {path}");
                let message = match standing["metadata"]["finalizers"].is_array() {
                    true => "still there, for it has finalizers",
                    false => "still there",
                };
                return Err(Error::Refused { what, status: 200, message: message.to_owned() });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The object, or `None`.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's words.
    pub async fn get(&self, named: &Named) -> Result<Option<Value>> {
        match self.ask(Method::GET, &self.path(named)?, None).await {
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// All objects of a kind, in all namespaces.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's words.
    pub async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let (prefix, plural) = collection(kind)?;
        let mut list = self.ask(Method::GET, &format!("{prefix}/{plural}"), None).await?;
        Ok(match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        })
    }

    fn path(&self, named: &Named) -> Result<String> {
        let (prefix, plural) = collection(&named.kind)?;
        let mut path = prefix.to_owned();
        if !named.namespace.is_empty() && named.kind != "Namespace" {
            path += &format!("/namespaces/{}", named.namespace);
        }
        path += &format!("/{plural}");
        if !named.name.is_empty() {
            path += &format!("/{}", named.name);
        }
        Ok(path)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value> {
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.admin);
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() && status != StatusCode::NO_CONTENT {
            return Ok(json);
        }
        let message = json["message"].as_str().map_or(text, str::to_owned);
        Err(Error::Refused { what, status: status.as_u16(), message })
    }
}

/// How an object is called.
fn named(object: &Value) -> Result<Named> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let named =
        Named { kind: text("/kind"), namespace: text("/metadata/namespace"), name: text("/metadata/name") };
    match named.kind.is_empty() || named.name.is_empty() {
        true => Err(Error::Form(format!("an object without a kind or a name: {}", json!(named.kind)))),
        false => Ok(named),
    }
}

fn client(ca: &str) -> Result<reqwest::Client> {
    let ca = reqwest::Certificate::from_pem(ca.as_bytes())?;
    let ours = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
    Ok(ours.tls_certs_only([ca]).build()?)
}
