//! What the tests share: stores, accesses, a cluster that proves identities, a clock.

use jiff::Timestamp;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{Backend, KvVersion, SecretKeyRef, VaultAuth, VaultStore};
use pawl_domain::{
    Access, ClusterName, DigestKey, Fetched, Grant, Kind, Namespace, ObjectName, SecretValue, Step, Version,
    VersionSelector,
};
use pawl_ports::{
    ApiEndpoint, CallerIdentity, Clock, ClusterCredentials, Error, Part, Question, SignedRequest, Wanted,
    WholeSecret,
};
use pawl_servers::vault::{VaultClock, VaultDouble, VaultOptions};
use pawl_stores::kit::Bounds;
use pawl_vault::{Options, VaultSources};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) type TestSources = VaultSources<FakeCluster, FakeAws>;

/// A server of the test's own.
pub(crate) async fn double() -> VaultDouble {
    VaultDouble::start(VaultOptions::default()).await.unwrap()
}

/// Sources whose cluster holds the double's root token, and whose clock is the double's.
pub(crate) fn sources(double: &VaultDouble) -> TestSources {
    sources_of(FakeCluster::with_token(double.root_token()), double.clock())
}

pub(crate) fn sources_of(cluster: FakeCluster, clock: VaultClock) -> TestSources {
    shared_sources(&Arc::new(cluster), clock, options())
}

pub(crate) fn shared_sources(cluster: &Arc<FakeCluster>, clock: VaultClock, options: Options) -> TestSources {
    let clock = Arc::new(DoubleClock(clock));
    VaultSources::new(Arc::clone(cluster), Arc::new(FakeAws), clock, digest_key(), options)
}

/// The ledger's key.
pub(crate) fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

/// Retries at once, and gives up on a silent server after a second.
pub(crate) fn options() -> Options {
    let bounds = Bounds {
        attempt_timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(4),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(50),
        ..Bounds::default()
    };
    Options { bounds, ..Options::default() }
}

/// The same with other bounds.
pub(crate) fn bounded(edit: impl FnOnce(&mut Bounds)) -> Options {
    let mut options = options();
    edit(&mut options.bounds);
    options
}

/// The double's engine at `secret/`, read with a token from a Secret.
pub(crate) fn store(address: &str) -> VaultStore {
    VaultStore {
        server: address.to_owned(),
        path: Some("secret".to_owned()),
        version: KvVersion::V2,
        auth: Some(VaultAuth::Token(secret("vault", "token"))),
        ..VaultStore::default()
    }
}

pub(crate) fn access(double: &VaultDouble) -> Access {
    access_of(store(&double.address()))
}

/// What a declaration in namespace `shop` of cluster `blue` reads a store with.
pub(crate) fn access_of(store: VaultStore) -> Access {
    Access {
        backend: Backend::Vault(Box::new(store)),
        cluster: Some(name("blue")),
        namespace: Some(name("shop")),
        tags: None,
        grant: Grant::default(),
    }
}

pub(crate) fn secret(object: &str, key: &str) -> SecretKeyRef {
    SecretKeyRef { name: name(object), key: key.to_owned(), namespace: None }
}

pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

pub(crate) fn id(key: &str, id: &str) -> Wanted {
    Wanted { selector: VersionSelector::Id(id.to_owned()), ..current(key) }
}

pub(crate) fn metadata(key: &str) -> Wanted {
    Wanted { part: Part::Metadata, ..current(key) }
}

/// Answers as texts that a table can hold: `value@version`, or the kind of failure.
pub(crate) fn told(answers: &[Result<Fetched, Error>]) -> Vec<String> {
    let one = |answer: &Result<Fetched, Error>| match answer {
        Ok(fetched) => format!("{}@{}", fetched.value.expose_str().unwrap(), fetched.version.id),
        Err(error) => error.kind.to_string(),
    };
    answers.iter().map(one).collect()
}

/// The same of versions alone.
pub(crate) fn told_versions(answers: &[Result<Version, Error>]) -> Vec<String> {
    let one = |answer: &Result<Version, Error>| match answer {
        Ok(version) => version.id.clone(),
        Err(error) => error.kind.to_string(),
    };
    answers.iter().map(one).collect()
}

/// The failure that is the only answer.
pub(crate) fn failure<T: std::fmt::Debug>(answers: Vec<Result<T, Error>>) -> Error {
    let [answer] = <[_; 1]>::try_from(answers).unwrap();
    answer.unwrap_err()
}

/// A cluster with Secrets, ConfigMaps and service accounts, which keeps what it was asked for.
#[derive(Debug, Default)]
pub(crate) struct FakeCluster {
    texts: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl FakeCluster {
    /// One that holds the token of [`store`].
    pub(crate) fn with_token(token: &str) -> Self {
        Self::default().with("shop/vault/token", token)
    }

    /// A key of a Secret or ConfigMap, `namespace/name/key`.
    pub(crate) fn with(self, at: &str, text: &str) -> Self {
        self.set(at, text);
        self
    }

    pub(crate) fn set(&self, at: &str, text: &str) {
        self.texts.lock().unwrap().insert(at.to_owned(), text.to_owned());
    }

    /// What was asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn text(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<String, Error> {
        let place = format!("{}/{}/{}", at.namespace, at.name, at.key);
        self.asked.lock().unwrap().push(format!("{cluster}: {place}"));
        let found = self.texts.lock().unwrap().get(&place).cloned();
        found.ok_or_else(|| Error::new(Step::Read, Kind::NotFound, "no such key"))
    }
}

impl ClusterCredentials for FakeCluster {
    async fn secret_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<SecretValue, Error> {
        self.text(cluster, at).map(SecretValue::new)
    }

    async fn secret(&self, _: &ClusterName, _: &Namespace, _: &ObjectName) -> Result<WholeSecret, Error> {
        Err(Error::new(Step::Read, Kind::NotFound, "no Secret is read whole here"))
    }

    async fn config_map_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<String, Error> {
        self.text(cluster, at)
    }

    async fn service_account(
        &self,
        _: &ClusterName,
        _: &Namespace,
        _: &ObjectName,
    ) -> Result<BTreeMap<String, String>, Error> {
        Err(Error::new(Step::Read, Kind::NotFound, "no such service account"))
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
        let given = self.texts.lock().unwrap().get(&format!("{namespace}/{name}/token")).cloned();
        Ok(SecretValue::new(given.unwrap_or_else(|| format!("token-of-{namespace}-{name}"))))
    }

    async fn api_server(&self, _: &ClusterName) -> Result<ApiEndpoint, Error> {
        Err(Error::new(Step::Read, Kind::NotFound, "no API server here"))
    }
}

/// Signs nothing, and says whom it was asked for.
pub(crate) struct FakeAws;

impl CallerIdentity for FakeAws {
    async fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
        _: Question,
    ) -> Result<SignedRequest, Error> {
        let Backend::Aws(store) = &access.backend else { panic!("not an identity of AWS") };
        let who = format!("{:?} as {:?} in {:?}", store.auth, store.role, access.namespace);
        let mut signed: BTreeMap<_, _> = headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), SecretValue::new(value.as_str())))
            .collect();
        signed.insert("authorization".to_owned(), SecretValue::new(who));
        let url = format!("https://sts.{}.amazonaws.com/", store.region);
        Ok(SignedRequest { url, headers: signed, body: "Action=GetCallerIdentity".to_owned() })
    }
}

/// The double's clock: tokens end for both sides at the same moment.
struct DoubleClock(VaultClock);

impl Clock for DoubleClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
