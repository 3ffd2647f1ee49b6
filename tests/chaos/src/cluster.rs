//! A cluster: its server, the proxy that Pawl reaches it through, and the driver's own hand by plain HTTP.

use crate::options::Clusters;
use crate::world::{NAMESPACES, Target};
use crate::{io, lock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_devcluster::{DevCluster, Options, User};
use pawl_e2e::{Error, Result};
use pawl_servers::{ApiServer, FaultProxy};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// The content of a Secret, decoded.
pub(crate) type Data = BTreeMap<String, String>;

/// A cluster of a run.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) proxy: FaultProxy,
    server: Server,
    http: reqwest::Client,
    url: String,
    admin: String,
    ca: String,
    /// Where Pawl finds its token, and how many it had.
    token_file: PathBuf,
    tokens: Mutex<u32>,
}

#[derive(Debug)]
enum Server {
    Embedded(DevCluster),
    Real(Box<ApiServer>),
}

impl Cluster {
    pub(crate) async fn start(index: usize, kind: Clusters, token_file: PathBuf) -> Result<Self> {
        let name = crate::world::cluster_name(index).to_owned();
        let server = match kind {
            Clusters::Embedded => Server::Embedded(
                DevCluster::start(Options::named(&name)).await.map_err(io("cannot start a cluster"))?,
            ),
            Clusters::Real => Server::Real(Box::new(ApiServer::builder().controllers().start().await?)),
        };
        let (url, admin, ca) = match &server {
            Server::Embedded(server) => (server.url(), server.token(), server.ca_pem()),
            Server::Real(server) => (server.url().to_owned(), server.token(), server.ca_pem()),
        };
        let (admin, ca) = (admin.to_owned(), ca.to_owned());
        let address = url.trim_start_matches("https://").parse::<SocketAddr>();
        let address = address.map_err(|_| Error::Otherwise(format!("{url} is not an address")))?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(ca.as_bytes())?])
            .connect_timeout(Duration::from_secs(10))
            .build()?;
        let proxy = FaultProxy::start(address).await?;
        let tokens = Mutex::default();
        let cluster = Self { index, name, proxy, server, http, url, admin, ca, token_file, tokens };
        cluster.renew_token();
        Ok(cluster)
    }

    /// The server, where it is one that can be told what to do wrong.
    pub(crate) fn embedded(&self) -> Option<&DevCluster> {
        match &self.server {
            Server::Embedded(server) => Some(server),
            Server::Real(_) => None,
        }
    }

    pub(crate) fn real(&self) -> Option<&ApiServer> {
        match &self.server {
            Server::Embedded(_) => None,
            Server::Real(server) => Some(server),
        }
    }

    /// The Cluster that is declared to Pawl: it leads through the proxy.
    pub(crate) fn manifest(&self, is_indexed: bool) -> Value {
        json!({
            "apiVersion": "pawl.dev/v1alpha1", "kind": "Cluster", "metadata": { "name": self.name },
            "spec": {
                "index": is_indexed,
                "url": { "url": format!("https://{}", self.proxy.address()), "ca": self.ca, "tokenFile": self.token_file },
            },
        })
    }

    /// Ends the token that Pawl has. Tokens of real servers here have no end.
    pub(crate) fn expire_token(&self) {
        if let Some(server) = self.embedded() {
            server.expire_token(&self.token(*lock(&self.tokens)));
        }
    }

    /// Gives Pawl a new token where it looks for one.
    pub(crate) fn renew_token(&self) {
        let mut tokens = lock(&self.tokens);
        *tokens += 1;
        let token = self.token(*tokens);
        if let Some(server) = self.embedded() {
            server.add_token(&token, User::admin("pawl"));
        }
        // A file that is not written leaves Pawl without a token, which a run notices.
        let _ = std::fs::write(&self.token_file, token);
    }

    fn token(&self, number: u32) -> String {
        match self.server {
            Server::Embedded(_) => format!("token-{}-{number:016}", self.name),
            Server::Real(_) => self.admin.clone(),
        }
    }

    /// Creates or replaces an object, as GitOps tools do it. Faults of an embedded server do not strike it.
    pub(crate) async fn apply(&self, object: &Value) -> Result<()> {
        if let Some(server) = self.embedded() {
            server.put(object.clone())?;
            return Ok(());
        }
        let path = format!("{}?fieldManager=gitops&force=true", path_of(object));
        self.must(Method::PATCH, &path, "application/apply-patch+yaml", Some(object)).await.map(drop)
    }

    /// Changes a Secret by hand. Nothing happens where there is none.
    pub(crate) async fn edit_secret(&self, target: &Target, data: &Value) -> Result<()> {
        let path = format!("/api/v1/namespaces/{}/secrets/{}", target.namespace, target.name);
        let body = json!({ "data": data });
        self.unless_absent(Method::PATCH, &path, "application/merge-patch+json", Some(&body)).await
    }

    /// Deletes a Secret by hand, if it is there.
    pub(crate) async fn delete_secret(&self, target: &Target) -> Result<()> {
        let path = format!("/api/v1/namespaces/{}/secrets/{}", target.namespace, target.name);
        self.unless_absent(Method::DELETE, &path, "application/json", None).await
    }

    /// Deletes an ExternalSecret, if it is there. Faults of an embedded server do not strike it.
    pub(crate) async fn delete_external_secret(&self, namespace: &str, name: &str) -> Result<()> {
        if let Some(server) = self.embedded() {
            server.delete("externalsecrets", namespace, name);
            return Ok(());
        }
        let path = external_secret_path(namespace, name);
        self.unless_absent(Method::DELETE, &path, "application/json", None).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.must(Method::GET, path, "application/json", None).await
    }

    /// The Secrets in the namespaces of declarations.
    pub(crate) async fn secrets(&self) -> Result<BTreeMap<Target, Data>> {
        let list = self.get("/api/v1/secrets").await?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(items.iter().filter_map(|object| self.read_secret(object)).collect())
    }

    /// An object of kind Secret, if it is in a namespace of declarations.
    pub(crate) fn read_secret(&self, object: &Value) -> Option<(Target, Data)> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (namespace, name) = (text("/metadata/namespace")?, text("/metadata/name")?);
        let is_ours = namespace.strip_prefix(NAMESPACES)?.parse::<u8>().is_ok();
        let decoded = |(field, value): (&String, &Value)| {
            let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
            (field.clone(), String::from_utf8_lossy(&bytes).into_owned())
        };
        let data = object["data"].as_object().into_iter().flatten().map(decoded).collect();
        is_ours.then_some((Target { cluster: self.index, namespace, name }, data))
    }

    /// Everything that a watch of all Secrets says from a version on, until it ends.
    pub(crate) async fn watch(&self, version: &str) -> Result<reqwest::Response> {
        let path = format!("/api/v1/secrets?watch=1&timeoutSeconds=36000&resourceVersion={version}");
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.admin);
        Ok(request.send().await?.error_for_status()?)
    }

    async fn unless_absent(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Result<()> {
        match self.call(method, path, kind, body).await? {
            (200..300 | 404, _) => Ok(()),
            (status, answer) => Err(refused(&self.name, path, status, &answer)),
        }
    }

    async fn must(&self, method: Method, path: &str, kind: &str, body: Option<&Value>) -> Result<Value> {
        match self.call(method, path, kind, body).await? {
            (200..300, answer) => Ok(answer),
            (status, answer) => Err(refused(&self.name, path, status, &answer)),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value)> {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.admin);
        let request = request.header("content-type", kind).timeout(Duration::from_secs(30));
        let request = match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or_default()))
    }
}

fn external_secret_path(namespace: &str, name: &str) -> String {
    format!("/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets/{name}")
}

fn path_of(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, name, namespace) = (text("/kind"), text("/metadata/name"), text("/metadata/namespace"));
    match kind {
        "Namespace" => format!("/api/v1/namespaces/{name}"),
        "Secret" => format!("/api/v1/namespaces/{namespace}/secrets/{name}"),
        "ClusterSecretStore" => format!("/apis/external-secrets.io/v1/clustersecretstores/{name}"),
        _ => external_secret_path(namespace, name),
    }
}

fn refused(cluster: &str, path: &str, status: u16, answer: &Value) -> Error {
    Error::Otherwise(format!("{cluster} answered {status} to {path}: {}", answer["message"]))
}
