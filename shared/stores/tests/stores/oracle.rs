//! Stores of Oracle Cloud Infrastructure Vault, on recorded pairs, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{World, at, current, failures_are_told_apart, told};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::OracleStore;
use pawl_domain::{Access, Find, Kind, Step, VersionSelector};
use pawl_ports::{Sources, Wanted};
use pawl_servers::pairs::{Ask, Asked, Pairs, Reply};
use pawl_stores::{Oracle, OracleSources};
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

/// Of what is not there, and of what may not be seen. Source: Oracle's API reference.
const COMMON: &str = r#"
{"ask": {"method": "POST", "path": "/20190301/secretbundles/actions/getByName", "query": {"secretName": "*", "vaultId": "*"}},
 "reply": {"status": 404, "body": {"code": "NotAuthorizedOrNotFound", "message": "hunter2"}}}
{"ask": {"method": "POST", "path": "/20190301/secretbundles/actions/getByName", "query": {"secretName": "*", "vaultId": "*", "stage": "*"}},
 "reply": {"status": 404, "body": {"code": "NotAuthorizedOrNotFound", "message": "hunter2"}}}
{"ask": {"method": "POST", "path": "/20190301/secretbundles/actions/getByName", "query": {"secretName": "*", "vaultId": "*", "versionNumber": "*"}},
 "reply": {"status": 404, "body": {"code": "NotAuthorizedOrNotFound", "message": "hunter2"}}}
"#;
const VAULT: &str = "ocid1.vault.oc1..v";

/// The values of a secret, the oldest first, and which of them each stage is at.
type Versions = (Vec<String>, BTreeMap<String, usize>);

struct Store {
    server: Pairs,
    world: World<Oracle>,
    /// The values of each key, the first version first, and where its labels are.
    keys: Mutex<BTreeMap<String, Versions>>,
}

fn pem() -> String {
    let der: Pkcs8V1Der<'_> = KEY.as_der().unwrap();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\nOCI_API_KEY\n",
        STANDARD.encode(der.as_ref())
    )
}

async fn store() -> Store {
    let (strange, refused) = (Reply::of(404, json!("hunter2")), Reply::of(401, json!("hunter2")));
    let server = Pairs::start(COMMON, strange, refused).await.unwrap();
    Store { world: at_server(spec(), server.address()), server, keys: Mutex::default() }
}

fn spec() -> OracleStore {
    OracleStore {
        region: "eu-frankfurt-1".to_owned(),
        vault: VAULT.to_owned(),
        compartment: Some("ocid1.compartment.oc1..c".to_owned()),
        tenancy: "ocid1.tenancy.oc1..t".to_owned(),
        user: "ocid1.user.oc1..u".to_owned(),
        private_key: at("key"),
        fingerprint: at("fingerprint"),
    }
}

fn at_server(store: OracleStore, address: &str) -> World<Oracle> {
    World::asked(Oracle::at(address), store, &[("key", &pem()), ("fingerprint", "aa:bb\n")])
}

fn ask(key: &str) -> Ask {
    let ask = Ask::post("/20190301/secretbundles/actions/getByName", Value::Null);
    ask.query("secretName", key).query("vaultId", VAULT).header("authorization", "Signature version=\"1\",*")
}

impl Store {
    /// Answers for all versions and labels of a key as they are now.
    fn answer(&self, key: &str) {
        let keys = self.keys.lock().unwrap();
        let Some((values, labels)) = keys.get(key) else { return };
        let bundle = |place: usize| {
            let stages = labels.iter().filter(|(_, at)| **at == place).map(|(label, _)| label.as_str());
            Reply::of(
                200,
                json!({
                    "secretId": "ocid1.vaultsecret.oc1..s", "versionNumber": place + 1, "stages": stages.collect::<Vec<_>>(),
                    "timeCreated": "2024-01-01T00:00:00.000Z",
                    "secretBundleContent": { "contentType": "BASE64", "content": STANDARD.encode(&values[place]) },
                }),
            )
        };
        for place in 0..values.len() {
            self.server.put(ask(key).query("versionNumber", &(place + 1).to_string()), bundle(place));
        }
        labels
            .iter()
            .for_each(|(label, place)| self.server.put(ask(key).query("stage", label), bundle(*place)));
        self.server.put(ask(key), bundle(values.len() - 1));
    }
}

impl Held for Store {
    type Sources = OracleSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let version = {
            let mut keys = self.keys.lock().unwrap();
            let (values, _) = keys.entry(key.to_owned()).or_default();
            values.push(value.to_owned());
            values.len().to_string()
        };
        self.answer(key);
        version
    }

    async fn label(&self, key: &str, version: &str, label: &str) {
        if let Some((_, labels)) = self.keys.lock().unwrap().get_mut(key) {
            labels.insert(label.to_owned(), version.parse::<usize>().unwrap() - 1);
        }
        self.answer(key);
    }

    async fn delete(&self, key: &str) {
        self.keys.lock().unwrap().remove(key);
        let absent = json!({ "code": "NotAuthorizedOrNotFound", "message": "hunter2" });
        self.server.put(ask(key), Reply::of(404, absent));
    }

    fn absence(&self) -> Kind {
        Kind::Invalid
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store().await).await;
}

/// What a request says that it signed.
fn signed(asked: &Asked) -> (String, Vec<u8>) {
    let header = &asked.headers["authorization"];
    let part = |name: &str| {
        header.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert_eq!(part("keyId"), "ocid1.tenancy.oc1..t/ocid1.user.oc1..u/aa:bb");
    assert_eq!((part("algorithm"), part("version")), ("rsa-sha256".to_owned(), "1".to_owned()));
    let line = |name: &str| match name {
        "(request-target)" => format!("{name}: {} {}", asked.method.to_ascii_lowercase(), asked.uri),
        // Of nothing, the client need not say how long it is.
        "content-length" => format!("{name}: 0"),
        _ => format!("{name}: {}", asked.headers[name]),
    };
    let lines: Vec<String> = part("headers").split(' ').map(line).collect();
    (lines.join("\n"), STANDARD.decode(part("signature")).unwrap())
}

#[tokio::test]
async fn requests_are_signed_over_what_is_sent() {
    let store = store().await;
    let key = "a b/c?d&e=f+ü";
    store.put(key, "value").await;
    assert_eq!(store.world.read(&[key]).await, ["value"]);
    let all = Ask::get("/20180608/secrets")
        .query("compartmentId", "ocid1.compartment.oc1..c")
        .query("vaultId", VAULT);
    store.server.put(all, Reply::of(200, json!([])));
    let find = Find { name: Some(".".to_owned()), ..Find::default() };
    assert_eq!(store.world.found(&find).await.unwrap(), BTreeMap::new());
    let asked = store.server.asked();
    assert_eq!(asked.iter().map(|asked| asked.method.as_str()).collect::<Vec<_>>(), ["POST", "GET"]);
    for asked in &asked {
        let (text, signature) = signed(asked);
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, KEY.public_key().as_ref());
        public.verify(text.as_bytes(), &signature).unwrap_or_else(|_| panic!("{text}"));
        assert!(asked.headers["date"].ends_with(" GMT"), "{}", asked.headers["date"]);
    }
    assert_eq!(asked[0].headers["x-content-sha256"], "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert!(!format!("{:?}", store.world.access).contains("PRIVATE"));
}

#[tokio::test]
async fn versions_are_read_by_their_stages() {
    let store = store().await;
    store.put("db", "old").await;
    store.put("db", "new").await;
    store.label("db", "1", "PREVIOUS").await;
    store.label("db", "2", "CURRENT").await;
    let previous = Wanted { selector: VersionSelector::Label("PREVIOUS".to_owned()), ..current("db") };
    let read = store.world.sources.fetch(&store.world.access, &[previous, current("db")]).await;
    assert_eq!(read.iter().map(told).collect::<Vec<_>>(), ["old", "new"]);
    assert_eq!(read[1].as_ref().unwrap().labels, ["CURRENT"]);
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_told_and_not_shown() {
    let store = store().await;
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("key", "hunter2"));
    let error = store.world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{error}");
    assert!(error.message().contains("privatekey is not PEM"), "{error}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("key", &pem()));
    store.world.clock.advance(Duration::from_secs(10));
    store.put("db", "value").await;
    assert_eq!(store.world.read(&["db"]).await, ["value"]);
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    let store = store().await;
    failures_are_told_apart(&store.world, &store.server, "db", &[(400, Kind::Invalid), (404, Kind::Invalid)])
        .await;
}

const SPEC: &str = r#"{"oracle":{"region":"eu-frankfurt-1","vault":"ocid1.vault.oc1..v","compartment":"ocid1.compartment.oc1..c",
    "auth":{"tenancy":"ocid1.tenancy.oc1..t","user":"ocid1.user.oc1..u",
    "secretRef":{"privatekey":{"name":"creds","key":"key"},"fingerprint":{"name":"creds","key":"fingerprint"}}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[
    // What ESO passes over is refused, with what to write.
    ("find by name and tags", "error"),
    ("find nothing at all", "error"),
    // ESO's SDK knows the stages; here Oracle itself refuses one that it does not know.
    ("a version that is no stage", "x"),
    ("find by name and path", "error"),
];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let cases = eso::cases(include_str!("data/oracle.jsonl"));
    let mut gave = Vec::new();
    for case in &cases {
        let server = case.double("").await;
        let world = at_server(spec(), server.address());
        gave.push((case, case.played(&world.sources, SPEC, server.address()).await));
        server.strays();
    }
    eso::same(&gave, DEPARTURES);
    assert_eq!(gave.len(), 60, "nothing of the table was left out");
}
