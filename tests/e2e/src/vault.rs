//! A Vault on the stage: a double, or a real server, and what is declared of it.

use crate::{Result, Stage, until};
use pawl_devcluster::DevCluster;
use pawl_servers::vault::{AuditDevice, CallClass, Vault, VaultApi, VaultDouble, VaultOptions};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// The namespace of everything that [`manifests`] declares.
pub const NAMESPACE: &str = "shop";

/// A server with a KV engine of version 2 at `secret`.
#[derive(Debug)]
pub struct Source {
    server: Kind,
    api: VaultApi,
    address: String,
    socket: PathBuf,
}

#[derive(Debug)]
enum Kind {
    Double(Box<VaultDouble>),
    Real(Box<Vault>),
}

impl Source {
    /// The one that `PAWL_TEST_VAULT_BIN` names, else the double.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(stage: &Stage) -> Result<Self> {
        let socket = stage.path("audit.sock");
        if let Some(program) = Vault::available() {
            let server = Vault::start_dev(&program).await?;
            let api = server.api().clone();
            let address = api.address().to_owned();
            return Ok(Self { server: Kind::Real(Box::new(server)), api, address, socket });
        }
        let server = VaultDouble::start(VaultOptions::default()).await?;
        server.mount_kv("", "secret", 2);
        let (api, address) = (server.api()?, server.address());
        Ok(Self { server: Kind::Double(Box::new(server)), api, address, socket })
    }

    /// What it is and where, for people.
    pub fn told(&self) -> String {
        match &self.server {
            Kind::Double(_) => format!("Vault: a double with recorded semantics, on {}", self.address),
            Kind::Real(_) => format!("Vault: the server that PAWL_TEST_VAULT_BIN names, on {}", self.address),
        }
    }

    /// Its address, as a store names it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A token that may do everything.
    pub fn token(&self) -> &str {
        match &self.server {
            Kind::Double(server) => server.root_token(),
            Kind::Real(server) => server.root_token(),
        }
    }

    /// How `pawl serve` is told of the audit log.
    pub fn audit_arguments(&self) -> Vec<String> {
        match &self.server {
            Kind::Double(_) => {
                vec!["--vault-audit-listen".to_owned(), format!("unix:{}", self.socket.display())]
            }
            Kind::Real(server) => {
                vec!["--vault-audit-file".to_owned(), server.audit_file().display().to_string()]
            }
        }
    }

    /// The double's socket device connects once somebody listens.
    pub async fn connect(&mut self) {
        if let Kind::Double(server) = &self.server {
            server.add_audit(AuditDevice::unix(&self.socket)).await;
        }
    }

    /// From now on nobody hears of what is written; a real server cannot be told so.
    pub async fn fall_silent(&self) {
        if let Kind::Double(server) = &self.server {
            server.remove_audit().await;
        }
    }

    /// Writes a key of the engine at `secret`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn write(&self, key: &str, data: &Value) -> Result<()> {
        let path = format!("secret/data/{key}");
        self.api.must("POST", &path, Some(&json!({ "data": data }))).await?;
        Ok(())
    }

    /// Reads a key of the engine at `secret`, as anybody may.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn read(&self, key: &str) -> Result<()> {
        self.api.must("GET", &format!("secret/data/{key}"), None).await?;
        Ok(())
    }

    /// Begins to count anew.
    pub fn forget_calls(&self) {
        if let Kind::Double(server) = &self.server {
            server.forget_calls();
        }
    }

    /// How often a value was read; a real server does not count.
    pub fn reads(&self) -> Option<usize> {
        match &self.server {
            Kind::Double(server) => Some(server.count("GET", CallClass::Data)),
            Kind::Real(_) => None,
        }
    }
}

/// The token that [`manifests`] reads Vault with goes into a cluster.
///
/// # Errors
/// When the cluster refuses it.
pub fn give_token(cluster: &DevCluster, token: &str) -> Result<()> {
    cluster.put(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "vault-token", "namespace": NAMESPACE },
        "stringData": { "token": token },
    }))?;
    Ok(())
}

/// A ClusterSecretStore of the server, and an ExternalSecret `db` that makes a connection string of `app/db`.
pub fn manifests(address: &str) -> String {
    format!(
        r#"apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {{ name: vault }}
spec:
  provider:
    vault:
      server: {address}
      path: secret
      version: v2
      auth:
        tokenSecretRef: {{ name: vault-token, key: token, namespace: {NAMESPACE} }}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{ name: db, namespace: {NAMESPACE} }}
spec:
  secretStoreRef: {{ name: vault, kind: ClusterSecretStore }}
  target:
    template:
      data:
        url: "postgres://{{{{ .user }}}}:{{{{ .password }}}}@db:5432/shop"
  dataFrom:
    - extract: {{ key: app/db }}
"#
    )
}

/// Waits until the password is in the Secret `db` of each cluster, and says how long that took.
///
/// # Errors
/// When it does not come.
pub async fn arrival(stage: &Stage, password: &str) -> Result<Duration> {
    let url = format!("postgres://ada:{password}@db:5432/shop").into_bytes();
    let stands = async || {
        let value = |cluster: &DevCluster| cluster.secret_value(NAMESPACE, "db", "url");
        stage.clusters().iter().all(|cluster| value(cluster).as_ref() == Some(&url)).then_some(())
    };
    let ((), took) = until("the password in both clusters", stands).await?;
    Ok(took)
}
