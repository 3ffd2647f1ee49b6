//! Everything that a run needs: AWS behind a gate, Vault and clusters behind proxies, and Pawl's processes.

use crate::cluster::Cluster;
use crate::gate::Gate;
use crate::io;
use crate::journal::Journal;
use crate::manifests::{REGION, VaultStore};
use crate::options::{Options, Setting};
use crate::pawl::Pawl;
use crate::stores::Stores;
use crate::world::{CLUSTERS, Key};
use pawl_e2e::{HMAC_KEY, Result};
use pawl_servers::vault::{VaultDouble, VaultOptions};
use pawl_servers::{FaultProxy, Moto, Queue, Service, SqsPoller};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The table of registry and ledger.
pub(crate) const TABLE: &str = "pawl";
/// A message that was not dealt with comes again after so many seconds.
const VISIBILITY: &str = "6";
/// As in the deployment's template.
const RECEPTIONS: u32 = 10;

/// A running stage. Fields drop in this order: what uses a server before the server.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) journal: Arc<Journal>,
    _pollers: Vec<SqsPoller>,
    pub(crate) pawl: Pawl,
    pub(crate) queues: Option<Queues>,
    pub(crate) gate: Gate,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) vault: VaultDouble,
    pub(crate) vault_proxy: FaultProxy,
    pub(crate) vault_store: VaultStore,
    pub(crate) stores: Stores,
    _moto: Moto,
    directory: TempDir,
}

/// The queues of a deployment, with where their messages end.
#[derive(Debug)]
pub(crate) struct Queues {
    pub(crate) events: Queue,
    pub(crate) jobs: Queue,
    pub(crate) events_dead: Queue,
    pub(crate) jobs_dead: Queue,
}

impl Stage {
    /// Starts all servers and fills the stores. No `pawl serve` runs yet.
    pub(crate) async fn start(options: &Options, logs: &Path, journal: Arc<Journal>) -> Result<Self> {
        let canary =
            format!("canary{:016x}{:016x}", options.seed, options.seed.rotate_left(17) ^ 0x5bd1_e995);
        let moto = Moto::start().await?;
        let gate = Gate::start(moto.endpoint(), &canary, options.seed).await?;
        let directory = TempDir::with_prefix("pawl-chaos-").map_err(io("cannot make a directory"))?;
        let mut clusters = Vec::new();
        for index in 0..CLUSTERS {
            let token = directory.path().join(format!("{index}.token"));
            clusters.push(Cluster::start(index, options.clusters, token).await?);
        }
        let vault = VaultDouble::start(VaultOptions::default().audit([])).await?;
        let vault_proxy = FaultProxy::start(vault.socket_address()).await?;
        let api = vault.api()?;
        let vault_store = VaultStore::enable(&api, format!("http://{}", vault_proxy.address())).await?;
        let stores = Stores { aws: moto.aws(), vault: api, canary };
        for key in Key::all() {
            stores.create(key, 1).await?;
        }
        let queues = match options.setting {
            Setting::Table => Some(Queues::make(&moto).await?),
            Setting::File => None,
        };
        let environment = environment(&gate, directory.path(), queues.as_ref())?;
        let pawl = Pawl::new(options.setting, environment, logs.to_owned()).await?;
        let mut pollers = Vec::new();
        if let (Some(queues), Some(lambda)) = (&queues, pawl.lambda()) {
            for (queue, function) in [(&queues.events, "sync"), (&queues.jobs, "deliver")] {
                pollers.push(SqsPoller::start(moto.aws(), queue.clone(), Arc::clone(lambda), function, 10));
            }
        }
        let stage = Self {
            journal,
            _pollers: pollers,
            pawl,
            queues,
            gate,
            clusters,
            vault,
            vault_proxy,
            vault_store,
            stores,
            _moto: moto,
            directory,
        };
        stage.furnish().await?;
        Ok(stage)
    }

    /// Where the local file is.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("pawl.db")
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Puts into clusters what Pawl takes for granted; into the one that has its own manifests also the stores.
    async fn furnish(&self) -> Result<()> {
        for cluster in &self.clusters {
            if let Some(server) = cluster.real() {
                server.apply_crds(DEFINITIONS).await?;
            }
            for object in self.vault_store.furniture() {
                cluster.apply(&object).await?;
            }
        }
        if let Some(indexed) = self.clusters.last() {
            for store in self.vault_store.stores() {
                indexed.apply(&store).await?;
            }
        }
        Ok(())
    }
}

/// ESO's definitions for real servers.
const DEFINITIONS: &str = include_str!("../../../shared/kubernetes/tests/data/crds.yaml");

impl Queues {
    async fn make(moto: &Moto) -> Result<Self> {
        let keys = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
        });
        moto.call(REGION, Service::DYNAMODB, "CreateTable", &keys).await?;
        let dead = async |name: &str| moto.create_queue(REGION, name, &[]).await;
        let (events_dead, jobs_dead) = (dead("events-dead").await?, dead("jobs-dead").await?);
        let live = async |name: &str, dead: &Queue| {
            let redrive =
                json!({ "deadLetterTargetArn": dead.arn, "maxReceiveCount": RECEPTIONS }).to_string();
            let attributes = [("VisibilityTimeout", VISIBILITY), ("RedrivePolicy", redrive.as_str())];
            moto.create_queue(REGION, name, &attributes).await
        };
        let (events, jobs) = (live("events", &events_dead).await?, live("jobs", &jobs_dead).await?);
        Ok(Self { events, jobs, events_dead, jobs_dead })
    }
}

/// What Pawl's processes find in their environment.
fn environment(gate: &Gate, directory: &Path, queues: Option<&Queues>) -> Result<Vec<(String, String)>> {
    let file = |name: &str| directory.join(name).display().to_string();
    for empty in ["aws-config", "aws-credentials"] {
        std::fs::write(file(empty), "").map_err(io("cannot write a file"))?;
    }
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", gate.endpoint().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_CONFIG_FILE", file("aws-config")),
        ("AWS_SHARED_CREDENTIALS_FILE", file("aws-credentials")),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("PAWL_HMAC_KEY", HMAC_KEY.to_owned()),
        ("PAWL_LEDGER_KEY", "a key of this run, and of no other one".to_owned()),
        // Small, so that work goes through the queue as well.
        ("PAWL_INLINE_TARGETS", "3".to_owned()),
        ("PAWL_DRIFT_INTERVAL", "15s".to_owned()),
        ("PAWL_CLUSTER_TIMEOUT", "3s".to_owned()),
        ("PAWL_CLUSTER_FILES", directory.display().to_string()),
    ];
    match queues {
        Some(queues) => {
            variables.push(("PAWL_TABLE", TABLE.to_owned()));
            variables.push(("PAWL_JOB_QUEUE_URL", queues.jobs.url.clone()));
        }
        None => variables.push(("PAWL_DB", file("pawl.db"))),
    }
    Ok(variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// How long a wait for something may be in which faults no longer strike.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
