//! Puts ports and adapters together. Every executable is one of these worlds.

use crate::clock::SystemClock;
use crate::config::{self, LedgerKey, Lookup};
use crate::directory::Directory;
use crate::error::Error;
use crate::generators::Makers;
use crate::inbox::Inbox;
use crate::pull;
use crate::receipts::{Receipts, Webhook};
use crate::sinks::Sinks;
use crate::sources::Stores;
use crate::state::State;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use pawl_aws::{AwsIdentity, AwsSources, EventBus, Queue, S3Folders, SqsJobs, Table};
use pawl_domain::{DigestKey, SecretValue};
use pawl_embedded::Embedded;
use pawl_fake::FakeSources;
use pawl_generators::OwnGenerators;
use pawl_kubernetes::{KubernetesClusters, Options};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{Catalogue, Clock, ClusterIdentity, Jobs, Ledger, Ports, Pushes, Registry, Sources};
use pawl_stores::OwnIdentity;
use pawl_vault::VaultSources;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

/// Where nothing else says in which region something is.
const DEFAULT_REGION: &str = "us-east-1";

/// Registry and ledger `S`, job queue `J`, and the stores and clusters that there are.
pub struct World<S = State, J = Inbox> {
    state: S,
    jobs: J,
    sources: Stores,
    sinks: Sinks,
    generators: Makers,
    receipts: Receipts,
    clusters: Arc<Clusters<S>>,
    clock: SystemClock,
}

/// What functions run over: everything in AWS.
pub type AwsWorld = World<Table, SqsJobs>;

/// The clusters that the registry `S` knows.
pub type Clusters<S> = KubernetesClusters<AwsIdentity, Directory<S>>;

impl<S: Registry + Catalogue + 'static, J> World<S, J> {
    /// The stores that take values.
    pub fn sinks(&self) -> &Sinks {
        &self.sinks
    }

    /// Gives up what stores keep for this process, such as the tokens of Vault. For processes that end in peace; nothing is
    /// lost without it.
    pub async fn close(&self) {
        self.sources.close().await;
    }
}

impl<S, J> Ports for World<S, J>
where
    S: Registry + Catalogue + Pushes + Ledger + 'static,
    J: Jobs + 'static,
{
    type Registry = S;
    type Ledger = S;
    type Sources = Stores;
    type Sink = Sinks;
    type Generators = Makers;
    type Clusters = Clusters<S>;
    type Jobs = J;
    type Receipts = Receipts;
    type Clock = SystemClock;

    fn registry(&self) -> &S {
        &self.state
    }

    fn ledger(&self) -> &S {
        &self.state
    }

    fn sources(&self) -> &Stores {
        &self.sources
    }

    fn sink(&self) -> &Sinks {
        &self.sinks
    }

    fn generators(&self) -> &Makers {
        &self.generators
    }

    fn clusters(&self) -> &Clusters<S> {
        &self.clusters
    }

    fn jobs(&self) -> &J {
        &self.jobs
    }

    fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    fn clock(&self) -> &SystemClock {
        &self.clock
    }
}

/// The flow as the configuration says, with state in AWS or in a local file.
///
/// # Errors
/// A variable that is missing or not valid, a file that cannot be opened, a key that cannot be read.
pub async fn open(lookup: &(impl Lookup + Clone + 'static)) -> Result<Pipeline<World>, Error> {
    let place = config::State::read(lookup)?;
    let key = LedgerKey::read(lookup, &place)?;
    let aws = sdk_config(place.is_aws() || matches!(key, LedgerKey::Secret(_))).await;
    let (state, jobs) = state(&aws, &place).await?;
    wire(lookup, aws, Some(&key), state, jobs).await
}

/// The same for commands that ask registry, ledger and job queue alone. With state in a local file, AWS is not touched:
/// neither region nor credentials nor the key of the digests is needed, and nothing that was written is compared.
///
/// # Errors
/// As for [`open`].
pub async fn open_registry(lookup: &(impl Lookup + Clone + 'static)) -> Result<Pipeline<World>, Error> {
    let place = config::State::read(lookup)?;
    let aws = match &place {
        config::State::Aws { .. } => sdk_config(true).await,
        config::State::Local { .. } => nowhere(),
    };
    let (state, jobs) = state(&aws, &place).await?;
    wire(lookup, aws, None, state, jobs).await
}

/// The job queue alone.
///
/// # Errors
/// As for [`open`].
pub async fn inbox(lookup: &(impl Lookup + Clone + 'static)) -> Result<Inbox, Error> {
    match config::State::read(lookup)? {
        config::State::Aws { jobs, .. } => Ok(sqs(&sdk_config(true).await, &jobs)),
        config::State::Local { path } => Ok(Inbox::Local(Embedded::open(&path).await?)),
    }
}

async fn state(aws: &SdkConfig, place: &config::State) -> Result<(State, Inbox), Error> {
    Ok(match place {
        config::State::Aws { table, jobs } => (State::Aws(dynamodb(aws, table)), sqs(aws, jobs)),
        config::State::Local { path } => {
            let file = Embedded::open(path).await?;
            (State::Local(file.clone()), Inbox::Local(file))
        }
    })
}

fn sqs(aws: &SdkConfig, url: &str) -> Inbox {
    let queue = Queue::new(aws, url);
    Inbox::Sqs { jobs: SqsJobs::new(queue.clone()), queue }
}

/// The flow of a function: state in AWS, as the template sets it up.
///
/// # Errors
/// As for [`open`]; also a missing `PAWL_TABLE`.
pub async fn aws(lookup: &(impl Lookup + Clone + 'static)) -> Result<Pipeline<AwsWorld>, Error> {
    let place = config::State::read(lookup)?;
    let config::State::Aws { table, jobs } = &place else {
        let purpose = "it names the DynamoDB table with registry and ledger";
        return Err(config::Error::Missing { name: "PAWL_TABLE", purpose }.into());
    };
    let key = LedgerKey::read(lookup, &place)?;
    let aws = sdk_config(true).await;
    let (table, jobs) = (dynamodb(&aws, table), SqsJobs::new(Queue::new(&aws, jobs)));
    wire(lookup, aws, Some(&key), table, jobs).await
}

/// The SQS queue at this URL, for a server that takes store events from it.
pub async fn event_queue(url: &str) -> Queue {
    Queue::new(&sdk_config(true).await, url)
}

/// The pull subscription of Pub/Sub that is configured, where one is.
///
/// # Errors
/// A variable that is missing or not valid. The identity is proven when the subscription is asked.
pub async fn subscription(lookup: &dyn Lookup) -> Result<Option<pull::Subscription>, Error> {
    let Some(config::Pull { subscription, credentials, region }) = config::Pull::read(lookup)? else {
        return Ok(None);
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let aws = Arc::new(AwsIdentity::new(sdk_config(false).await, Arc::clone(&clock)));
    let identity = OwnIdentity::new(&credentials, aws, &region);
    let found = pull::Subscription::new(&subscription, identity, clock);
    let (name, rule) = ("PAWL_PUBSUB_SUBSCRIPTION", config::SUBSCRIPTION_NAME.to_owned());
    Ok(Some(found.ok_or(config::Error::Invalid { name, rule })?))
}

/// The clusters of EKS in a region, asked for with `role` or with the identity that this process has.
///
/// # Errors
/// As for [`AwsIdentity::eks_clusters`].
pub async fn eks_clusters(
    region: &str,
    role: Option<&str>,
) -> Result<Vec<pawl_aws::EksCluster>, pawl_ports::Error> {
    AwsIdentity::new(sdk_config(true).await, Arc::new(SystemClock)).eks_clusters(region, role).await
}

/// The event bus of this name or ARN, for changes that AWS does not know of.
pub async fn event_bus(name: &str) -> EventBus {
    EventBus::new(&sdk_config(true).await, name)
}

/// Folders of manifests, read with the identity that the function runs with.
pub async fn folders() -> S3Folders {
    S3Folders::new(&sdk_config(true).await)
}

/// The token that these senders show, which this secret holds, read with this role.
///
/// # Errors
/// When it cannot be read or is too short.
pub(crate) async fn token(
    of: &'static str,
    secret: &str,
    role: Option<String>,
) -> Result<SecretValue, Error> {
    let identity =
        AwsIdentity::new(sdk_config(true).await, Arc::new(SystemClock)).with_own_secrets_role(role);
    let token = identity.token_secret(secret).await;
    let token = token.map_err(|error| Error::Token { of, problem: error.to_string() })?;
    if token.len() < config::SHORTEST_KEY {
        let problem = format!("{secret}: it must have {} characters or more", config::SHORTEST_KEY);
        return Err(Error::Token { of, problem });
    }
    Ok(token)
}

async fn wire<S, J>(
    lookup: &(impl Lookup + Clone + 'static),
    aws: SdkConfig,
    key: Option<&LedgerKey>,
    state: S,
    jobs: J,
) -> Result<Pipeline<World<S, J>>, Error>
where
    S: Registry + Catalogue + Pushes + Ledger + Clone + 'static,
    J: Jobs + 'static,
{
    // Whoever comes first decides which provider every TLS connection uses; there is only one to choose from.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let identity = AwsIdentity::new(aws.clone(), Arc::clone(&clock));
    let identity = Arc::new(identity.with_own_secrets_role(lookup.get(config::OWN_SECRETS_ROLE)));
    let digest_key = digest_key(key, &identity).await?;
    let limits = config::Clusters::read(lookup)?;
    let variables = lookup.clone();
    let mut options = Options::new(Arc::new(move |name| {
        variables.get(name).map(|text| SecretValue::new(text.into_bytes()))
    }));
    options.concurrency = limits.concurrency;
    options.request_timeout = limits.timeout;
    options.allowed = limits.allowed;
    let settings: Settings = config::flow(lookup)?;
    options.pushes = settings.pushes;
    options.families = settings.cluster_external_secrets;
    let receipts = receipts(lookup, &aws)?;
    let directory = Directory::new(state.clone());
    let clusters = Arc::new(KubernetesClusters::new(identity, directory, Arc::clone(&clock), options));
    let aws = AwsSources::new(aws, Arc::clone(&clusters), Arc::clone(&clock));
    let aws = aws.with_tenant_tags(config::session_tags(lookup)?);
    let aws = Arc::new(aws.with_external_id(lookup.get("PAWL_AWS_EXTERNAL_ID")));
    let vault = Arc::new(VaultSources::new(
        Arc::clone(&clusters),
        Arc::clone(&aws),
        Arc::clone(&clock),
        digest_key.clone(),
        config::vault(lookup)?,
    ));
    let plain_http = config::plain_http_servers(lookup)?;
    let others = pawl_stores::all(&clusters, &aws, &clock, &digest_key, &plain_http);
    let written: [Arc<dyn pawl_ports::Sink>; 2] = [aws.clone(), vault.clone()];
    let sinks = Sinks::of(written.into_iter().chain(others.sinks));
    let makers: [Arc<dyn pawl_ports::Generators>; 3] =
        [aws.clone(), vault.clone(), Arc::new(OwnGenerators::new(Arc::clone(&clusters), Arc::clone(&clock)))];
    let own: [Arc<dyn pawl_ports::Source>; 3] = [aws, vault, Arc::new(FakeSources)];
    let sources = Stores::of(own.into_iter().chain(others.sources));
    let generators = Makers::of(makers.into_iter().chain(others.generators));
    let world = World { state, jobs, sources, sinks, generators, receipts, clusters, clock: SystemClock };
    Ok(Pipeline::new(world, settings, digest_key))
}

fn receipts(lookup: &dyn Lookup, aws: &SdkConfig) -> Result<Receipts, Error> {
    Ok(match config::Receipts::read(lookup)? {
        config::Receipts::Off => Receipts::Off,
        config::Receipts::Bus(name) => Receipts::Bus(EventBus::new(aws, &name)),
        config::Receipts::Webhook(url, key) => {
            let rule = "no client can be made for it".to_owned();
            let unusable = |_| config::Error::Invalid { name: "PAWL_RECEIPT_URL", rule };
            Receipts::Webhook(Webhook::new(url, key).map_err(unusable)?)
        }
    })
}

/// The SDK's own settings: endpoints, region, identity and proxies come from the standard variables and files.
///
/// Only where something `in_aws` is certain to be asked is the machine itself asked for its region: elsewhere nobody
/// answers, which takes seconds. Stores and clusters name their region; credentials are looked for when they are used.
async fn sdk_config(in_aws: bool) -> SdkConfig {
    let region = match in_aws {
        true => RegionProviderChain::default_provider(),
        false => RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new()),
    };
    let region = region.or_else(Region::new(DEFAULT_REGION));
    aws_config::defaults(BehaviorVersion::latest()).region(region).load().await
}

/// Settings for a world that never asks AWS.
fn nowhere() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(DEFAULT_REGION))
        .build()
}

fn dynamodb(aws: &SdkConfig, table: &str) -> Table {
    Table::new(aws, table)
}

/// Without a key, one that no digest was ever made with.
async fn digest_key(key: Option<&LedgerKey>, identity: &AwsIdentity) -> Result<DigestKey, Error> {
    let value = match key {
        None => SecretValue::new(rand::random::<[u8; 32]>()),
        Some(LedgerKey::Given(value)) => value.clone(),
        Some(LedgerKey::Secret(name)) => {
            identity.token_secret(name).await.map_err(|error| Error::LedgerKey(error.to_string()))?
        }
        Some(LedgerKey::File(path)) => key_in_file(path).await?,
    };
    let short = || {
        let rule = "it must have 32 bytes or more; make one with: openssl rand -hex 32 (every target is then compared once)";
        Error::LedgerKey(rule.to_owned())
    };
    if value.len() < config::SHORTEST_KEY {
        return Err(short());
    }
    DigestKey::new(value).ok_or_else(short)
}

/// The key in a file that only its owner may read; made on first use.
async fn key_in_file(path: &str) -> Result<SecretValue, Error> {
    let failed = |error: std::io::Error| Error::LedgerKey(format!("{path}: {error}"));
    let mut options = tokio::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path).await {
        Ok(mut file) => {
            let key: [u8; 32] = rand::random();
            file.write_all(&key).await.map_err(failed)?;
            file.sync_all().await.map_err(failed)?;
            Ok(SecretValue::new(key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(SecretValue::new(tokio::fs::read(path).await.map_err(failed)?))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{GeneratorKind, Record};
    use pawl_ports::Clusters as _;
    use pawl_ports::Generators as _;

    /// The flow holds dozens of calls side by side, and moves each before it is first polled. Where those are large, a build that
    /// is not optimised overflows the 2 MiB that a worker's stack has.
    const SMALL: usize = 8 << 10;

    async fn wired() -> Pipeline<World> {
        let aws = nowhere();
        let state = State::Aws(dynamodb(&aws, "pawl"));
        let jobs = sqs(&aws, "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs");
        wire(&|_: &str| None, aws, None, state, jobs).await.unwrap()
    }

    #[tokio::test]
    async fn every_provider_has_its_adapter() {
        let mut all = pawl_domain::Provider::ALL.to_vec();
        all.retain(|provider| *provider != pawl_domain::Provider::Generator);
        assert_eq!(wired().await.ports().sources().providers(), all);
    }

    #[tokio::test]
    async fn every_kind_of_generator_that_is_served_has_its_maker() {
        let mut served: Vec<_> = GeneratorKind::ALL.iter().copied().filter(|kind| kind.is_served()).collect();
        // It is one of the others.
        served.retain(|kind| *kind != GeneratorKind::ClusterGenerator);
        assert_eq!(wired().await.ports().generators().kinds(), served);
    }

    #[tokio::test]
    async fn calls_of_state_and_clusters_are_small_futures() {
        let pipeline = wired().await;
        let world = pipeline.ports();
        let (registry, ledger, clusters) = (world.registry(), world.ledger(), world.clusters());
        let declaration = pawl_world::declaration("blue/shop/db").reads("app/db").build();
        let record = Record::pending(&declaration, jiff::Timestamp::UNIX_EPOCH);
        let (id, target) = (&declaration.id, &declaration.target.name);
        let ids = std::slice::from_ref(id);
        for (call, size) in [
            ("declarations", size_of_val(&registry.declarations(ids))),
            ("candidates", size_of_val(&registry.candidates(&Default::default()))),
            ("entries", size_of_val(&ledger.entries(ids))),
            ("put", size_of_val(&Ledger::put(ledger, id, &record, None))),
            ("unsettled", size_of_val(&ledger.unsettled(None, 1))),
            ("mark", size_of_val(&ledger.mark("sweep"))),
            ("enqueue", size_of_val(&world.jobs().enqueue(&[]))),
            ("read", size_of_val(&clusters.read(pawl_ports::TargetRef::secret(id, target)))),
            ("namespace_labels", size_of_val(&clusters.namespace_labels(&id.cluster, &id.namespace))),
            ("managed", size_of_val(&clusters.managed(&id.cluster))),
        ] {
            assert!(size <= SMALL, "the future of {call} has {size} bytes; box the request in it");
        }
    }
}
