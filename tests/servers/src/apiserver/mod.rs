mod audit;
mod builder;
mod definitions;
mod files;

pub use audit::ApiRequest;
pub use builder::ApiServerBuilder;
pub use files::ClientCertificate;

use crate::{Error, Result, process::Process, process::clean_command};
use files::Files;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

/// One Kubernetes cluster without nodes: etcd and kube-apiserver, and kube-controller-manager when asked for.
///
/// Authentication is by bearer token or client certificate, authorisation by RBAC. Without the controller manager, namespaces stay Terminating and ownerReferences
/// collect nothing. About 5 s to start and 400 MB.
#[derive(Debug)]
pub struct ApiServer {
    url: String,
    http: reqwest::Client,
    assets: PathBuf,
    files: Files,
    // Fields drop in this order: those that use a server before the server itself.
    controllers: Option<Process>,
    _apiserver: Process,
    _etcd: Process,
}

impl ApiServer {
    /// The name of the user that [`ApiServer::token`] belongs to, member of `system:masters`.
    pub const ADMIN: &str = "admin";

    /// Starts a cluster whose only user is the administrator.
    ///
    /// # Errors
    /// [`Error::Missing`] without the programs, [`Error::Start`] when one does not come up.
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    /// Starts a cluster with more: other users, the controller manager.
    #[must_use]
    pub fn builder() -> ApiServerBuilder {
        ApiServerBuilder::default()
    }

    /// The base URL, `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority that signed the server's certificate.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.files.ca_pem
    }

    /// The administrator's bearer token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.files.admin_token
    }

    /// The bearer token of a user that [`ApiServerBuilder::user`] added.
    #[must_use]
    pub fn token_of(&self, user: &str) -> Option<&str> {
        self.files.tokens.get(user).map(String::as_str)
    }

    /// The client certificate of a user that [`ApiServerBuilder::user`] added. Of several groups the server sees the last one:
    /// give such a user one.
    #[must_use]
    pub fn certificate_of(&self, user: &str) -> Option<&ClientCertificate> {
        self.files.client_certificates.get(user)
    }

    /// A kubeconfig for a bearer token, with the certificate authority inside. Its only context is `test`.
    #[must_use]
    pub fn kubeconfig(&self, token: &str) -> String {
        files::kubeconfig(&self.url, &self.files.ca_pem, token)
    }

    /// The administrator's kubeconfig as a file, which lives as long as the cluster.
    #[must_use]
    pub fn kubeconfig_path(&self) -> &Path {
        &self.files.kubeconfig
    }

    /// Runs kubectl as the administrator, at most a minute, and returns what it prints.
    ///
    /// # Errors
    /// [`Error::Refused`] with what it complains of.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = tokio::process::Command::from(clean_command(self.assets.join("kubectl")));
        command
            .arg("--kubeconfig")
            .arg(&self.files.kubeconfig)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let call = format!("kubectl {}", arguments.join(" "));
        let output = tokio::time::timeout(Duration::from_secs(60), command.output())
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(Error::io(&call))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let status = output.status.code().and_then(|code| u16::try_from(code).ok()).unwrap_or_default();
        Err(Error::Refused { call, status, body: String::from_utf8_lossy(&output.stderr).into_owned() })
    }

    /// Creates or replaces the CustomResourceDefinitions of a YAML file, as the administrator, and waits until they are served.
    ///
    /// On servers too old for them, validation rules, selectable fields and empty string defaults are taken out.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the YAML is not a list of definitions, [`Error::Refused`] when the server does not take one.
    pub async fn apply_crds(&self, yaml: &str) -> Result<()> {
        definitions::apply(self, yaml).await
    }

    /// The requests of one user that the server has answered so far, in order, from its audit log.
    ///
    /// Watches appear when they end. Counting here proves what a client did, not what it says it did.
    #[must_use]
    pub fn requests_of(&self, user: &str) -> Vec<ApiRequest> {
        audit::read(&self.files.audit_log, user)
    }

    /// The `N` of Kubernetes 1.N.
    async fn minor_version(&self) -> Result<u32> {
        let version = self.get("/version").await?;
        let minor = version["minor"].as_str().unwrap_or_default();
        // Some builds say "20+".
        let missing = |_| Error::Incomplete { call: "GET /version".to_owned(), field: "minor" };
        minor.trim_end_matches('+').parse().map_err(missing)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let call = format!("GET {path}");
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(self.token()).send().await;
        self.json(&call, answer).await
    }

    async fn apply(&self, path: &str, object: &Value) -> Result<Value> {
        let call = format!("PATCH {path}");
        let answer = self
            .http
            .patch(format!("{}{path}?fieldManager=test&force=true", self.url))
            .bearer_auth(self.token())
            .header("content-type", "application/apply-patch+yaml")
            .body(object.to_string())
            .send()
            .await;
        self.json(&call, answer).await
    }

    async fn json(&self, call: &str, answer: reqwest::Result<reqwest::Response>) -> Result<Value> {
        let answer = answer.map_err(Error::unreachable(call))?;
        let status = answer.status();
        let body = answer.text().await.map_err(Error::unreachable(call))?;
        if !status.is_success() {
            return Err(Error::Refused { call: call.to_owned(), status: status.as_u16(), body });
        }
        serde_json::from_str(&body)
            .map_err(|_| Error::Incomplete { call: call.to_owned(), field: "a JSON body" })
    }
}

const REMEDY: &str = "set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver, kubectl and, for some tests, kube-controller-manager";

fn assets() -> Result<PathBuf> {
    let directory =
        std::env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let missing = || Error::Missing {
        what: "the directory of Kubernetes programs".to_owned(),
        remedy: REMEDY.to_owned(),
    };
    let directory = directory.ok_or_else(missing)?;
    for name in ["etcd", "kube-apiserver", "kubectl"] {
        program(&directory, name)?;
    }
    Ok(directory)
}

fn program(assets: &Path, name: &str) -> Result<PathBuf> {
    let path = assets.join(name);
    match path.is_file() {
        true => Ok(path),
        false => Err(Error::Missing { what: path.display().to_string(), remedy: REMEDY.to_owned() }),
    }
}
