//! Stores of Google Secret Manager, on a double of Google's services.

mod answers;
mod logins;
mod made;
mod pull;
mod reads;

use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::store::{Backend, GcpAuth, GcpStore, SecretKeyRef};
use pawl_domain::{Access, Fetched, Find, Grant, Keep, Provider, SecretValue, VersionSelector};
use pawl_ports::{CallerIdentity, ClusterCredentials, Error, Part, Question, SignedRequest, Sources, Wanted};
use pawl_servers::gcpsm::{Google, PROJECT};
use pawl_stores::GcpSmSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, namespace};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Subject = GcpSmSources<FakeClusters, FakeAws>;

/// A double, and a store that reads its project.
pub(super) struct World {
    google: Google,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: Subject,
    access: Access,
    location: Option<&'static str>,
}

async fn world(edit: impl FnOnce(&mut GcpStore)) -> World {
    let google = Google::start().await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    let key = google.key_file().to_string();
    clusters.edit("blue/shop/gcp", |secret| secret.set("key.json", &key));
    let mut store =
        GcpStore { project: PROJECT.to_owned(), location: None, falls_back: false, auth: by_key() };
    edit(&mut store);
    let bounds = Bounds {
        attempt_timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(4),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(50),
        ..Bounds::default()
    };
    let clock = FakeClock::default();
    let aws = Arc::new(FakeAws(Arc::clone(&clusters)));
    let sources = GcpSmSources::new(Arc::clone(&clusters), aws, Arc::new(clock.clone()));
    let sources = sources.bounded(bounds).at(google.address());
    let location = store.location.is_some().then_some("europe-west3");
    let access = Access {
        backend: Backend::from(store),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    World { google, clusters, clock, sources, access, location }
}

fn at(name: &str, key: &str) -> SecretKeyRef {
    SecretKeyRef { name: name.parse().unwrap(), key: key.to_owned(), namespace: None }
}

fn by_key() -> GcpAuth {
    GcpAuth::Key(at("gcp", "key.json"))
}

fn wanted(key: &str, selector: VersionSelector, part: Part) -> Wanted {
    Wanted { key: key.to_owned(), selector, part }
}

fn current(key: &str) -> Wanted {
    wanted(key, VersionSelector::Current, Part::Value)
}

/// The value, or the kind of failure.
fn told(answer: &Result<Fetched, Error>) -> String {
    match answer {
        Ok(fetched) => fetched.value.expose_str().unwrap().to_owned(),
        Err(error) => error.kind.to_string(),
    }
}

impl World {
    async fn fetch(&self, wanted: Wanted) -> Result<Fetched, Error> {
        self.sources.fetch(&self.access, &[wanted]).await.remove(0)
    }

    async fn read(&self, key: &str) -> String {
        told(&self.fetch(current(key)).await)
    }

    async fn version(&self, wanted: Wanted) -> Result<String, Error> {
        self.sources.versions(&self.access, &[wanted]).await.remove(0).map(|version| version.id)
    }

    async fn found(&self, find: &Find) -> Result<BTreeMap<String, String>, Error> {
        let keep = Keep::everything(Provider::GcpSecretManager);
        let found = self.sources.find(&self.access, find, &keep).await?;
        let text = |fetched: Fetched| fetched.value.expose_str().unwrap().to_owned();
        Ok(found.into_iter().map(|(key, fetched)| (key, text(fetched))).collect())
    }

    /// The same world for an identity that is proven in another way.
    fn proven_by(mut self, auth: GcpAuth) -> Self {
        let store = self.access.backend.as_gcpsm().unwrap().clone();
        self.access.backend = GcpStore { auth, ..store }.into();
        self
    }
}

impl Held for World {
    type Sources = Subject;

    fn sources(&self) -> &Subject {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.google.add(self.location, key, value.as_bytes()).to_string()
    }

    async fn label(&self, key: &str, version: &str, label: &str) {
        self.google.alias(self.location, key, label, version.parse().unwrap());
    }

    async fn delete(&self, key: &str) {
        self.google.delete(self.location, key);
    }

    fn unknown_version(&self) -> &'static str {
        "4711"
    }
}

/// Signs by naming the keys that it was given, and whom they are for.
pub(super) struct FakeAws(Arc<FakeClusters>);

impl CallerIdentity for FakeAws {
    async fn signed_caller_identity(
        &self,
        access: &Access,
        headers: &BTreeMap<String, String>,
        question: Question,
    ) -> Result<SignedRequest, Error> {
        assert_eq!(question, Question::Query, "Google takes no body");
        let store = access.backend.as_aws().unwrap();
        let pawl_domain::store::AwsAuth::Static { access_key_id, session_token, .. } = &store.auth else {
            panic!("keys in a Secret")
        };
        let home = access.namespace.clone().unwrap();
        let place = |at: &SecretKeyRef| SecretKeyAt {
            namespace: at.namespace.clone().unwrap_or(home.clone()),
            name: at.name.clone(),
            key: at.key.clone(),
        };
        let cluster = access.cluster.as_ref().unwrap();
        let id = self.0.secret_key(cluster, &place(access_key_id)).await?;
        let session = if session_token.is_some() { " in a session" } else { "" };
        let who = format!("AWS4 {}{session}", id.expose_str().unwrap());
        let mut signed: BTreeMap<String, SecretValue> =
            headers.iter().map(|(name, value)| (name.clone(), SecretValue::new(value.as_str()))).collect();
        signed.insert("authorization".to_owned(), SecretValue::new(who));
        let region = &store.region;
        let url = format!("https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15");
        Ok(SignedRequest { url, headers: signed, body: String::new() })
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    suite(&world(|_| {}).await).await;
}

#[tokio::test]
async fn it_keeps_the_contract_in_a_location() {
    suite(&world(|store| store.location = Some("europe-west3".to_owned())).await).await;
}

#[tokio::test]
async fn it_keeps_the_contract_for_who_may_read_values_alone() {
    let world = world(|_| {}).await;
    world.google.set_viewer(false);
    suite(&world).await;
}
