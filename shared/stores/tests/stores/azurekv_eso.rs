//! Key Vault beside ESO's own provider: stores, reads and answers, with what ESO 2.9 gave for them in each of its two clients.
//! Each store is read as a manifest, and what is fetched from the double is rendered.
//!
//! ESO asked the same double, through TLS and by the public names of vaults and of Entra ID.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::declaration::Query;
use pawl_domain::store::{AzureKvStore, Backend};
use pawl_domain::{
    Access, Declaration, Find, Found, Functions, Home, Keep, Kind, Provider, Recipe, Remote, Store,
    TemplateSources, Values,
};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_servers::azurekv::{AzureKv, CLIENT, Proof, SECRET, TENANT};
use pawl_stores::AzureKvSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, declaration, namespace};
use pawl_world::{FakeClock, FakeClusters};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often Pawl gives what one of ESO's clients gave, and how often it chooses otherwise.
const SAME_AND_CHOSEN: (usize, usize) = (680, 34);

fn data(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/data");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

/// A store, what its vault holds, one read of it, and what ESO gave.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    kind: Option<String>,
    /// `spec.provider.azurekv`; a service principal where nothing is written.
    spec: Option<Value>,
    #[serde(default)]
    vault: Vec<Object>,
    /// What is not allowed, such as `secrets/get`.
    #[serde(default)]
    denied: Vec<String>,
    /// For what the vault takes tokens.
    wants: Option<String>,
    /// What proves the client, where it is not the usual secret.
    proof: Option<Proven>,
    /// Secrets of the cluster by namespace and name.
    secrets: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Service accounts with their annotations.
    accounts: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// What the vault answers in place of the truth.
    answer: Option<Answer>,
    read: Read,
    /// What the older client gave, where it was asked, and the newer one.
    old: Option<Value>,
    new: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    object: String,
    holds: Value,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    enabled: Option<bool>,
    limit: Option<(i64, i64)>,
    #[serde(default)]
    deleted: bool,
}

#[derive(Deserialize)]
struct Proven {
    federated: String,
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Value,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Read {
    Get(Key),
    Extract(Key),
    Find {
        name: Option<String>,
        path: Option<String>,
        #[serde(default)]
        tags: BTreeMap<String, String>,
    },
}

#[derive(Deserialize)]
struct Key {
    key: String,
    property: Option<String>,
    /// `$1` is the id of the first version that was made, `^$1` the same in large letters.
    version: Option<String>,
    #[serde(default)]
    metadata: bool,
}

/// Where Pawl does otherwise than ESO on purpose: why, and what each case gives.
#[derive(Deserialize)]
struct Choice {
    why: String,
    cases: BTreeMap<String, Value>,
}

#[tokio::test]
async fn stores_give_what_those_of_eso_do() {
    let cases = data("azurekv.jsonl");
    let choices: Vec<Choice> = serde_json::from_str(&data("azurekv-choices.json")).unwrap();
    let mut chosen: BTreeMap<&str, &Value> = BTreeMap::new();
    for choice in &choices {
        assert!(!choice.why.is_empty());
        for (name, gives) in &choice.cases {
            assert!(chosen.insert(name, gives).is_none(), "{name} is chosen twice");
        }
    }
    let (mut wrong, mut same, mut departures) = (Vec::new(), 0, 0);
    let mut names = Vec::new();
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        for (is_new, eso) in [(false, case.old.as_ref()), (true, Some(&case.new))] {
            let Some(eso) = eso else { continue };
            let gave = played(&case, is_new).await;
            let name = format!("{}, {}", case.name, if is_new { "newer" } else { "older" });
            let choice = chosen.get(case.name.as_str()).or_else(|| chosen.get(name.as_str())).copied();
            let eso = converted(eso);
            match choice {
                None if gave == eso => same += 1,
                Some(choice) if gave == *choice && gave != eso => departures += 1,
                Some(choice) if gave == *choice => wrong.push(format!("{name}: it is no choice any more")),
                _ => wrong.push(format!("{name}: gave {gave}, not {}, ESO {eso}", choice.unwrap_or(&eso))),
            }
            names.push(name);
        }
        names.push(case.name);
    }
    if let Some(unknown) = chosen.keys().find(|name| !names.iter().any(|each| each == *name)) {
        wrong.push(format!("no case is named {unknown}"));
    }
    assert!(
        wrong.is_empty(),
        "{} same, {departures} chosen, {} wrong:\n{}",
        same,
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!((same, departures), SAME_AND_CHOSEN, "nothing of the table was left out");
}

/// What ESO's provider gave, as its operator goes on with it: names of entries without signs that no Secret takes, and no entry
/// without a name.
fn converted(eso: &Value) -> Value {
    let Some(map) = eso.get("map").and_then(Value::as_object) else { return eso.clone() };
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    let name = |name: &str| {
        name.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect::<String>()
    };
    let map: Map<String, Value> = map
        .iter()
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (name(key), value.clone()))
        .collect();
    json!({ "map": map })
}

/// What Pawl gives for a case.
async fn played(case: &Case, is_new: bool) -> Value {
    let vault = AzureKv::start().await.unwrap();
    let ids = hold(&vault, case);
    let gave = gave(case, is_new, &vault, &ids).await.unwrap_or_else(|failed| match failed {
        Failed::Manifest => json!({ "error": "error" }),
        Failed::Read(error) if error.kind == Kind::NotFound => json!({ "error": "not-found" }),
        Failed::Read(_) | Failed::Render => json!({ "error": "error" }),
    });
    let ids = ids.iter().enumerate().map(|(place, id)| (id.clone(), format!("${}", place + 1)));
    let text = ids
        .chain([(vault.address().to_owned(), "$VAULT".to_owned())])
        .fold(gave.to_string(), |text, (from, to)| text.replace(&from, &to));
    serde_json::from_str(&text).unwrap()
}

/// Puts all objects there; gives the ids of their versions.
fn hold(vault: &AzureKv, case: &Case) -> Vec<String> {
    let mut ids = Vec::new();
    for object in &case.vault {
        let (kind, name) = object.object.split_once('/').unwrap();
        ids.push(match kind {
            "secrets" => vault.set_whole(name, object.holds.clone()),
            "keys" => vault.set_key(name, object.holds.clone()),
            _ => vault.set_certificate(name, &STANDARD.decode(object.holds.as_str().unwrap()).unwrap()),
        });
        if !object.tags.is_empty() || object.enabled.is_some() || object.limit.is_some() {
            vault.edit(&object.object, |edit| {
                object.tags.iter().for_each(|(tag, value)| edit.tag(tag, value));
                object.enabled.into_iter().for_each(|enabled| edit.enable(enabled));
                object.limit.into_iter().for_each(|(nbf, exp)| edit.limit(nbf, exp));
            });
        }
        if object.deleted {
            vault.delete(&object.object);
        }
    }
    case.denied.iter().for_each(|what| vault.deny(what));
    case.wants.iter().for_each(|resource| vault.want(resource));
    case.proof.iter().for_each(|proof| vault.rely_on(Proof::Federated(proof.federated.clone())));
    ids
}

/// Where a case ended.
enum Failed {
    Manifest,
    Read(Error),
    Render,
}

async fn gave(case: &Case, is_new: bool, vault: &AzureKv, ids: &[String]) -> Result<Value, Failed> {
    let manifest = case.manifest(is_new);
    let read = from_object(manifest, "case", &ParseOptions::new(Home::Applied));
    let store: &Store = read.stores.first().ok_or(Failed::Manifest)?;
    let mut access = store.access(&cluster_name("blue"), &namespace("shop"));
    let mut spec: AzureKvStore = access.backend.as_azurekv().unwrap().clone();
    (spec.vault_url, spec.authority) = (vault.address().to_owned(), Some(vault.address().to_owned()));
    access.backend = Backend::from(spec);
    let sources = sources(case);
    if let Some(Answer { status, headers, body }) = &case.answer {
        sources.validate(&access).await.map_err(Failed::Read)?;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (header(name), value.as_str())).collect();
        // As often as it is tried again.
        for _ in 0..3 {
            vault.answer(*status, &headers, body.clone());
        }
    }
    match &case.read {
        Read::Find { name, path, tags } => {
            let find = Find { name: name.clone(), path: path.clone(), tags: tags.clone() };
            let found = sources.find(&access, &find, &Keep::everything(Provider::AzureKv)).await;
            let found = found.map_err(Failed::Read)?;
            let texts = found.iter().map(|(key, fetched)| (key.clone(), text(fetched.value.expose())));
            Ok(json!({ "map": texts.collect::<Map<_, _>>() }))
        }
        Read::Get(key) => {
            let data = entries(&sources, store, &access, &key.declaration(ids, false)).await?;
            Ok(json!({ "value": data["value"] }))
        }
        Read::Extract(key) => {
            Ok(json!({ "map": entries(&sources, store, &access, &key.declaration(ids, true)).await? }))
        }
    }
}

/// The entries of the Secret that a declaration makes.
async fn entries(
    sources: &AzureKvSources<FakeClusters>,
    store: &Store,
    access: &Access,
    declaration: &Declaration,
) -> Result<Map<String, Value>, Failed> {
    let Query::Key(remote) = &declaration.reads[0].query else { panic!("it reads a key") };
    let part = if remote.metadata { Part::Metadata } else { Part::Value };
    let wanted = Wanted { key: store.asked(remote), selector: remote.selector(store), part };
    let fetched = sources.fetch(access, &[wanted]).await.remove(0).map_err(Failed::Read)?;
    let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
    let recipe = Recipe::of(declaration, &functions).unwrap();
    let values = Values(vec![Found::One(Arc::new(fetched))]);
    let rendered = recipe.render(&values, &TemplateSources::default()).map_err(|_| Failed::Render)?;
    Ok(rendered.data.iter().map(|(key, value)| (key.clone(), text(value.expose()))).collect())
}

fn sources(case: &Case) -> AzureKvSources<FakeClusters> {
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    let usual = || {
        let entries =
            [("id", CLIENT), ("secret", SECRET)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        BTreeMap::from([("shop/azure".to_owned(), BTreeMap::from(entries))])
    };
    for (at, entries) in case.secrets.clone().unwrap_or_else(usual) {
        clusters.edit(&format!("blue/{at}"), |secret| {
            entries.iter().for_each(|(key, value)| secret.set(key, value));
        });
    }
    for (at, annotations) in case.accounts.iter().flatten() {
        let written: Vec<_> = annotations
            .iter()
            .map(|(name, value)| (name.as_str(), value.replace("$TENANT", TENANT)))
            .collect();
        let written: Vec<_> = written.iter().map(|(name, value)| (*name, value.as_str())).collect();
        clusters.add_service_account(&format!("blue/{at}"), &written);
    }
    let bounds = Bounds {
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(5),
        ..Bounds::default()
    };
    AzureKvSources::new(clusters, Arc::new(FakeClock::default())).bounded(bounds)
}

impl Case {
    fn manifest(&self, is_new: bool) -> Value {
        let secret = |key: &str| json!({ "name": "azure", "key": key });
        let usual = || {
            let proofs = json!({ "clientId": secret("id"), "clientSecret": secret("secret") });
            json!({ "tenantId": "$TENANT", "vaultUrl": "$VAULT", "authSecretRef": proofs })
        };
        let spec = self.spec.clone().unwrap_or_else(usual).to_string();
        let domain =
            self.wants.as_deref().unwrap_or("https://vault.azure.net").trim_start_matches("https://");
        let spec = spec.replace("$TENANT", TENANT).replace("$VAULT", &format!("https://kv.{domain}"));
        let mut spec: Value = serde_json::from_str(&spec).unwrap();
        if spec.get("useAzureSDK").is_none() {
            spec["useAzureSDK"] = json!(is_new);
        }
        let kind = self.kind.as_deref().unwrap_or("SecretStore");
        let metadata = match kind {
            "SecretStore" => json!({ "name": "store", "namespace": "shop" }),
            _ => json!({ "name": "store" }),
        };
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": metadata,
            "spec": { "provider": { "azurekv": spec } },
        })
    }
}

impl Key {
    /// A read that makes one entry of the value, or one of each of its members.
    fn declaration(&self, ids: &[String], extracts: bool) -> Declaration {
        let numbered = |version: &str| {
            let (is_large, version) = version.strip_prefix('^').map_or((false, version), |rest| (true, rest));
            let id = version.strip_prefix('$').map(|place| ids[place.parse::<usize>().unwrap() - 1].clone());
            let id = id.unwrap_or_else(|| version.to_owned());
            if is_large { id.to_uppercase() } else { id }
        };
        let remote = Remote {
            key: self.key.clone(),
            property: self.property.clone(),
            version: self.version.as_deref().map(numbered),
            metadata: self.metadata,
        };
        let reads = declaration("blue/shop/db").reads("");
        let mut declaration = if extracts { reads.into_every() } else { reads.into_key("value") }.build();
        declaration.reads[0].query = Query::Key(remote);
        declaration
    }
}

/// A value as the table writes it.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

fn header(name: &str) -> &'static str {
    ["Retry-After", "Location", "WWW-Authenticate"].into_iter().find(|known| *known == name).unwrap()
}
