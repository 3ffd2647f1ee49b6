//! The adapter under test, with everything that it needs of others played here.

use crate::server::Server;
use jiff::Timestamp;
use pawl_domain::cluster::{Allowed, Cluster, Connection, TokenSource};
use pawl_domain::hash::data_hash;
use pawl_domain::reconcile::{DATA_HASH_ANNOTATION, Replacement};
use pawl_domain::{ClusterName, Declaration, DeclarationId, Home, Kind, ObjectName, SecretValue, Step};
use pawl_kubernetes::{ClusterDirectory, KubernetesClusters, Options};
use pawl_manifests::{ParseOptions, parse};
use pawl_ports::{BearerToken, Clock, ClusterIdentity, EksEndpoint, Error};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) type Pawl = KubernetesClusters<Identity, Arc<Directory>>;

/// A value that no error may quote.
pub(crate) const CANARY: &str = "canary-7f3a9c";

/// The adapter, knowing the server as cluster `blue` with this token.
pub(crate) fn pawl(server: &Server, token: &str) -> Pawl {
    with(Connection::Url {
        url: server.url.clone(),
        ca: Some(server.ca.clone()),
        token: TokenSource::Env(token.to_owned()),
    })
}

/// The same with other options.
pub(crate) fn with_options(server: &Server, token: &str, options: Options) -> Pawl {
    let url = server.url.clone();
    let connection =
        Connection::Url { url, ca: Some(server.ca.clone()), token: TokenSource::Env(token.to_owned()) };
    build(connection, Arc::default(), options)
}

/// The adapter, with this way to cluster `blue`. The variable `tokenEnv` holds its own name.
pub(crate) fn with(connection: Connection) -> Pawl {
    build(connection, Arc::default(), options())
}

pub(crate) fn options() -> Options {
    let allowed = Allowed {
        secrets: vec!["*".to_owned()],
        variables: String::new(),
        files: vec![std::env::temp_dir()],
        plain_http: true,
        eks_endpoints: Vec::new(),
    };
    Options { allowed, ..Options::new(Arc::new(|name| Some(SecretValue::new(name)))) }
}

/// The same, where the operator lets this endpoint of an EKS cluster be used as it is given.
pub(crate) fn options_at(endpoint: &str) -> Options {
    let options = options();
    Options { allowed: Allowed { eks_endpoints: vec![endpoint.to_owned()], ..options.allowed }, ..options }
}

pub(crate) fn build(connection: Connection, identity: Arc<Identity>, options: Options) -> Pawl {
    on(declared(connection), identity, options)
}

pub(crate) fn on(directory: Arc<Directory>, identity: Arc<Identity>, options: Options) -> Pawl {
    KubernetesClusters::new(identity, directory, Arc::new(Frozen), options)
}

/// Cluster `blue` as it is declared for the index.
pub(crate) fn cluster(server: &Server) -> Cluster {
    Cluster {
        name: blue(),
        labels: [].into(),
        connection: Connection::Url {
            url: server.url.clone(),
            ca: Some(server.ca.clone()),
            token: TokenSource::Env(server.pawl.clone()),
        },
        index: true,
        namespaces: [].into(),
    }
}

/// A directory that knows cluster `blue` only.
pub(crate) fn declared(connection: Connection) -> Arc<Directory> {
    let cluster =
        Cluster { name: blue(), labels: BTreeMap::new(), connection, index: true, namespaces: [].into() };
    Arc::new(Directory(Mutex::new(cluster)))
}

pub(crate) fn blue() -> ClusterName {
    "blue".parse().unwrap()
}

pub(crate) fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

pub(crate) fn id(namespace: &str, name: &str) -> DeclarationId {
    format!("blue/{namespace}/{name}").parse().unwrap()
}

/// The declaration of an ExternalSecret with this target, as it would be read from the cluster.
pub(crate) fn declaration(namespace: &str, uid: &str, target: &str) -> Declaration {
    let text = format!(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n\
         metadata: {{ name: es, namespace: {namespace}, uid: \"{uid}\", labels: {{ app: shop }} }}\n\
         spec:\n  secretStoreRef: {{ name: aws }}\n  target: {target}\n  \
         data: [{{ secretKey: a, remoteRef: {{ key: k }} }}]\n"
    );
    let mut found = parse(&text, "test", &ParseOptions::new(Home::Cluster(blue())));
    assert_eq!(found.problems, []);
    found.declarations.remove(0)
}

pub(crate) fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretValue> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value))).collect()
}

/// The same as what is written without reading.
pub(crate) fn replacement(pairs: &[(&str, &str)]) -> Replacement {
    let data = data(pairs);
    let annotations = BTreeMap::from([(DATA_HASH_ANNOTATION.to_owned(), data_hash(&data))]);
    Replacement { data, labels: BTreeMap::new(), annotations }
}

/// One known cluster.
pub(crate) struct Directory(pub(crate) Mutex<Cluster>);

impl Directory {
    /// Declares another way to the cluster.
    pub(crate) fn change(&self, connection: Connection) {
        self.0.lock().unwrap().connection = connection;
    }
}

impl ClusterDirectory for Directory {
    async fn cluster(&self, name: &ClusterName) -> Result<Option<Cluster>, Error> {
        let known = self.0.lock().unwrap();
        Ok((*name == known.name).then(|| known.clone()))
    }
}

/// Hands out tokens in order, the last one again and again, and counts.
#[derive(Default)]
pub(crate) struct Identity {
    pub tokens: Mutex<Vec<String>>,
    pub minted: AtomicUsize,
    pub endpoint: Option<EksEndpoint>,
    pub asked: AtomicUsize,
}

impl ClusterIdentity for Identity {
    async fn eks_token(&self, region: &str, cluster: &str, _: Option<&str>) -> Result<BearerToken, Error> {
        assert_eq!((region, cluster), ("eu-central-1", "shop"));
        self.minted.fetch_add(1, Ordering::SeqCst);
        let mut tokens = self.tokens.lock().unwrap();
        let token = if tokens.len() > 1 { tokens.remove(0) } else { tokens[0].clone() };
        Ok(BearerToken {
            token: SecretValue::new(token),
            expires: now() + jiff::SignedDuration::from_mins(15),
        })
    }

    async fn eks_endpoint(&self, _: &str, _: &str, _: Option<&str>) -> Result<EksEndpoint, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let refused = || Error::new(Step::Authenticate, Kind::Denied, "no EKS for you");
        self.endpoint.clone().ok_or_else(refused)
    }

    async fn token_secret(&self, name: &str) -> Result<SecretValue, Error> {
        Ok(SecretValue::new(name))
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T05:00:00Z".parse().unwrap()
}

struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        now()
    }
}
