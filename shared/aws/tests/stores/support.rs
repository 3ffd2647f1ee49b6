//! What the tests of stores share: accesses, a cluster that proves identities, a clock.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;
use pawl_aws::AwsSources;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{AwsAuth, AwsDeletion, AwsService, AwsStore, Backend, SessionTagsPolicy};
use pawl_domain::{
    Access, ClusterName, Fetched, Kind, Namespace, ObjectName, SecretValue, Step, Version, VersionSelector,
};
use pawl_ports::{ApiEndpoint, Clock, ClusterCredentials, Error, Part, Wanted, WholeSecret};
use pawl_servers::Moto;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The binary's moto, started by whoever comes first, and a region of it that is empty and nobody else's.
pub(crate) async fn moto() -> (&'static Moto, &'static str) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    (server().await, REGIONS[NEXT.fetch_add(1, Ordering::Relaxed)])
}

/// The binary's moto. Who uses no region of [`moto`] sees to it that nobody else uses the same keys.
pub(crate) async fn server() -> &'static Moto {
    static MOTO: OnceCell<Moto> = OnceCell::const_new();
    MOTO.get_or_init(async || Moto::start().await.unwrap()).await
}

const REGIONS: [&str; 20] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "me-south-1",
    "sa-east-1",
];

/// Sources at a server that plays AWS, with the identity that Pawl itself runs with.
pub(crate) fn sources(endpoint: &str) -> AwsSources<FakeCluster> {
    sources_of(endpoint, Arc::default(), Arc::new(WallClock))
}

pub(crate) fn sources_of(
    endpoint: &str,
    cluster: Arc<FakeCluster>,
    clock: Arc<dyn Clock>,
) -> AwsSources<FakeCluster> {
    AwsSources::new(config(endpoint), cluster, clock)
}

/// Retries at once, and gives up on a silent server after a second.
pub(crate) fn config(endpoint: &str) -> SdkConfig {
    let own = Credentials::new("OWN", "own-secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(own))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(5)).build())
        .build()
}

/// A store read with Pawl's own identity.
pub(crate) fn access(service: AwsService) -> Access {
    access_of(store(service))
}

/// The same in another region.
pub(crate) fn access_in(service: AwsService, region: &str) -> Access {
    access_of(AwsStore { region: region.to_owned(), ..store(service) })
}

/// What a declaration in namespace `shop` of cluster `blue` reads a store with.
pub(crate) fn access_of(store: AwsStore) -> Access {
    Access {
        backend: Backend::Aws(store),
        cluster: Some(name("blue")),
        namespace: Some(name("shop")),
        tags: None,
        grant: pawl_domain::Grant::default(),
    }
}

pub(crate) fn store(service: AwsService) -> AwsStore {
    AwsStore {
        service,
        region: "eu-central-1".to_owned(),
        auth: AwsAuth::Ambient,
        role: None,
        additional_roles: Vec::new(),
        external_id: None,
        session_tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        session_tags_policy: SessionTagsPolicy::None,
        prefix: None,
        max_retries: None,
        deletion: AwsDeletion::Default,
    }
}

pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

pub(crate) fn label(key: &str, label: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Label(label.to_owned()), part: Part::Value }
}

pub(crate) fn id(key: &str, id: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Id(id.to_owned()), part: Part::Value }
}

/// Answers as texts that a table can hold: `value@version`, or the kind of failure.
pub(crate) fn told(answers: &[Result<Fetched, Error>]) -> Vec<String> {
    let one = |answer: &Result<Fetched, Error>| match answer {
        Ok(fetched) => format!("{}@{}", String::from_utf8_lossy(fetched.value.expose()), fetched.version.id),
        Err(error) => error.kind.to_string(),
    };
    answers.iter().map(one).collect()
}

/// The same of versions alone.
pub(crate) fn told_versions(answers: &[Result<Version, Error>]) -> Vec<String> {
    answers
        .iter()
        .map(|answer| {
            answer.as_ref().map_or_else(|error| error.kind.to_string(), |version| version.id.clone())
        })
        .collect()
}

/// The failure that is the only answer.
pub(crate) fn failure<T: std::fmt::Debug>(answers: Vec<Result<T, Error>>) -> Error {
    let [answer] = <[_; 1]>::try_from(answers).unwrap();
    answer.unwrap_err()
}

/// A cluster with Secrets and service accounts, which keeps what it was asked for.
#[derive(Debug, Default)]
pub(crate) struct FakeCluster {
    secrets: Mutex<BTreeMap<String, Vec<&'static str>>>,
    accounts: BTreeMap<String, BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl FakeCluster {
    /// A key of a Secret, `namespace/name/key`, that holds one text after the other, and the last one for ever.
    pub(crate) fn with_secret(self, at: &str, texts: &[&'static str]) -> Self {
        self.secrets.lock().unwrap().insert(at.to_owned(), texts.to_vec());
        self
    }

    /// A service account, `namespace/name`, with its annotations.
    pub(crate) fn with_account(mut self, at: &str, annotations: &[(&str, &str)]) -> Self {
        let annotations = annotations.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        self.accounts.insert(at.to_owned(), annotations.collect());
        self
    }

    /// What was asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl ClusterCredentials for FakeCluster {
    async fn secret_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<SecretValue, Error> {
        let place = format!("{}/{}/{}", at.namespace, at.name, at.key);
        self.asked.lock().unwrap().push(format!("{cluster}: {place}"));
        let mut secrets = self.secrets.lock().unwrap();
        let Some(texts) = secrets.get_mut(&place) else {
            return Err(Error::new(Step::Read, Kind::NotFound, "no such key"));
        };
        let text = if texts.len() > 1 { texts.remove(0) } else { texts[0] };
        Ok(SecretValue::new(text))
    }

    async fn secret(&self, _: &ClusterName, _: &Namespace, _: &ObjectName) -> Result<WholeSecret, Error> {
        Err(Error::new(Step::Read, Kind::NotFound, "no Secret is read whole here"))
    }

    async fn config_map_key(&self, _: &ClusterName, _: &SecretKeyAt) -> Result<String, Error> {
        Err(Error::new(Step::Read, Kind::NotFound, "no ConfigMaps here"))
    }

    async fn service_account(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<BTreeMap<String, String>, Error> {
        self.asked.lock().unwrap().push(format!("{cluster}: {namespace}/{name}"));
        let found = self.accounts.get(&format!("{namespace}/{name}")).cloned();
        found.ok_or_else(|| Error::new(Step::Read, Kind::NotFound, "no such service account"))
    }

    async fn service_account_token(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        audiences: &[String],
    ) -> Result<SecretValue, Error> {
        let audiences = audiences.join(",");
        self.asked.lock().unwrap().push(format!("{cluster}: token of {namespace}/{name} for {audiences}"));
        Ok(SecretValue::new(format!("token-of-{namespace}-{name}")))
    }

    async fn api_server(&self, _: &ClusterName) -> Result<ApiEndpoint, Error> {
        Err(Error::new(Step::Read, Kind::NotFound, "no API server here"))
    }
}

/// The time of the machine: moto ends credentials by it.
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that a test moves.
pub(crate) struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub(crate) fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(text.parse().unwrap())))
    }

    pub(crate) fn move_by(&self, seconds: i64) {
        *self.0.lock().unwrap() += jiff::SignedDuration::from_secs(seconds);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}
