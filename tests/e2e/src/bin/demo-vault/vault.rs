//! The Vault of the demo: a double, or a real server.

use pawl_e2e::{Result, Stage};
use pawl_servers::vault::{AuditDevice, CallClass, Vault, VaultApi, VaultDouble, VaultOptions};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A server with a KV engine of version 2 at `secret`.
pub(crate) struct Source {
    server: Kind,
    api: VaultApi,
    address: String,
    socket: PathBuf,
}

enum Kind {
    Double(Box<VaultDouble>),
    Real(Box<Vault>),
}

impl Source {
    /// The one that `PAWL_TEST_VAULT_BIN` names, else the double.
    pub(crate) async fn start(stage: &Stage) -> Result<Self> {
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

    pub(crate) fn told(&self) -> String {
        match &self.server {
            Kind::Double(_) => format!("Vault: a double with recorded semantics, on {}", self.address),
            Kind::Real(_) => format!("Vault: the server that PAWL_TEST_VAULT_BIN names, on {}", self.address),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn token(&self) -> &str {
        match &self.server {
            Kind::Double(server) => server.root_token(),
            Kind::Real(server) => server.root_token(),
        }
    }

    /// How `pawl serve` is told of the audit log.
    pub(crate) fn audit_arguments(&self) -> Vec<String> {
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
    pub(crate) async fn connect(&mut self) {
        if let Kind::Double(server) = &self.server {
            server.add_audit(AuditDevice::unix(&self.socket)).await;
        }
    }

    pub(crate) async fn write(&self, key: &str, data: &Value) -> Result<()> {
        let path = format!("secret/data/{key}");
        self.api.must("POST", &path, Some(&json!({ "data": data }))).await?;
        Ok(())
    }

    pub(crate) async fn read(&self, key: &str) -> Result<()> {
        self.api.must("GET", &format!("secret/data/{key}"), None).await?;
        Ok(())
    }

    pub(crate) fn forget_calls(&self) {
        if let Kind::Double(server) = &self.server {
            server.forget_calls();
        }
    }

    /// How often a value was read; a real server does not count.
    pub(crate) fn reads(&self) -> Option<usize> {
        match &self.server {
            Kind::Double(server) => Some(server.count("GET", CallClass::Data)),
            Kind::Real(_) => None,
        }
    }
}
