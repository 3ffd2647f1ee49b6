//! What PushSecrets write, read back from moto: the port's contract, and what is particular to each service.

use crate::stores::support::{FakeCluster, access_of, server, sources, sources_of, store};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_aws::AwsSources;
use pawl_domain::store::{AwsDeletion, AwsService, AwsStore, Home, StoreId};
use pawl_domain::{Access, Kind, PushOutcome, Pushed, RemoteEntry, SecretValue, Step};
use pawl_ports::{Error, Sink};
use pawl_servers::{Asked, Instead, Moto, Relay, Service};
use pawl_world::contract::sinks::{Kept, Takes, suite};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn secrets_manager_is_a_sink() {
    suite(&Secrets(Place::of(AwsService::SecretsManager).await)).await;
}

#[tokio::test]
async fn parameter_store_is_a_sink() {
    suite(&Parameters(Place::of(AwsService::ParameterStore).await)).await;
}

#[tokio::test]
async fn a_new_secret_is_made_as_eso_makes_it() {
    let place = Place::of(AwsService::SecretsManager).await;
    let spec = json!({ "tags": { "team": "shop" }, "description": "d", "secretPushFormat": "string" });
    place.push(&pushed("new", "text", Some(&spec))).await.unwrap();
    place.push(&pushed("plain", "bytes", None)).await.unwrap();
    let made: Vec<Value> = place.bodies("CreateSecret");
    assert_eq!(made[0]["SecretString"], "text");
    assert_eq!(made[0]["Description"], "d");
    assert_eq!(made[1]["SecretBinary"], STANDARD.encode("bytes"));
    assert_eq!(made[1]["Description"], "secret 'managed-by:external-secrets'");
    for body in &made {
        assert_eq!(body["ClientRequestToken"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(body["KmsKeyId"], "alias/aws/secretsmanager");
        let mut tags = body["Tags"].as_array().unwrap().clone();
        tags.retain(|tag| *tag == json!({ "Key": "managed-by", "Value": "external-secrets" }));
        assert_eq!(tags.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn tags_become_those_of_the_metadata_and_no_others() {
    for service in [AwsService::SecretsManager, AwsService::ParameterStore] {
        let place = Place::of(service).await;
        place.push(&pushed("key", "value", Some(&json!({ "tags": { "a": "1", "b": "2" } })))).await.unwrap();
        assert_eq!(place.tags("key").await, "a=1 b=2 managed-by=external-secrets");
        // Where nothing is said of tags, they stay.
        assert_eq!(place.push(&pushed("key", "value", None)).await.unwrap(), PushOutcome::Unchanged);
        assert_eq!(place.tags("key").await, "a=1 b=2 managed-by=external-secrets");
        let spec = json!({ "tags": { "b": "3", "c": 4 } });
        let outcome = place.push(&pushed("key", "value", Some(&spec))).await.unwrap();
        assert!(matches!(outcome, PushOutcome::Written { version: Some(_) }), "{outcome:?}");
        assert_eq!(place.tags("key").await, "b=3 c=4 managed-by=external-secrets");
        let again = place.push(&pushed("key", "value", Some(&spec))).await.unwrap();
        assert_eq!(again, PushOutcome::Unchanged, "{service:?}");
    }
}

#[tokio::test]
async fn a_property_is_a_path_into_the_json() {
    let place = Place::of(AwsService::SecretsManager).await;
    let at = |property: &str, value: &str| Pushed {
        to: RemoteEntry { key: "json".to_owned(), property: Some(property.to_owned()) },
        ..pushed("json", value, None)
    };
    for (property, value) in [("db.user", "u"), ("db.password", "p<"), ("tls\\.crt", "c"), ("list.1", "x")] {
        place.push(&at(property, value)).await.unwrap();
    }
    let stands = Secrets(place).value("json").await.unwrap();
    assert_eq!(stands, r#"{"db":{"user":"u","password":"p<"},"tls.crt":"c","list":[null,"x"]}"#);
}

#[tokio::test]
async fn what_is_no_json_object_is_not_lost_to_a_property() {
    for service in [AwsService::SecretsManager, AwsService::ParameterStore] {
        let place = Place::of(service).await;
        for text in ["plain", "\"text\"", "7"] {
            place.push(&pushed("key", text, None)).await.unwrap();
            let before = place.writes();
            let to = RemoteEntry { key: "key".to_owned(), property: Some("a".to_owned()) };
            let error = place.push(&Pushed { to: to.clone(), ..pushed("key", "v", None) }).await.unwrap_err();
            assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
            assert!(
                error.message().contains("key: property \"a\": what stands there is no JSON object"),
                "{error}"
            );
            place.sources.remove(&place.access, &to).await.unwrap();
            assert_eq!(place.writes(), before, "{service:?}: {text}");
        }
    }
}

#[tokio::test]
async fn of_two_pushes_that_saw_the_same_one_reads_again() {
    let place = Place::of(AwsService::SecretsManager).await;
    place.push(&pushed("raced", "one", None)).await.unwrap();
    place.fail_first("PutSecretValue", "ResourceExistsException");
    let outcome = place.push(&pushed("raced", "two", None)).await.unwrap();
    assert!(matches!(outcome, PushOutcome::Written { .. }));
    let put = place.bodies("PutSecretValue");
    assert_eq!(put.len(), 2);
    assert_ne!(put[0]["ClientRequestToken"], put[1]["ClientRequestToken"], "the refused one is used up");
    let reads = place.bodies("GetSecretValue").len();
    assert_eq!(reads, 2, "what stands there was read before each write");
}

#[tokio::test]
async fn what_others_make_at_the_same_moment_is_looked_at() {
    for (service, call, code) in [
        (AwsService::SecretsManager, "CreateSecret", "ResourceExistsException"),
        (AwsService::ParameterStore, "PutParameter", "ParameterAlreadyExists"),
    ] {
        let place = Place::of(service).await;
        // Nothing is there when it is looked, and when it is made somebody else's is.
        place.relay.answer(Some(Arc::new(move |asked: &Asked| {
            is(asked, call).then(|| (400, json!({ "__type": code, "message": "" }).to_string()))
        })));
        let error = place.push(&pushed("raced", "ours", None)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Conflict), "{error}");
        assert_eq!(place.bodies(call).len(), 4, "not for ever");
        place.relay.answer(None);
        place.put("raced", "theirs").await;
        let error = place.push(&pushed("raced", "ours", None)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied, "{error}");
        assert!(error.message().contains("give it the tag managed-by=external-secrets"), "{error}");
    }
}

#[tokio::test]
async fn an_older_version_with_the_same_token_is_not_taken_for_written() {
    let place = Place::of(AwsService::SecretsManager).await;
    place.push(&pushed("old", "one", None)).await.unwrap();
    let first = AtomicUsize::new(0);
    place.relay.answer(Some(Arc::new(move |asked: &Asked| {
        let is_first = is(asked, "PutSecretValue") && first.fetch_add(1, Ordering::Relaxed) == 0;
        let answer = json!({ "Name": "old", "VersionId": "x", "VersionStages": ["AWSPREVIOUS"] });
        is_first.then(|| (200, answer.to_string()))
    })));
    place.push(&pushed("old", "two", None)).await.unwrap();
    assert_eq!(Secrets(place).value("old").await.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_whole_secret_is_a_parameter_of_base64_unless_it_is_said() {
    let place = Place::of(AwsService::ParameterStore).await;
    let mut whole = Pushed { secret_key: None, ..pushed("whole", "v", None) };
    place.push(&whole).await.unwrap();
    let parameters = Parameters(place);
    assert_eq!(parameters.value("whole").await.as_deref(), Some(r#"{"key":"dg=="}"#));
    whole.metadata = Some(enveloped(&json!({ "encodeAsDecoded": true, "secretType": "SecureString" })));
    parameters.0.push(&whole).await.unwrap();
    assert_eq!(parameters.value("whole").await.as_deref(), Some(r#"{"key":"v"}"#));
    let put = parameters.0.bodies("PutParameter");
    assert_eq!((&put[0]["Type"], &put[0]["Overwrite"]), (&json!("String"), &json!(false)));
    assert_eq!((&put[1]["Type"], &put[1]["Overwrite"]), (&json!("SecureString"), &json!(true)));
    assert_eq!(put[1]["KeyId"], "alias/aws/ssm");
    assert_eq!(parameters.0.push(&whole).await.unwrap(), PushOutcome::Unchanged);
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    for (service, spec) in [
        (AwsService::ParameterStore, json!({})),
        (AwsService::SecretsManager, json!({ "secretPushFormat": "string" })),
    ] {
        let place = Place::of(service).await;
        let mut bytes = pushed("raw", "", Some(&spec));
        bytes.data.insert("key".to_owned(), SecretValue::new([0xff, 0x00]));
        let error = place.push(&bytes).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid), "{error}");
        assert_eq!(place.writes(), 0);
    }
}

#[tokio::test]
async fn secrets_are_deleted_as_the_store_says() {
    for (deletion, want) in [
        (AwsDeletion::Default, json!({})),
        (AwsDeletion::Forced, json!({ "ForceDeleteWithoutRecovery": true })),
        (AwsDeletion::After(7), json!({ "RecoveryWindowInDays": 7 })),
    ] {
        let place = Place::of(AwsService::SecretsManager).await.with(|store| store.deletion = deletion);
        place.push(&pushed("gone", "v", Some(&json!({ "replicationLocations": [] })))).await.unwrap();
        let entry = RemoteEntry { key: "gone".to_owned(), property: None };
        place.sources.remove(&place.access, &entry).await.unwrap();
        let mut body = place.bodies("DeleteSecret").remove(0);
        body.as_object_mut().unwrap().remove("SecretId");
        assert_eq!(body, want);
    }
}

#[tokio::test]
async fn a_resource_policy_comes_from_the_namespace() {
    let place = Place::of(AwsService::SecretsManager).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let cluster = Arc::new(FakeCluster::default().with_secret("shop/policies/db", &[policy]));
    let clock = Arc::new(crate::stores::support::WallClock);
    let sources = sources_of(place.relay.address(), cluster, clock);
    let reference = json!({ "kind": "Secret", "name": "policies", "key": "db" });
    let spec = json!({ "resourcePolicy": { "policySourceRef": reference, "blockPublicPolicy": true } });
    let one = pushed("governed", "v", Some(&spec));
    let error = sources.push(&place.access, &one).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "the namespace is not known: {error}");
    let id = StoreId { home: Home::Applied, namespace: None, name: "aws".parse().unwrap(), generator: None };
    let access = Access { tags: Some(("shop".parse().unwrap(), id)), ..place.access.clone() };
    sources.push(&access, &one).await.unwrap();
    let again = sources.push(&access, &one).await.unwrap();
    assert_eq!(again, PushOutcome::Unchanged, "the same policy stands");
    let put = place.bodies("PutResourcePolicy");
    assert_eq!(put.len(), 1);
    assert_eq!((&put[0]["ResourcePolicy"], &put[0]["BlockPublicPolicy"]), (&json!(policy), &json!(true)));
    let missing = json!({ "kind": "Secret", "name": "policies", "key": "other" });
    let missing = pushed("governed", "w", Some(&json!({ "resourcePolicy": { "policySourceRef": missing } })));
    let error = sources.push(&access, &missing).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
    assert_eq!(Secrets(place).value("governed").await.as_deref(), Some("v"), "nothing is written by halves");
}

#[tokio::test]
async fn the_stores_prefix_stands_before_each_key() {
    let place = Place::of(AwsService::ParameterStore).await;
    place.push(&pushed("db", "v", None)).await.unwrap();
    let entry = RemoteEntry { key: "db".to_owned(), property: None };
    assert!(place.sources.exists(&place.access, &entry).await.unwrap());
    let body = json!({ "Name": format!("{}db", place.prefix) });
    let standing = place.call("GetParameter", &body).await.unwrap();
    assert_eq!(standing["Parameter"]["Value"], "v");
    place.sources.remove(&place.access, &entry).await.unwrap();
    assert!(place.call("GetParameter", &body).await.is_none());
}

#[tokio::test]
async fn every_refusal_of_a_write_has_its_kind_and_a_remedy() {
    for (code, kind, words) in [
        ("AccessDeniedException", Kind::Denied, "access denied; allow secretsmanager:PutSecretValue on it"),
        ("LimitExceededException", Kind::Throttled, "throttled (LimitExceededException)"),
        ("EncryptionFailure", Kind::Invalid, "not accepted (EncryptionFailure)"),
        ("InternalServiceError", Kind::Transient, "AWS failed (InternalServiceError)"),
    ] {
        let place = Place::of(AwsService::SecretsManager).await;
        place.push(&pushed("key", "one", None)).await.unwrap();
        let status = if kind == Kind::Transient { 500 } else { 400 };
        place.relay.answer(Some(Arc::new(move |asked: &Asked| {
            let body = json!({ "__type": code, "message": "canary-in-words" });
            is(asked, "PutSecretValue").then(|| (status, body.to_string()))
        })));
        let error = place.push(&pushed("key", "two", None)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, kind), "{error}");
        assert_eq!(
            error.message(),
            format!("secrets-manager in {}: {}: {words}", place.region, place.named("key"))
        );
    }
}

/// One service behind a relay that keeps what was asked, with keys of its own below a prefix.
struct Place {
    moto: &'static Moto,
    region: &'static str,
    prefix: String,
    relay: Arc<Relay>,
    sources: AwsSources<FakeCluster>,
    access: Access,
    service: AwsService,
}

impl Place {
    async fn of(service: AwsService) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (moto, region) = (server().await, "eu-south-1");
        let prefix = format!("/place-{}/", NEXT.fetch_add(1, Ordering::Relaxed));
        let relay = Arc::new(Relay::start(moto.endpoint()).await.unwrap());
        let (sources, access) = (sources(relay.address()), access_of(store(service)));
        Self { moto, region, prefix, relay, sources, access, service }.with(|_| {})
    }

    /// The same with another store.
    fn with(mut self, edit: impl FnOnce(&mut AwsStore)) -> Self {
        let (region, prefix) = (self.region.to_owned(), Some(self.prefix.clone()));
        let mut store = AwsStore { region, prefix, ..store(self.service) };
        edit(&mut store);
        self.access = access_of(store);
        self
    }

    /// A key as AWS knows it.
    fn named(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn push(&self, pushed: &Pushed) -> Result<PushOutcome, Error> {
        self.sources.push(&self.access, pushed).await
    }

    /// The bodies of all calls of this name.
    fn bodies(&self, call: &str) -> Vec<Value> {
        let asked = self.relay.asked().into_iter().filter(|asked| is(asked, call));
        asked.map(|asked| serde_json::from_str(&asked.body).unwrap()).collect()
    }

    fn writes(&self) -> usize {
        self.relay.count(|asked| WRITES.iter().any(|call| is(asked, call)))
    }

    fn fail_first(&self, call: &'static str, code: &'static str) {
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

    async fn call(&self, operation: &str, body: &Value) -> Option<Value> {
        let service = match self.service {
            AwsService::SecretsManager => Service::SECRETS_MANAGER,
            AwsService::ParameterStore => Service::SSM,
        };
        self.moto.call(self.region, service, operation, body).await.ok()
    }

    async fn tags(&self, key: &str) -> String {
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

fn is(asked: &Asked, call: &str) -> bool {
    asked
        .headers
        .get("x-amz-target")
        .and_then(|target| target.split_once('.'))
        .is_some_and(|(_, named)| named == call)
}

struct Secrets(Place);

impl Kept for Secrets {
    type Sink = AwsSources<FakeCluster>;

    fn sink(&self) -> &Self::Sink {
        &self.0.sources
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    fn takes(&self) -> Takes {
        Takes::ALL
    }

    async fn value(&self, key: &str) -> Option<String> {
        let answer = self.0.call("GetSecretValue", &json!({ "SecretId": self.0.named(key) })).await?;
        if let Some(text) = answer["SecretString"].as_str() {
            return Some(text.to_owned());
        }
        String::from_utf8(STANDARD.decode(answer["SecretBinary"].as_str()?).ok()?).ok()
    }

    async fn put(&self, key: &str, value: &str) {
        self.0.put(key, value).await;
    }

    async fn writes(&self) -> usize {
        self.0.writes()
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        self.0.forbid(&READS, fail)
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        self.0.forbid(&WRITES, forbid)
    }
}

struct Parameters(Place);

impl Kept for Parameters {
    type Sink = AwsSources<FakeCluster>;

    fn sink(&self) -> &Self::Sink {
        &self.0.sources
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    fn takes(&self) -> Takes {
        Takes { encodes: true, ..Takes::ALL }
    }

    async fn value(&self, key: &str) -> Option<String> {
        let answer = self
            .0
            .call("GetParameter", &json!({ "Name": self.0.named(key), "WithDecryption": true }))
            .await?;
        answer["Parameter"]["Value"].as_str().map(str::to_owned)
    }

    async fn put(&self, key: &str, value: &str) {
        self.0.put(key, value).await;
    }

    async fn writes(&self) -> usize {
        self.0.writes()
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        self.0.forbid(&READS, fail)
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        self.0.forbid(&WRITES, forbid)
    }
}

fn pushed(key: &str, value: &str, spec: Option<&Value>) -> Pushed {
    Pushed {
        to: RemoteEntry { key: key.to_owned(), property: None },
        secret_key: Some("key".to_owned()),
        data: BTreeMap::from([("key".to_owned(), SecretValue::new(value))]),
        secret_type: "Opaque".to_owned(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        metadata: spec.map(enveloped),
    }
}

fn enveloped(spec: &Value) -> Value {
    json!({
        "apiVersion": "kubernetes.external-secrets.io/v1alpha1",
        "kind": "PushSecretMetadata",
        "spec": spec,
    })
}
