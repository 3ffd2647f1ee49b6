//! The cluster as its owner holds it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::Api;
use crate::auth::{Tokens, User, Verifier};
use crate::calls::{Call, Log};
use crate::delete::{self, Preconditions};
use crate::faults::Faults;
use crate::kinds::Kind;
use crate::server::{Bound, Server};
use crate::status::{Answer, Failure};
use crate::store::{Clock, Store, key_of, text};
use crate::validate;
use crate::write::{self, Write};
use crate::{body, convert, tls};

/// Namespaces that every cluster has.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// The manager under which a cluster's owner writes.
const OWNER: &str = "devcluster";

/// How a cluster is started.
pub struct Options {
    /// The name in the kubeconfig.
    pub name: String,
    /// HTTPS with a CA of the cluster's own; plain HTTP otherwise.
    pub tls: bool,
    /// Whether the garbage collector and the namespace controller act; a bare API server has neither.
    pub controllers: bool,
    /// Checks the tokens that the cluster does not know.
    pub verifier: Option<Verifier>,
    /// How often a watch that allows bookmarks gets one.
    pub bookmark_every: Duration,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A running cluster; it stops when it is dropped.
pub struct DevCluster {
    name: String,
    token: String,
    ca_pem: Option<String>,
    api: Arc<Api>,
    server: Server,
}

/// The answer of a direct write that was refused: code and `Status` body.
#[derive(Debug, Clone)]
pub struct Refused {
    /// HTTP status code.
    pub code: u16,
    /// The `Status` object.
    pub status: Value,
}

impl Options {
    /// HTTPS, controllers, the system's clock.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where the cluster's clock comes from")]
        let clock: Clock = Arc::new(Timestamp::now);
        Self {
            name: "dev".to_owned(),
            tls: true,
            controllers: true,
            verifier: None,
            bookmark_every: Duration::from_secs(60),
            clock,
        }
    }
}

impl DevCluster {
    /// Starts a cluster on a free port of 127.0.0.1. It is ready when this returns.
    ///
    /// # Errors
    /// When the system gives no port or no keys.
    pub async fn start(options: Options) -> io::Result<Self> {
        let identity = if options.tls { Some(tls::identity()?) } else { None };
        let bound = Bound::new()?;
        let store = Arc::new(Store::new(options.clock, options.controllers));
        let api = Arc::new(Api {
            store,
            tokens: Tokens::new(options.verifier),
            faults: Faults::new(),
            log: Log::default(),
            address: bound.address.to_string(),
            bookmark_every: options.bookmark_every,
        });
        let token = format!("admin-{:032x}", rand::random::<u128>());
        api.tokens.add(&token, User::admin("admin"));
        let (acceptor, ca_pem) = identity.map(|identity| (identity.acceptor, identity.ca_pem)).unzip();
        let server = Server::start(bound, Arc::clone(&api), acceptor)?;
        let cluster = Self { name: options.name, token, ca_pem, api, server };
        for namespace in NAMESPACES {
            cluster.make_namespace(namespace);
        }
        Ok(cluster)
    }

    /// The name in the kubeconfig.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `https://127.0.0.1:<port>`, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }

    /// The certificate of the cluster's CA, PEM; empty without TLS.
    pub fn ca_pem(&self) -> &str {
        self.ca_pem.as_deref().unwrap_or_default()
    }

    /// A bearer token that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A kubeconfig for [`token`](Self::token), YAML; its cluster, user and context have the cluster's name.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_for(&self.token)
    }

    /// A kubeconfig for any token.
    pub fn kubeconfig_for(&self, token: &str) -> String {
        let name = json!(self.name);
        let mut cluster = json!({"server": self.url()});
        if let Some(pem) = &self.ca_pem {
            cluster["certificate-authority-data"] = json!(BASE64_STANDARD.encode(pem));
        }
        // YAML is a superset of JSON: values are written as JSON.
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\nclusters:\n- name: {name}\n  cluster: \
             {cluster}\nusers:\n- name: {name}\n  user: {}\ncontexts:\n- name: {name}\n  context: {}\n",
            json!({"token": token}),
            json!({"cluster": self.name, "user": self.name}),
        )
    }

    /// Makes a token known, or changes whose it is.
    pub fn add_token(&self, token: &str, user: User) {
        self.api.tokens.add(token, user);
    }

    /// Makes a token unknown: it is answered with 401 from now on. Says whether it was known.
    pub fn expire_token(&self, token: &str) -> bool {
        self.api.tokens.expire(token)
    }

    /// Checks unknown tokens with this from now on.
    pub fn set_verifier(&self, verifier: impl Fn(&str) -> Option<User> + Send + Sync + 'static) {
        self.api.tokens.set_verifier(Some(Arc::new(verifier)));
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    /// Closes all connections and refuses new ones until [`restore`](Self::restore). The port stays the cluster's.
    ///
    /// # Errors
    /// When the system does not let the port be held.
    pub async fn cut_off(&self) -> io::Result<()> {
        self.server.cut_off().await
    }

    /// Ends [`cut_off`](Self::cut_off).
    ///
    /// # Errors
    /// When the system does not let the port be used again.
    pub async fn restore(&self) -> io::Result<()> {
        self.server.restore().await
    }

    /// The calls since the start or the last [`reset_calls`](Self::reset_calls), in the order of their answers.
    /// Calls that are still being handled (latency, hang) are not among them.
    pub fn calls(&self) -> Vec<Call> {
        self.api.log.all()
    }

    /// Forgets the calls.
    pub fn reset_calls(&self) {
        self.api.log.clear();
    }

    /// Creates or replaces an object, with the API's validation, past tokens, faults and the call log. A missing
    /// namespace is created, an object without one goes to `default`; the object's resourceVersion and uid are ignored,
    /// its `status` is stored. Returns the stored object.
    ///
    /// # Errors
    /// When the object's kind is not served or it does not validate.
    pub fn put(&self, object: Value) -> Result<Value, Refused> {
        self.try_put(object).map_err(Refused::from)
    }

    /// The stored object; `resource` is the plural name, `namespace` is empty for cluster-scoped kinds.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        self.api.store.with(|state| state.get(resource, namespace, name)).map(|object| (*object).clone())
    }

    /// All objects of a resource in a namespace, or in all when it is empty, by namespace and name.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Value> {
        self.api
            .store
            .with(|state| state.list(resource, namespace).map(|(_, object)| (**object).clone()).collect())
    }

    /// A Secret as it is stored.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<Value> {
        self.get("secrets", namespace, name)
    }

    /// The decoded value under a key of a Secret.
    pub fn secret_value(&self, namespace: &str, name: &str, key: &str) -> Option<Vec<u8>> {
        let secret = self.secret(namespace, name)?;
        BASE64_STANDARD.decode(secret.get("data")?.get(key)?.as_str()?).ok()
    }

    /// Deletes an object past tokens, faults and the call log, finalizers honoured. Says whether it was there.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> bool {
        let Some(kind) = Kind::stored_as(resource) else { return false };
        let mut write = self.write(kind, namespace);
        name.clone_into(&mut write.name);
        let store = &self.api.store;
        store.with(|state| delete::delete(store, state, &write, &Preconditions::default())).is_ok()
    }

    /// The cluster's present resourceVersion.
    pub fn resource_version(&self) -> u64 {
        self.api.store.with(|state| state.version())
    }

    /// Forgets all changes: watches from earlier versions, and the continue tokens of earlier lists, get 410.
    pub fn compact(&self) {
        self.api.store.with(crate::store::State::compact);
    }

    fn try_put(&self, object: Value) -> Answer<Value> {
        let (version, name) = (text(&object, "/apiVersion"), text(&object, "/kind"));
        let Some(kind) = Kind::of(version, name) else {
            return Err(Failure::bad_request(format!("no kind {name:?} is served for version {version:?}")));
        };
        let version = version.rsplit('/').next().unwrap_or_default().to_owned();
        let mut object = body::stored(kind, &version, object, b"")?;
        let (namespace, name) = key_of(&object);
        let namespace = match (kind.namespaced, namespace.as_str()) {
            (false, _) => "",
            (true, "") => "default",
            (true, given) => given,
        };
        if !namespace.is_empty() && self.get("namespaces", "", namespace).is_none() {
            self.make_namespace(namespace);
        }
        for field in ["resourceVersion", "uid"] {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove(field);
            }
        }
        let status = object.get("status").cloned();
        let mut write = self.write(kind, namespace);
        write.version.clone_from(&version);
        write.name = name;
        let store = &self.api.store;
        let stored = store.with(|state| {
            let live = state.get(kind.storage, namespace, &write.name);
            let stored = match live {
                None => write::create(state, &write, object)?,
                Some(live) => write::replace(store, state, &write, &live, object)?,
            };
            write.name = key_of(&stored).1;
            let Some(status) = status.filter(|_| kind.custom) else { return Ok(stored) };
            let mut with_status = (*stored).clone();
            with_status["status"] = status;
            write::replace(store, state, &Write { status: true, ..write.clone() }, &stored, with_status)
        })?;
        Ok((*convert::to_served(kind, &version, &stored)).clone())
    }

    fn make_namespace(&self, name: &str) {
        let Some(kind) = Kind::find("", "v1", "namespaces") else { return };
        let Ok(namespace) = validate::typed(kind, json!({"metadata": {"name": name}})) else { return };
        let write = self.write(kind, "");
        // It may be there already, which is what is wanted.
        let _ = self.api.store.with(|state| write::create(state, &write, namespace));
    }

    fn write(&self, kind: &'static Kind, namespace: &str) -> Write {
        Write {
            kind,
            version: kind.versions[0].to_owned(),
            namespace: namespace.to_owned(),
            name: String::new(),
            status: false,
            manager: OWNER.to_owned(),
            dry_run: false,
            force: true,
            now: self.api.store.now_text(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("name", &self.name).field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl fmt::Debug for DevCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevCluster")
            .field("name", &self.name)
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, status: failure.body }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, text(&self.status, "/message"))
    }
}

impl std::error::Error for Refused {}
