//! Clusters: how to reach a Kubernetes API server that Pawl may write to.

mod allowed;

pub use allowed::{Allowed, Refusal, is_same_url};

use crate::name::{ClusterName, Namespace, ObjectName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A `pawl.dev/v1alpha1` Cluster, parsed and closed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cluster {
    /// The name by which declarations and reports speak of it.
    pub name: ClusterName,
    /// Labels for `pawl.dev/cluster-selector`.
    pub labels: BTreeMap<String, String>,
    /// How to reach it.
    pub connection: Connection,
    /// Whether the ExternalSecrets that live in this cluster are read from it.
    pub index: bool,
    /// The only namespaces that are listed and watched, where Pawl has no rights in the others; empty for all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub namespaces: BTreeSet<Namespace>,
}

impl Cluster {
    /// The Secrets Manager secret that holds its token, if one does.
    pub fn token_secret(&self) -> Option<&str> {
        match &self.connection {
            Connection::Url { token: TokenSource::SecretsManager(name), .. } => Some(name),
            Connection::Url { .. } | Connection::Eks { .. } | Connection::Kubeconfig { .. } => None,
        }
    }
}

/// How a cluster's API server is reached.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Connection {
    /// An EKS cluster, with a presigned token of the identity that Pawl runs with or of `role`.
    Eks {
        /// The cluster's name in EKS.
        name: String,
        /// Its region.
        region: String,
        /// The role to assume first, if the cluster is another account's.
        role: Option<String>,
        /// The API server's URL; asked of EKS where absent.
        endpoint: Option<String>,
        /// The API server's CA as PEM; asked of EKS where absent.
        ca: Option<String>,
    },
    /// A kubeconfig without exec plugins, from a file of the machine that Pawl runs on.
    Kubeconfig {
        /// The file's path.
        path: String,
        /// The context in it; its current context where absent.
        context: Option<String>,
    },
    /// A URL with a bearer token.
    Url {
        /// The API server's URL.
        url: String,
        /// Its CA as PEM; the system's roots where absent.
        ca: Option<String>,
        /// Where the token is.
        token: TokenSource,
    },
}

/// Where a bearer token comes from. It is never part of a manifest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum TokenSource {
    /// A file, read again whenever the token is refused or a minute old.
    File(String),
    /// An environment variable of Pawl's process.
    Env(String),
    /// A Secrets Manager secret that the identity Pawl runs with may read: name or ARN.
    SecretsManager(String),
}

impl Connection {
    /// Where it leads, and with whose credentials, in words: what a person must see when it changes. It names where
    /// credentials are, and never holds them.
    pub fn shown(&self) -> String {
        match self {
            Self::Eks { name, region, role, endpoint, .. } => {
                let role = role.as_ref().map_or_else(String::new, |role| format!(" as {role}"));
                let at = endpoint.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
                format!("EKS cluster {name} in {region}{role}{at}")
            }
            Self::Kubeconfig { path, context } => {
                let context =
                    context.as_ref().map_or_else(String::new, |name| format!(" with context {name}"));
                format!("kubeconfig {path}{context}")
            }
            Self::Url { url, token, .. } => format!("{url} with the token in {}", token.shown()),
        }
    }
}

impl TokenSource {
    /// Where the token is, in words.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => format!("file {path}"),
            Self::Env(name) => format!("variable {name}"),
            Self::SecretsManager(name) => format!("secret {name}"),
        }
    }
}

/// Names one key of one Secret of one cluster, for credentials that stores refer to.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SecretKeyAt {
    /// The Secret's namespace.
    pub namespace: Namespace,
    /// The Secret's name.
    pub name: ObjectName,
    /// The key in its data.
    pub key: String,
}
