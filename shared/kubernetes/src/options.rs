//! Settings of the connections to clusters.

use pawl_domain::SecretValue;
use pawl_domain::cluster::Allowed;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Looks up an environment variable; tests pass a map.
pub type Lookup = Arc<dyn Fn(&str) -> Option<SecretValue> + Send + Sync>;

/// How clusters are talked to. [`Options::new`] has what suits a function with a short life.
#[derive(Clone)]
pub struct Options {
    /// How long a connection may take to stand, TLS included.
    pub connect_timeout: Duration,
    /// How long a request may take from its first byte to the last of its answer.
    pub request_timeout: Duration,
    /// How long a request may wait for a server that asks to slow down, its own time not counted.
    pub patience: Duration,
    /// How many requests may be under way to one cluster.
    pub concurrency: usize,
    /// How long a cluster that could not be reached is not tried again.
    pub fail_fast: Duration,
    /// The class of stores that are read from clusters; see `ParseOptions::class`.
    pub class: String,
    /// Whether PushSecrets are read and watched, with the Secrets that they may push.
    pub pushes: bool,
    /// Whether what ClusterExternalSecrets depend on is watched as well; that takes more rights.
    pub families: bool,
    /// Where `tokenEnv` of a Cluster is looked up.
    pub lookup: Lookup,
    /// Which credentials Clusters may name.
    pub allowed: Allowed,
}

impl Options {
    /// 3 s to connect, 10 s for a request, 5 s of patience, 16 requests at once, 2 s of failing fast, class `default`, no PushSecrets, no
    /// ClusterExternalSecrets, and credentials of clusters where [`Allowed::default`] has them.
    pub fn new(lookup: Lookup) -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(5),
            concurrency: 16,
            fail_fast: Duration::from_secs(2),
            class: "default".to_owned(),
            pushes: false,
            families: false,
            lookup,
            allowed: Allowed::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("patience", &self.patience)
            .field("concurrency", &self.concurrency)
            .field("fail_fast", &self.fail_fast)
            .field("class", &self.class)
            .field("pushes", &self.pushes)
            .field("families", &self.families)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}
