//! Documents of every version that was ever written stay readable for ever, and mean the same.
//!
//! `fixtures/<version>/<kind>s/<name>.json` holds one document each. Version 0 was written by commit da00600, with the
//! digests that it made of its declarations in `digests.json`. With `PAWL_REGENERATE=1` documents of the latest version are
//! written where there are none of that name yet; what stands is never written over.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod generators;
#[path = "fixtures/patterns.rs"]
mod patterns;
#[path = "fixtures/pushes.rs"]
mod pushes;
#[path = "fixtures/served.rs"]
mod served;
mod vendors;

use jiff::Timestamp;
use pawl_documents::{Document, digest, read, write};
use pawl_domain::change::Extent;
use pawl_domain::declaration::Manifest;
use pawl_domain::policy::{Allow, Rule, StoreSelector};
use pawl_domain::record::{
    Begun, Cause, Declared, FormerTarget, History, MovedKey, Owed, State, TargetState, Told, Written,
};
use pawl_domain::store::{
    ApiAuth, ApiServer, AzureAuth, AzureCloud, AzureKvStore, Backend, CaProvider, ClientCertificate,
    CrdResource, CrdRule, CrdStore, DopplerAuth, DopplerStore, FakeStore, GcpAuth, GcpCluster, GcpFederation,
    GcpServiceAccount, GcpStore, GcpSubject, GitLabStore, Headers, KubernetesApi, KubernetesStore,
    OnePasswordStore, OpenBaoStore, SecretKeyRef, WebhookSecret, WebhookStore,
};
use pawl_domain::{
    Change, Cluster, Complaint, Declaration, Failure, Kind, Location, Moved, Provider, Record, Step, Store,
    StorePolicy,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The latest version, which is written today.
const LATEST: u32 = 1;

#[test]
fn documents_of_every_version_stay_readable_and_say_the_same() {
    same_in_every_version::<Cluster>("clusters");
    same_in_every_version::<Declaration>("declarations");
    same_in_every_version::<Record>("records");
    same_in_every_version::<Store>("stores");
}

#[test]
fn what_is_written_today_is_what_the_latest_fixtures_hold() {
    unchanged::<Cluster>("clusters");
    unchanged::<Declaration>("declarations");
    unchanged::<Record>("records");
    unchanged::<Store>("stores");
}

#[test]
fn fields_that_came_later_are_kept() {
    let declaration: Declaration = one_of_version_0("declarations", "every-field_shop_db.json");
    kept(
        "declarations",
        "later-fields.json",
        &Declaration { synced: Some("3-4d5e".to_owned()), ..declaration.clone() },
    );
    let set = Some("shop".parse().unwrap());
    kept("declarations", "of-a-set.json", &Declaration { set: set.clone(), ..declaration });
    let cluster: Cluster = one_of_version_0("clusters", "blue.json");
    let namespaces = BTreeSet::from(["shop".parse().unwrap()]);
    kept("clusters", "by-namespace.json", &Cluster { namespaces, ..cluster });
    let store: Store = one_of_version_0("stores", "ClusterSecretStore_values.json");
    kept("stores", "of-a-set.json", &Store { set, ..store });
    let mut store: Store = one_of_version_0("stores", "ClusterSecretStore_values.json");
    store.backend = Backend::Fake(FakeStore { is_refused: true, ..FakeStore::default() });
    kept("stores", "later-fields.json", &store);
    kept("records", "later-fields.json", &record_with_every_field());
    let begun = Some(Begun { declaration: "f".repeat(64), times: 2 });
    kept("records", "begun.json", &Record { begun, ..record_with_every_field() });
    let mut folder = record_with_every_field();
    folder.owed.changes.iter_mut().for_each(|change| change.extent = Extent::Under);
    kept("records", "folder.json", &folder);
    kept("records", "refused.json", &record_of_a_refusal());
    kept("records", "generated.json", &generators::record(record_with_every_field()));
    kept("records", "history.json", &Record { history: history(), ..record_with_every_field() });
}

/// A write with everything that one can say, and one with nothing that it need not.
fn history() -> History {
    let at = |second| Timestamp::from_second(second).unwrap();
    let bare =
        Written { at: at(20), cause: Cause::Drift, seconds: None, deleted: false, keys: Vec::new(), more: 0 };
    let keys = vec![
        MovedKey { key: "app/db".to_owned(), version: Some("v2".to_owned()) },
        MovedKey { key: "app/gone".to_owned(), version: None },
    ];
    let whole = Written { at: at(30), cause: Cause::Event, seconds: Some(3), deleted: true, keys, more: 2 };
    History::of(vec![bare, whole])
}

#[test]
fn kinds_of_store_that_came_later_are_kept() {
    let store: Store = one_of_version_0("stores", "ClusterSecretStore_values.json");
    let vault: Store = one_of_version_0("stores", "openbao_ClusterSecretStore_every-field.json");
    let engine = vault.backend.as_engine().unwrap().clone();
    let of = |backend| Store { backend, ..store.clone() };
    kept("stores", "openbao.json", &of(OpenBaoStore::new(engine).into()));
    let at = |name: &str| SecretKeyRef {
        name: name.parse().unwrap(),
        key: "key".to_owned(),
        namespace: Some("infra".parse().unwrap()),
    };
    let gitlab = GitLabStore {
        url: "https://gitlab.example.com".to_owned(),
        access_token: at("gitlab"),
        project_id: Some("shop/api".to_owned()),
        inherit_from_groups: true,
        group_ids: vec!["7".to_owned()],
        environment: Some("production".to_owned()),
        ca_bundle: Some("PEM".to_owned()),
        ca_provider: Some(CaProvider::ConfigMap(at("roots"))),
    };
    kept("stores", "gitlab.json", &of(gitlab.into()));
    let azurekv = |auth| AzureKvStore {
        vault_url: "https://team.vault.azure.cn".to_owned(),
        cloud: AzureCloud::China,
        authority: Some("https://login.partner.microsoftonline.cn".to_owned()),
        auth,
        use_azure_sdk: true,
    };
    let (tenant, client_id) = ("tenant".to_owned(), at("id"));
    let auth = AzureAuth::Secret { tenant, client_id, client_secret: at("secret") };
    kept("stores", "azurekv-secret.json", &of(azurekv(auth).into()));
    let (tenant, client_id) = ("tenant".to_owned(), at("id"));
    let auth = AzureAuth::Certificate { tenant, client_id, certificate: at("pem") };
    kept("stores", "azurekv-certificate.json", &of(azurekv(auth).into()));
    let auth = AzureAuth::ServiceAccount {
        name: "pawl".parse().unwrap(),
        namespace: Some("infra".parse().unwrap()),
        audiences: vec!["api://more".to_owned()],
        client_id: Some(at("id")),
        tenant_ref: Some(at("tenant")),
        tenant: Some("tenant".to_owned()),
    };
    kept("stores", "azurekv-service-account.json", &of(azurekv(auth).into()));
    let webhook = WebhookStore {
        url: "https://api.example.com/{{ .remoteRef.key }}".to_owned(),
        method: "POST".to_owned(),
        headers: Headers([("X-Team".to_owned(), "shop".to_owned())].into()),
        content_type: Some("application/json".to_owned()),
        body: "{{ .remoteRef.version }}".to_owned(),
        timeout: Some(Duration::from_millis(1500)),
        json_path: "$.value".to_owned(),
        secrets: vec![WebhookSecret {
            name: "auth".to_owned(),
            secret: "api".parse().unwrap(),
            namespace: Some("infra".parse().unwrap()),
        }],
        ca_bundle: Some("PEM".to_owned()),
        ca_provider: Some(CaProvider::Secret(at("roots"))),
    };
    kept("stores", "webhook.json", &of(webhook.into()));
    let one_password = OnePasswordStore {
        connect_host: "https://connect.example.com".to_owned(),
        connect_token: at("connect"),
        vaults: vec!["shop".to_owned(), "shared".to_owned()],
    };
    kept("stores", "onepassword.json", &of(one_password.into()));
    let doppler = |auth| DopplerStore {
        auth,
        project: Some("shop".to_owned()),
        config: Some("prd".to_owned()),
        name_transformer: Some("camel".to_owned()),
        format: Some("env".to_owned()),
    };
    kept("stores", "doppler-token.json", &of(doppler(DopplerAuth::Token(at("doppler"))).into()));
    let auth = DopplerAuth::Oidc {
        identity: "identity".to_owned(),
        account: "reader".parse().unwrap(),
        namespace: Some("infra".parse().unwrap()),
        audiences: vec!["https://api.doppler.com".to_owned()],
    };
    kept("stores", "doppler-oidc.json", &of(doppler(auth).into()));
    for (name, backend) in served::stores(&at) {
        kept("stores", &format!("{name}.json"), &of(backend));
    }
    for (name, backend) in kubernetes(&at) {
        kept("stores", name, &of(backend));
    }
    for (name, backend) in vendors::all(&at) {
        kept("stores", name, &of(backend));
    }
    for (name, store) in generators::all(&at, &|generator| of(generator.into())) {
        kept("stores", &name, &store);
    }
    for (name, auth) in gcp_identities() {
        let (project, location) = ("shop".to_owned(), Some("europe-west3".to_owned()));
        let gcp = GcpStore { project, location, falls_back: true, auth };
        kept("stores", &format!("gcpsm-{name}.json"), &of(gcp.into()));
    }
}

fn gcp_identities() -> [(&'static str, GcpAuth); 5] {
    let namespace = || Some("infra".parse().unwrap());
    let at = |key: &str| SecretKeyRef {
        name: "gcp".parse().unwrap(),
        key: key.to_owned(),
        namespace: namespace(),
    };
    let account = || GcpServiceAccount {
        name: "reader".parse().unwrap(),
        namespace: namespace(),
        audiences: vec!["sts".to_owned()],
    };
    let cluster = GcpCluster {
        project: "clusters".to_owned(),
        location: "europe-west3".to_owned(),
        name: "blue".to_owned(),
    };
    let federation = |subject| {
        GcpAuth::Federation(GcpFederation {
            subject,
            audience: Some("//iam.googleapis.com/p".to_owned()),
            token_endpoint: Some("https://tokens.example.com".to_owned()),
            service_account: Some("reader@shop.iam.gserviceaccount.com".to_owned()),
        })
    };
    let (region, secret) = ("eu-central-1".to_owned(), "aws".parse().unwrap());
    let aws = GcpSubject::Aws { region, secret, namespace: namespace() };
    [
        ("key", GcpAuth::Key(at("key.json"))),
        ("workload-identity", GcpAuth::WorkloadIdentity { account: account(), cluster }),
        ("federation-config", federation(GcpSubject::Configured(at("config.json")))),
        ("federation-account", federation(GcpSubject::ServiceAccount(account()))),
        ("federation-aws", federation(aws)),
    ]
}

/// Each way to an API server, and each way of proving an identity there.
fn kubernetes(at: &dyn Fn(&str) -> SecretKeyRef) -> [(&'static str, Backend); 4] {
    let store = |api| KubernetesStore { api, remote_namespace: "team-a".parse().unwrap() }.into();
    let remote = ApiServer::At {
        url: "https://api.example.com:6443".to_owned(),
        ca_bundle: Some("PEM".to_owned()),
        ca_provider: Some(CaProvider::Secret(at("roots"))),
    };
    let account = ApiAuth::ServiceAccount {
        name: "reader".parse().unwrap(),
        namespace: Some("infra".parse().unwrap()),
        audiences: vec!["api.example.com".to_owned()],
    };
    let certificate = ClientCertificate { certificate: at("cert"), key: at("key") };
    let rule = CrdRule {
        name: Some("^db-".to_owned()),
        namespace: Some("^team-".to_owned()),
        properties: vec!["^spec".to_owned()],
    };
    let crd = CrdStore {
        api: KubernetesApi::Server { server: remote.clone(), auth: ApiAuth::Certificate(certificate) },
        resource: CrdResource {
            group: "example.com".to_owned(),
            version: "v1".to_owned(),
            kind: "Database".to_owned(),
        },
        whitelist: vec![rule],
        namespace: None,
    };
    [
        ("kubernetes.json", store(KubernetesApi::Server { server: remote, auth: account })),
        (
            "kubernetes-own.json",
            store(KubernetesApi::Server { server: ApiServer::Own, auth: ApiAuth::Token(at("token")) }),
        ),
        ("kubernetes-kubeconfig.json", store(KubernetesApi::Kubeconfig(at("kubeconfig")))),
        ("crd.json", crd.into()),
    ]
}

#[test]
fn policies_are_kept() {
    kept("policies", "least.json", &policy("least", None, Allow::default()));
    let allow = Allow {
        own_identity: true,
        roles: set(&["arn:aws:iam::123456789012:role/payments-*"]),
        keys: set(&["payments/*"]),
        hosts: Some(set(&["vault.example.com", "*.vault.internal:8200", "[fd12::1]:8200"])),
        addresses: set(&["10.0.0.0/8", "fd12::1"]),
    };
    kept("policies", "every-field.json", &policy("every-field", Some(&["a-*", "b"]), allow));
    for (name, text) in texts(LATEST, "policies") {
        let policy: StorePolicy = read(&name, &text).unwrap();
        assert_eq!(write(&policy), text.trim_end(), "{name}");
    }
    damaged::<StorePolicy>("policies");
}

fn set<T: std::str::FromStr<Err: std::fmt::Debug> + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn policy(name: &str, of: Option<&[&str]>, allow: Allow) -> StorePolicy {
    let stores = StoreSelector { found: of.is_none(), applied: of.is_some(), names: of.map(set) };
    StorePolicy { name: name.parse().unwrap(), clusters: of.map(set), namespaces: of.map(set), stores, allow }
}

fn record_of_a_refusal() -> Record {
    let failure = Failure {
        step: Step::Lookup,
        kind: Kind::Refused,
        message: Rule::Key.words().to_owned(),
        complaint: Complaint::Refused(Rule::Key),
        attempts: 1,
    };
    Record { state: State::Failed(failure), ..record_with_every_field() }
}

#[test]
fn digests_are_those_that_older_versions_made() {
    let text = fs::read_to_string(folder(0, "").join("digests.json")).unwrap();
    let made: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    let found: BTreeMap<String, String> = documents::<Declaration>(0, "declarations")
        .into_values()
        .map(|declaration| (declaration.id.to_string(), digest(&declaration)))
        .collect();
    assert!(!made.is_empty());
    assert_eq!(found, made);
    // The flow compares what the domain makes.
    for declaration in documents::<Declaration>(LATEST, "declarations").into_values() {
        let nobodys = Declaration { set: None, pattern: None, ..declaration };
        assert_eq!(nobodys.digest(), digest(&nobodys), "{}", nobodys.id);
    }
}

#[test]
fn a_damaged_document_ends_nothing_and_its_content_is_not_told() {
    damaged::<Cluster>("clusters");
    damaged::<Declaration>("declarations");
    damaged::<Record>("records");
    damaged::<Store>("stores");
}

fn record_with_every_field() -> Record {
    let at = |second| Timestamp::from_second(second).unwrap();
    let manifest = Manifest { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned() };
    let change = Change {
        id: "event-1".to_owned(),
        location: Location {
            provider: Provider::SecretsManager,
            region: "eu-central-1".to_owned(),
            account: Some("123456789012".to_owned()),
        },
        names: BTreeSet::from(["app/db".to_owned()]),
        extent: Extent::Key,
        version: Some("v2".to_owned()),
        moved: Moved::Label("AWSCURRENT".to_owned()),
        at: at(30),
    };
    Record {
        target: Some(TargetState {
            name: "db".parse().unwrap(),
            manifest: Some(manifest.clone()),
            resource_version: Some("7".to_owned()),
            declared: Some("d".repeat(64)),
        }),
        unsettled_since: Some(at(10)),
        not_before: Some(at(60)),
        owed: Owed {
            declared: Some(Declared { digest: "e".repeat(64), at: at(20) }),
            changes: vec![change],
            targets: vec![
                FormerTarget { name: "secret".parse().unwrap(), manifest: None },
                FormerTarget { name: "object".parse().unwrap(), manifest: Some(manifest) },
            ],
            target: true,
            removed: Some(at(40)),
            older_since: Some(at(50)),
        },
        told: Some(Told::of(true, &["Secret was synced"])),
        ..one_of_version_0("records", "broken-documents_shop_good.json")
    }
}

/// Every file of a version, by its name.
fn texts(version: u32, kinds: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder(version, kinds)).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    entries.map(text).collect()
}

fn documents<D: Document>(version: u32, kinds: &str) -> BTreeMap<String, D> {
    let document = |(name, text): (String, String)| {
        let document = read(&name, &text).unwrap_or_else(|error| panic!("version {version}: {error}"));
        (name, document)
    };
    texts(version, kinds).into_iter().map(document).collect()
}

fn one_of_version_0<D: Document>(kinds: &str, name: &str) -> D {
    documents(0, kinds).remove(name).unwrap()
}

/// A noun that says something in every field that came after version 0 has a fixture and can be read.
fn kept<D: Document + PartialEq + std::fmt::Debug>(kinds: &str, name: &str, noun: &D) {
    add(&folder(LATEST, kinds).join(name), noun);
    assert_eq!(documents::<D>(LATEST, kinds).get(name), Some(noun), "{kinds}/{name}");
}

/// Writes a fixture where there is none, when asked to.
fn add(path: &Path, noun: &impl Document) {
    if std::env::var_os("PAWL_REGENERATE").is_some() && !path.exists() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, write(noun) + "\n").unwrap();
    }
}

fn folder(version: u32, kinds: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version.to_string()).join(kinds)
}

fn same_in_every_version<D: Document + PartialEq + std::fmt::Debug>(kinds: &str) {
    let oldest = documents::<D>(0, kinds);
    assert!(!oldest.is_empty(), "there are {kinds} of version 0");
    for version in 1..=LATEST {
        let later = documents::<D>(version, kinds);
        for (name, document) in &oldest {
            assert_eq!(later.get(name), Some(document), "{kinds}/{name} of version {version}");
        }
    }
}

fn unchanged<D: Document>(kinds: &str) {
    for (name, document) in documents::<D>(0, kinds) {
        add(&folder(LATEST, kinds).join(name), &document);
    }
    for (name, text) in texts(LATEST, kinds) {
        let document: D = read(&name, &text).unwrap();
        assert_eq!(write(&document), text.trim_end(), "{kinds}/{name}");
    }
}

/// Takes away, empties and replaces every field of every document, one at a time.
fn damaged<D: Document>(kinds: &str) {
    let canary = "canary-7f3a";
    for (name, text) in texts(LATEST, kinds) {
        let whole: Value = serde_json::from_str(&text).unwrap();
        for path in paths(&whole) {
            for with in
                [None, Some(Value::Null), Some(canary.into()), Some(serde_json::json!({ canary: canary }))]
            {
                let mut document = whole.clone();
                replace(&mut document, &path, with);
                if let Err(error) = read::<D>(&name, &document.to_string()) {
                    let told = error.to_string();
                    assert!(told.contains(&name) && !told.contains(canary), "{told}");
                }
            }
        }
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
            assert!(read::<D>(&name, text[..end].trim_end()).is_err() || text[end..].trim().is_empty());
        }
    }
}

fn paths(value: &Value) -> Vec<String> {
    let below = |name: &str, inner: &Value| {
        let name = name.replace('~', "~0").replace('/', "~1");
        let mut paths = vec![format!("/{name}")];
        paths.extend(self::paths(inner).into_iter().map(|path| format!("/{name}{path}")));
        paths
    };
    match value {
        Value::Object(map) => map.iter().flat_map(|(name, inner)| below(name, inner)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, inner)| below(&index.to_string(), inner)).collect()
        }
        _ => Vec::new(),
    }
}

fn replace(document: &mut Value, path: &str, with: Option<Value>) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match (document.pointer_mut(parent).unwrap(), with) {
        (Value::Object(map), None) => drop(map.remove(&name)),
        (Value::Object(map), Some(value)) => drop(map.insert(name, value)),
        (Value::Array(items), None) => drop(items.remove(name.parse().unwrap())),
        (Value::Array(items), Some(value)) => items[name.parse::<usize>().unwrap()] = value,
        _ => unreachable!("only these have paths"),
    }
}
