//! A service of AWS as a sink: moto behind a relay.

use crate::stores::support::{FakeCluster, access_of, server, sources, store};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_aws::AwsSources;
use pawl_domain::store::{AwsService, AwsStore};
use pawl_domain::{Access, PushOutcome, Pushed};
use pawl_ports::{Error, Sink};
use pawl_servers::{Asked, Instead, Moto, Relay, Service};
use pawl_world::contract::sinks::{Kept, Takes, enveloped, one, remote};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// One service behind a relay that keeps what was asked, with keys of its own below a prefix.
pub(crate) struct Place {
    pub(crate) moto: &'static Moto,
    pub(crate) region: &'static str,
    pub(crate) prefix: String,
    pub(crate) relay: Arc<Relay>,
    pub(crate) sources: AwsSources<FakeCluster>,
    pub(crate) access: Access,
    service: AwsService,
}

impl Place {
    pub(crate) async fn of(service: AwsService) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (moto, region) = (server().await, "eu-south-1");
        let prefix = format!("/place-{}/", NEXT.fetch_add(1, Ordering::Relaxed));
        let relay = Arc::new(Relay::start(moto.endpoint()).await.unwrap());
        let (sources, access) = (sources(relay.address()), access_of(store(service)));
        Self { moto, region, prefix, relay, sources, access, service }.with(|_| {})
    }

    /// The same with another store.
    pub(crate) fn with(mut self, edit: impl FnOnce(&mut AwsStore)) -> Self {
        let (region, prefix) = (self.region.to_owned(), Some(self.prefix.clone()));
        let mut store = AwsStore { region, prefix, ..store(self.service) };
        edit(&mut store);
        self.access = access_of(store);
        self
    }

    /// A key as AWS knows it.
    pub(crate) fn named(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(crate) async fn push(&self, pushed: &Pushed) -> Result<PushOutcome, Error> {
        self.sources.push(&self.access, pushed).await
    }

    pub(crate) async fn remove(&self, key: &str, property: Option<&str>) -> Result<(), Error> {
        self.sources.remove(&self.access, &remote(key, property)).await
    }

    /// What a secret shows now to whoever looks at it: its description, and its value.
    pub(crate) async fn looks(&self, key: &str) -> [(&'static str, Value); 2] {
        let body = json!({ "SecretId": self.named(key) });
        let (known, value) =
            (self.call("DescribeSecret", &body).await, self.call("GetSecretValue", &body).await);
        [("DescribeSecret", known.unwrap()), ("GetSecretValue", value.unwrap())]
    }

    /// The first request of each of these calls is answered so: as one who looked a moment ago was answered.
    pub(crate) fn show_first(&self, answers: impl IntoIterator<Item = (&'static str, Value)>) {
        let left: Mutex<Vec<_>> = Mutex::new(answers.into_iter().collect());
        self.relay.answer(Some(Arc::new(move |asked: &Asked| {
            let mut left = left.lock().unwrap();
            let place = left.iter().position(|(call, _)| is(asked, call))?;
            Some((200, left.remove(place).1.to_string()))
        })));
    }

    /// The bodies of all calls of this name.
    pub(crate) fn bodies(&self, call: &str) -> Vec<Value> {
        let asked = self.relay.asked().into_iter().filter(|asked| is(asked, call));
        asked.map(|asked| serde_json::from_str(&asked.body).unwrap()).collect()
    }

    pub(crate) fn fail_first(&self, call: &'static str, code: &'static str) {
        let count = AtomicUsize::new(0);
        self.relay.answer(Some(Arc::new(move |asked: &Asked| {
            let first = is(asked, call) && count.fetch_add(1, Ordering::Relaxed) == 0;
            first.then(|| (400, json!({ "__type": code, "message": "" }).to_string()))
        })));
    }

    fn forbid(&self, calls: &'static [&'static str], forbid: bool) -> bool {
        let instead = move |asked: &Asked| {
            let words = json!({ "__type": "AccessDeniedException", "message": "" });
            calls.iter().any(|call| is(asked, call)).then(|| (400_u16, words.to_string()))
        };
        self.relay.answer(forbid.then(|| Arc::new(instead) as Arc<Instead>));
        true
    }

    pub(crate) async fn call(&self, operation: &str, body: &Value) -> Option<Value> {
        let service = match self.service {
            AwsService::SecretsManager => Service::SECRETS_MANAGER,
            AwsService::ParameterStore => Service::SSM,
        };
        self.moto.call(self.region, service, operation, body).await.ok()
    }

    pub(crate) async fn tags(&self, key: &str) -> String {
        let key = &self.named(key);
        let tags = match self.service {
            AwsService::SecretsManager => {
                self.call("DescribeSecret", &json!({ "SecretId": key })).await.unwrap()["Tags"].take()
            }
            AwsService::ParameterStore => {
                let body = json!({ "ResourceType": "Parameter", "ResourceId": key });
                self.call("ListTagsForResource", &body).await.unwrap()["TagList"].take()
            }
        };
        let tags = tags.as_array().unwrap().iter();
        let tags: BTreeMap<_, _> = tags
            .map(|tag| (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].as_str().unwrap().to_owned()))
            .collect();
        tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }
}

impl Kept for Place {
    type Sink = AwsSources<FakeCluster>;

    fn sink(&self) -> &Self::Sink {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    fn takes(&self) -> Takes {
        Takes { encodes: self.service == AwsService::ParameterStore, ..Takes::ALL }
    }

    async fn value(&self, key: &str) -> Option<String> {
        let key = self.named(key);
        if self.service == AwsService::ParameterStore {
            let body = json!({ "Name": key, "WithDecryption": true });
            let answer = self.call("GetParameter", &body).await?;
            return answer["Parameter"]["Value"].as_str().map(str::to_owned);
        }
        let answer = self.call("GetSecretValue", &json!({ "SecretId": key })).await?;
        if let Some(text) = answer["SecretString"].as_str() {
            return Some(text.to_owned());
        }
        String::from_utf8(STANDARD.decode(answer["SecretBinary"].as_str()?).ok()?).ok()
    }

    async fn put(&self, key: &str, value: &str) {
        let key = &self.named(key);
        match self.service {
            AwsService::SecretsManager => {
                self.moto.create_secret(self.region, key, value).await.unwrap();
            }
            AwsService::ParameterStore => {
                self.moto.put_parameter(self.region, key, value).await.unwrap();
            }
        }
    }

    async fn writes(&self) -> usize {
        self.relay.count(|asked| WRITES.iter().any(|call| is(asked, call)))
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        self.forbid(&READS, fail)
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        self.forbid(&WRITES, forbid)
    }
}

const READS: [&str; 4] = ["GetSecretValue", "DescribeSecret", "GetParameter", "ListTagsForResource"];
const WRITES: [&str; 13] = [
    "CreateSecret",
    "PutSecretValue",
    "TagResource",
    "UntagResource",
    "RestoreSecret",
    "DeleteSecret",
    "PutResourcePolicy",
    "DeleteResourcePolicy",
    "ReplicateSecretToRegions",
    "PutParameter",
    "DeleteParameter",
    "AddTagsToResource",
    "RemoveTagsFromResource",
];

pub(crate) fn is(asked: &Asked, call: &str) -> bool {
    asked
        .headers
        .get("x-amz-target")
        .and_then(|target| target.split_once('.'))
        .is_some_and(|(_, named)| named == call)
}

/// One key of a Secret, with what the provider is told besides.
pub(crate) fn pushed(key: &str, value: &str, spec: Option<&Value>) -> Pushed {
    Pushed { metadata: spec.map(enveloped), ..one(key, None, value) }
}

/// The same at a property.
pub(crate) fn property(key: &str, property: &str, value: &str, spec: Option<&Value>) -> Pushed {
    Pushed { metadata: spec.map(enveloped), ..one(key, Some(property), value) }
}
