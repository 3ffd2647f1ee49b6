use crate::{Assembled, SecretsManager};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use futures::{StreamExt, stream};
use pawl_aws::{AwsIdentity, AwsSources};
use pawl_devcluster::{DevCluster, Fault, Options, Rule};
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::record::{State, TargetState};
use pawl_domain::{
    Cluster, ClusterName, Declaration, DigestKey, Outcome, Read, Record, SecretValue, Version, Versions,
};
use pawl_embedded::Embedded;
use pawl_kubernetes::{ClusterDirectory, KubernetesClusters};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{Catalogue, Clock, Error, Ledger};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How many writes of the registry may wait at the same time while it is filled.
const CALLERS: usize = 256;

/// The key of the ledger's digests.
const LEDGER_KEY: &str = "the ledger's key in measurements";

/// The flow over the real adapters: registry, ledger and job queue in a file, clusters over HTTPS.
pub type OnFile<K> = Assembled<Embedded, Embedded, KubernetesClusters<AwsIdentity, Known>, Embedded, K>;

/// A store, clusters, and a file with registry, ledger and job queue. All of it goes when it is dropped.
#[derive(Debug)]
pub struct Stage {
    /// The store, which every declaration reads.
    pub store: SecretsManager,
    /// The clusters `cluster-0`, `cluster-1`...
    pub clusters: Vec<DevCluster>,
    /// Registry, ledger and job queue.
    pub file: Embedded,
    known: BTreeMap<ClusterName, Cluster>,
    directory: TempDir,
}

/// Clusters by name, as a process knows them that has asked the registry a moment ago.
#[derive(Clone, Debug)]
pub struct Known(Arc<BTreeMap<ClusterName, Cluster>>);

impl ClusterDirectory for Known {
    async fn cluster(&self, name: &ClusterName) -> Result<Option<Cluster>, Error> {
        Ok(self.0.get(name).cloned())
    }
}

impl Stage {
    /// Starts a store and so many clusters on the runtime of the caller, and registers store and clusters.
    pub async fn start(clusters: usize) -> Self {
        // The bare loop makes TLS connections as well; there is one provider to choose from.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directory = TempDir::with_prefix("pawl-figures-").unwrap();
        let file = Embedded::open(directory.path().join("pawl.db")).await.unwrap();
        file.put_store(&pawl_world::secrets_manager(pawl_world::build::STORE).build()).await.unwrap();
        let store = SecretsManager::start().await;
        let mut stage = Self { store, clusters: Vec::new(), file, known: BTreeMap::new(), directory };
        for index in 0..clusters {
            let cluster = DevCluster::start(Options::named(format!("cluster-{index}"))).await.unwrap();
            let known = pawl_world::cluster(cluster.name()).connection(Connection::Url {
                url: cluster.url(),
                ca: Some(cluster.ca_pem().to_owned()),
                token: TokenSource::Env(variable(cluster.name())),
            });
            stage.clusters.push(cluster);
            let known = known.build();
            stage.file.put_cluster(&known).await.unwrap();
            stage.known.insert(known.name.clone(), known);
        }
        stage
    }

    /// The flow over this stage at a clock's time.
    pub fn pipeline<K: Clock + Clone + 'static>(&self, settings: Settings, clock: K) -> Pipeline<OnFile<K>> {
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let config = sdk_config(self.store.endpoint());
        let identity = Arc::new(AwsIdentity::new(config.clone(), Arc::clone(&shared)));
        let tokens: BTreeMap<String, String> = self.tokens().collect();
        let lookup = move |name: &str| tokens.get(name).map(|token| SecretValue::new(token.as_bytes()));
        let options = pawl_kubernetes::Options::new(Arc::new(lookup));
        let known = Known(Arc::new(self.known.clone()));
        let clusters = Arc::new(KubernetesClusters::new(identity, known, Arc::clone(&shared), options));
        let ports = Assembled {
            registry: self.file.clone(),
            ledger: self.file.clone(),
            sources: AwsSources::new(config, Arc::clone(&clusters), shared),
            clusters,
            jobs: self.file.clone(),
            clock,
        };
        Pipeline::new(ports, settings, DigestKey::new(SecretValue::new(LEDGER_KEY)).unwrap())
    }

    /// Registers declarations, and their namespaces in the clusters that are there.
    pub async fn declare(&self, declarations: &[Declaration]) {
        for declaration in declarations {
            let cluster = self.clusters.iter().find(|it| it.name() == declaration.id.cluster.as_str());
            let name = declaration.id.namespace.as_str();
            if let Some(cluster) = cluster.filter(|it| it.get("namespaces", "", name).is_none()) {
                let namespace = serde_json::json!({
                    "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name },
                });
                cluster.put(namespace).unwrap();
            }
        }
        let puts = declarations.iter().map(|declaration| async {
            let remotes = declaration.reads.iter().filter_map(Read::remote);
            let keys = remotes.map(|remote| remote.key.as_str());
            let keys = pawl_world::build::index_keys(keys);
            Catalogue::put(&self.file, declaration, &keys, None).await.unwrap();
        });
        stream::iter(puts).buffer_unordered(CALLERS).for_each(async |()| {}).await;
    }

    /// Records that each of these was written with the first version of its key, so that there is nothing to do.
    pub async fn settle(&self, declarations: &[Declaration], clock: &impl Clock) {
        let at = clock.now();
        let puts = declarations.iter().map(|declaration| {
            let written = Versions::One(Version { id: SecretsManager::version(1), since: Some(at) });
            let record = Record {
                versions: vec![written; declaration.reads.len()],
                digest: Some("0".repeat(64)),
                target: Some(TargetState {
                    name: declaration.target.name.clone(),
                    manifest: None,
                    resource_version: Some("1".to_owned()),
                    declared: Some(declaration.target_digest()),
                }),
                refreshed: Some(at),
                state: State::Settled(Outcome::Written),
                ..Record::pending(declaration, at)
            };
            async move { Ledger::put(&self.file, &declaration.id, &record, None).await.unwrap() }
        });
        stream::iter(puts).buffer_unordered(CALLERS).for_each(async |_| {}).await;
    }

    /// Lets store and clusters answer after this time from now on, as if they were that far away.
    pub fn delay(&self, by: Duration) {
        self.store.delay(by);
        for cluster in &self.clusters {
            cluster.faults().clear();
            if !by.is_zero() {
                cluster.faults().add(Rule::new(Fault::Latency(by)));
            }
        }
    }

    /// Forgets what was asked of the store and of the clusters so far.
    pub fn reset_calls(&self) {
        self.store.reset();
        self.clusters.iter().for_each(DevCluster::reset_calls);
    }

    /// What was asked of the clusters: `patch secrets` → count.
    pub fn cluster_calls(&self) -> BTreeMap<String, usize> {
        let calls: Vec<_> = self.clusters.iter().flat_map(DevCluster::calls).collect();
        pawl_devcluster::tally(&calls)
    }

    /// A file in the stage's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a process of Pawl finds in its environment to work on this stage.
    pub fn environment(&self) -> Vec<(String, String)> {
        for empty in ["aws-config", "aws-credentials"] {
            std::fs::write(self.path(empty), "").unwrap();
        }
        let file = |name| self.path(name).display().to_string();
        let settings = [
            ("AWS_ENDPOINT_URL", self.store.endpoint().to_owned()),
            ("AWS_REGION", pawl_world::build::REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            // Nobody's own profile may decide what happens here.
            ("AWS_CONFIG_FILE", file("aws-config")),
            ("AWS_SHARED_CREDENTIALS_FILE", file("aws-credentials")),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("PAWL_DB", file("pawl.db")),
            // The same as in this process, or every target would have to be looked at.
            ("PAWL_LEDGER_KEY", LEDGER_KEY.to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(self.tokens()).collect()
    }

    /// Variables with the clusters' tokens.
    fn tokens(&self) -> impl Iterator<Item = (String, String)> {
        self.clusters.iter().map(|cluster| (variable(cluster.name()), cluster.token().to_owned()))
    }
}

/// The SDK's settings for a server that plays AWS. Limits and retries are Pawl's own.
pub fn sdk_config(endpoint: &str) -> SdkConfig {
    let own = Credentials::new("test", "test", None, None, "figures");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(pawl_world::build::REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(own))
        .build()
}

fn variable(cluster: &str) -> String {
    format!("PAWL_CLUSTER_TOKEN_{}", cluster.replace('-', "_").to_uppercase())
}
