//! Vault and OpenBao for tests: a double in this process, and real servers where there is one.
//!
//! | type | what it is | needs |
//! |---|---|---|
//! | [`VaultDouble`] | a server in this process, with the semantics recorded from OpenBao 2.6.2 | nothing |
//! | [`RealVault`] | a server that somebody runs | `VAULT_ADDR` and `VAULT_TOKEN` |
//! | [`Vault`] | a real server in dev mode, of the test's own | `PAWL_TEST_VAULT_BIN`: a `bao` or `vault` program |
//!
//! [`VaultApi`] is the test's own hand in all three. `tests/vault` holds the double and real servers to one table of calls: the answers and
//! the audit records of `recorded.jsonl`. Any release of OpenBao from 2.6 on gives a `bao` program to run it with; `PAWL_RECORD=1` beside
//! `PAWL_TEST_VAULT_BIN` writes down what that server answers. A Vault of HashiCorp differs in the words of some messages, in fields of metadata
//! that OpenBao added, and in that it hashes times in the audit log.
//!
//! A ldap mount has no directory behind it: a user's password is the field `password` of `users/<name>`. Signatures of tokens and of requests
//! to STS are not checked, their claims and shapes are. OpenBao has no `aws` and `gcp` of its own; the double has them as Vault does.
//!
//! The double keeps: tokens with their lives and uses, policies, namespaces inside of namespaces, mounts with slashes, key/value engines of
//! both versions, logins, the audit log, the shapes of refusals. It does not: leases, unwrapping, identity beyond an entity's id, cubbyhole,
//! quotas, replication (faults play their answers), `SCAN`, `subkeys` with a depth, `sudo`, globs in policies other than `*` and `+`.

mod answer;
mod api;
mod audit;
mod auth;
mod call;
mod calls;
mod clock;
mod core;
mod dev;
mod duration;
mod faults;
mod hooks;
mod ids;
mod json;
mod kv;
mod mounts;
mod namespaces;
mod options;
mod policy;
mod real;
mod record;
mod reply;
mod server;
mod state;
mod system;
mod tls;
mod tokens;
mod visit;

pub use api::VaultApi;
pub use audit::AuditDevice;
pub use calls::{CallClass, VaultCall};
pub use clock::VaultClock;
pub use dev::Vault;
pub use faults::{VaultFault, VaultFaults, VaultRule};
pub use options::VaultOptions;
pub use real::RealVault;

use crate::{Error, Result};
use core::Core;
use serde_json::{Value, json};
use server::Server;
use std::{fmt, net::SocketAddr, sync::Arc};

/// A server in this process, on a loopback port of its own. Dropping it closes the port and every connection.
///
/// It starts as OpenBao does in dev mode: unsealed, with a version 2 engine at `secret/`.
pub struct VaultDouble {
    core: Arc<Core>,
    server: Server,
    identity: Option<tls::Identity>,
    root_token: String,
}

impl VaultDouble {
    /// Starts a server.
    ///
    /// # Errors
    /// [`Error::Io`] without a port, [`Error::Certificate`] without a certificate.
    pub async fn start(options: VaultOptions) -> Result<Self> {
        let clock = VaultClock::default();
        let core = Arc::new(Core::new(options.devices, clock));
        {
            let mut state = core.state();
            state.tokens.root(&options.root_token, core.clock.now());
            state.mount("", "secret", 2);
        }
        let identity = options.tls.then(tls::Identity::new).transpose()?;
        let tls = identity.as_ref().map(|identity| identity.tls.clone());
        let server = Server::start(Arc::clone(&core), tls).await.map_err(Error::io("cannot listen"))?;
        Ok(Self { core, server, identity, root_token: options.root_token })
    }

    /// The base URL, as `VAULT_ADDR` has it.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket_address(&self) -> SocketAddr {
        self.server.address
    }

    /// The token that may do everything.
    #[must_use]
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// A client with the root token.
    ///
    /// # Errors
    /// As [`VaultApi::new`].
    pub fn api(&self) -> Result<VaultApi> {
        VaultApi::trusting(&self.address(), &self.root_token, self.ca_pem().as_deref())
    }

    /// The authority that signed the server's certificate, PEM. None without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.identity.as_ref().map(tls::Identity::ca_pem)
    }

    /// A certificate and its key for a client, PEM, of the server's own authority. None without TLS.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn client_certificate(&self, name: &str) -> Result<Option<(String, String)>> {
        self.identity.as_ref().map(|identity| identity.client(name)).transpose()
    }

    /// A client with the root token that shows a certificate, PEM.
    ///
    /// # Errors
    /// As [`VaultApi::new`].
    pub fn api_with_certificate(&self, certificate: &str, key: &str) -> Result<VaultApi> {
        VaultApi::build(
            &self.address(),
            &self.root_token,
            self.ca_pem().as_deref(),
            Some(&format!("{key}{certificate}")),
        )
    }

    /// Mounts a key/value engine of version 1 or 2, in a namespace that is made when it is not there. The root's name is empty.
    pub fn mount_kv(&self, namespace: &str, mount: &str, version: u8) {
        self.core.state().mount(namespace, mount, version);
    }

    /// Writes a value as if by the API, but without a call, an audit record or a check. The version that it got: 0 in a version 1 engine.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no engine at the mount, or `data` is not an object.
    pub fn put(&self, namespace: &str, mount: &str, key: &str, data: &Value) -> Result<u64> {
        let now = self.core.clock.now();
        self.core.state().put(namespace, mount, key, data, now).ok_or_else(|| Error::Refused {
            call: format!("putting {namespace}/{mount}/{key}"),
            status: 404,
            body: json!({ "errors": ["no key/value engine is there, or the data is no object"] }).to_string(),
        })
    }

    /// Makes a token of named policies in a namespace, which lives for so many seconds.
    #[must_use]
    pub fn make_token(&self, namespace: &str, policies: &[&str], ttl: u64) -> String {
        let now = self.core.clock.now();
        self.core.state().make_test_token(namespace, policies, ttl, now)
    }

    /// Writes a policy of a namespace, in HCL.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the double cannot read it.
    pub fn put_policy(&self, namespace: &str, name: &str, hcl: &str) -> Result<()> {
        let policy = policy::Policy::parse(hcl).ok_or_else(|| Error::Manifest(hcl.to_owned()))?;
        self.core.state().namespace_at(namespace).policies.insert(name.to_owned(), policy);
        Ok(())
    }

    /// Ends all tokens but root ones, as a restart or an operator would.
    pub fn expire_tokens(&self) {
        self.core.state().tokens.revoke_all();
    }

    /// How many tokens there are, root ones and expired ones among them: a client that logs out leaves none.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.core.state().tokens.count()
    }

    /// The clock, to be moved.
    #[must_use]
    pub fn clock(&self) -> VaultClock {
        self.core.clock.clone()
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> &VaultFaults {
        &self.core.faults
    }

    /// The requests so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<VaultCall> {
        self.core.calls().clone()
    }

    /// How many requests there were of a method and a class of paths.
    #[must_use]
    pub fn count(&self, method: &str, class: CallClass) -> usize {
        self.core.calls().iter().filter(|call| call.method == method && call.class == class).count()
    }

    /// Forgets the requests so far.
    pub fn forget_calls(&self) {
        self.core.calls().clear();
    }

    /// The lines of the memory device so far.
    pub async fn audit_lines(&self) -> Vec<String> {
        self.core.devices.lock().await.lines().to_vec()
    }

    /// How the first audit device hashes a text. None without a device.
    pub async fn audit_hash(&self, text: &str) -> Option<String> {
        self.core.devices.lock().await.hash(text)
    }

    /// Adds an audit device.
    pub async fn add_audit(&self, device: AuditDevice) {
        self.core.devices.lock().await.add(device);
    }

    /// Removes all audit devices.
    pub async fn remove_audit(&self) {
        self.core.devices.lock().await.remove_all();
    }
}

impl fmt::Debug for VaultDouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("VaultDouble").field("address", &self.address()).finish_non_exhaustive()
    }
}
