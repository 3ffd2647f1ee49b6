//! What ESO 2.9's own providers gave for the same manifests, reads and answers. Each case is read as a manifest, fetched from
//! the double and rendered.

use super::{access, source, store};
use pawl_domain::declaration::Query;
use pawl_domain::{
    Declaration, Found, Functions, Keep, Kind, Recipe, Remote, Store, TemplateSources, Values,
};
use pawl_ports::{Part, Source, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::build::{cluster_name, declaration};
use pawl_world::{FakeClock, FakeClusters};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One case.
#[derive(Deserialize)]
struct Case {
    name: String,
    store: String,
    #[serde(default = "secret_store")]
    kind: String,
    spec: Value,
    #[serde(default)]
    secrets: BTreeMap<String, BTreeMap<String, String>>,
    pairs: Vec<Pair>,
    op: String,
    #[serde(rename = "ref", default)]
    read: BTreeMap<String, String>,
    #[serde(default)]
    find: Value,
    /// What ESO gave: a value, the members of one, or an error.
    value: Option<String>,
    map: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    ask: Ask,
    reply: Reply,
}

fn secret_store() -> String {
    "SecretStore".to_owned()
}

/// Where Pawl does otherwise on purpose: what it gives.
type Departures = &'static [(&'static str, &'static str)];

async fn held_to_eso(cases: &str, least: usize, departures: Departures) {
    let (mut wrong, mut departed, mut count) = (Vec::new(), 0, 0);
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let (gave, eso) = (played(&case).await, case.gave());
        count += 1;
        let departure = departures.iter().find(|(name, _)| *name == case.name).map(|(_, gives)| *gives);
        departed += usize::from(departure.is_some());
        let want = departure.unwrap_or(&eso);
        if gave != want {
            wrong.push(format!("{}: gave {gave}, not {want}", case.name));
        }
        if departure.is_some() && eso == want {
            wrong.push(format!("{}: it is no departure any more", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= least && departed == departures.len(), "{count} cases, {departed} departures");
}

impl Case {
    /// What ESO gave, as one text.
    fn gave(&self) -> String {
        match (&self.value, &self.map, self.error.as_deref()) {
            (Some(value), _, _) => value.clone(),
            // What a key of a Secret may not have, the operator writes otherwise, and the provider does not.
            (_, Some(map), _) if self.op == "extract" => {
                let key = |key: &String| {
                    let allowed = |sign: char| {
                        if sign.is_ascii_alphanumeric() || "-._".contains(sign) { sign } else { '_' }
                    };
                    key.chars().map(allowed).collect::<String>()
                };
                json!(map.iter().map(|(name, value)| (key(name), value)).collect::<BTreeMap<_, _>>())
                    .to_string()
            }
            (_, Some(map), _) => json!(map).to_string(),
            (_, _, Some("not-found")) => "not-found".to_owned(),
            _ => "error".to_owned(),
        }
    }

    /// A read that makes one entry of the value, or one of each of its members.
    fn declaration(&self) -> Declaration {
        let given = |name: &str| self.read.get(name).cloned();
        let remote = Remote {
            key: given("key").unwrap_or_default(),
            property: given("property"),
            version: given("version"),
            metadata: false,
        };
        let reads = declaration("blue/shop/db").reads("");
        let mut declaration =
            if self.op == "extract" { reads.into_every() } else { reads.into_key("value") }.build();
        declaration.reads[0].query = Query::Key(remote);
        declaration
    }

    /// The spec as ESO had it, but for what only says that ESO should trust the double.
    fn spec(&self, server: &str) -> Value {
        let mut spec: Value =
            serde_json::from_str(&self.spec.to_string().replace("$SERVER", server)).unwrap();
        if let Some(spec) = spec.as_object_mut() {
            spec.retain(|name, value| name != "ignoreSslCertificate" && value != "$CA");
        }
        spec
    }
}

async fn played(case: &Case) -> String {
    let pairs = super::double().await;
    for pair in &case.pairs {
        let reply = pair.reply.body.to_string().replace("$SERVER", pairs.address());
        let body =
            if pair.reply.body.is_null() { Value::Null } else { serde_json::from_str(&reply).unwrap() };
        pairs.put(pair.ask.clone(), Reply { body, ..pair.reply.clone() });
    }
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    for (at, data) in &case.secrets {
        clusters.edit(&format!("blue/{at}"), |secret| {
            for (key, value) in data {
                match value.as_str() {
                    "$KEY" => secret.set(key, super::private_key()),
                    "$YANDEX" => secret.set(key, &super::authorized_key()),
                    value => secret.set(key, value),
                }
            }
        });
    }
    let gave = gave(case, &pairs, &clusters).await.unwrap_or_else(str::to_owned);
    if gave == "error" {
        // It may have asked what ESO does not get to.
        pairs.strays();
    }
    gave
}

async fn gave(case: &Case, pairs: &Pairs, clusters: &Arc<FakeClusters>) -> Result<String, &'static str> {
    let store = store(&case.store, &case.kind, &case.spec(pairs.address())).ok_or("error")?;
    let (access, source) =
        (access(store.backend.clone()), source(&case.store, clusters, &FakeClock::default()));
    if case.op == "find" {
        return found(case, source.as_ref(), &access).await;
    }
    read(case, &store, source.as_ref(), &access).await
}

async fn found(
    case: &Case,
    source: &dyn Source,
    access: &pawl_domain::Access,
) -> Result<String, &'static str> {
    let find = &case.find;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let tags = find["tags"].as_object().into_iter().flatten();
    let find = pawl_domain::Find {
        path: text(&find["path"]),
        name: text(&find["name"]["regexp"]),
        tags: tags.map(|(tag, value)| (tag.clone(), text(value).unwrap())).collect(),
    };
    let keep = Keep::everything(access.backend.location().provider);
    let found = source.find(access, &find, &keep).await.map_err(|_| "error")?;
    let texts = found.iter().map(|(key, fetched)| (key, fetched.value.expose_str().unwrap()));
    Ok(json!(texts.collect::<BTreeMap<_, _>>()).to_string())
}

async fn read(
    case: &Case,
    store: &Store,
    source: &dyn Source,
    access: &pawl_domain::Access,
) -> Result<String, &'static str> {
    let declaration = case.declaration();
    let Query::Key(remote) = &declaration.reads[0].query else { panic!("it reads a key") };
    let wanted = Wanted { key: store.asked(remote), selector: remote.selector(store), part: Part::Value };
    let mut answers = source.fetch(access, &[wanted]).await;
    let fetched = answers.remove(0).map_err(|error| match error.kind {
        Kind::NotFound => "not-found",
        _ => "error",
    })?;
    let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
    let recipe = Recipe::of(&declaration, &functions).unwrap();
    let values = Values(vec![Found::One(Arc::new(fetched))]);
    let rendered = recipe.render(&values, &TemplateSources::default()).map_err(|_| "error")?;
    let texts = rendered.data.iter().map(|(key, value)| (key, value.expose_str().unwrap()));
    let texts: BTreeMap<_, _> = texts.collect();
    Ok(if case.op == "extract" {
        json!(texts).to_string()
    } else {
        rendered.data["value"].expose_str().unwrap().to_owned()
    })
}

macro_rules! stores {
    ($($name:ident: $least:literal, $departures:expr;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let cases = include_str!(concat!("../data/", stringify!($name), ".jsonl"));
                held_to_eso(cases, $least, $departures).await;
            }
        )*
    };
}

/// A property that is not there is a mistake in the declaration, not a key that was deleted.
const SCALEWAY: Departures = &[
    ("property gone", "error"),
    ("property of text", "error"),
    ("missing property", "error"),
    // It says nothing of the secret.
    ("another project", "error"),
    // Whoever sees the store would see it.
    ("the secret key in the manifest", "error"),
];

/// ESO takes any answer but 401 for a secret, and what is not in it for an empty text.
const PREVIDER: Departures = &[("no such secret", "error"), ("server error", "error"), ("no body", "error")];

/// ESO passes over tags, so it finds what was not searched for.
const OVH: Departures = &[("find with tags", "error")];

/// Whoever takes a secret from the application makes it missing in the same way; and an empty map would empty the target.
const SENHASEGURA: Departures = &[
    ("not there", "error"),
    ("extract not there", "error"),
    ("property a.b", "error"),
    ("property gone", "error"),
];

const BEYONDTRUST: Departures = &[
    // Another reader may have checked the request in.
    ("account: not checked in", "p"),
    // An empty text would take the value of a Secret.
    ("no value", "error"),
    ("null value", "error"),
    ("account: no JSON", "error"),
    // ESO reads JSON as a text of Go, which knows neither.
    ("account: a pair of surrogates", "😀"),
    ("account: a slash that is escaped", "a/b"),
    // Whoever sees the store would see it.
    ("a client whose secret is written", "error"),
];

const BEYONDTRUST_WORKLOAD_CREDENTIALS: Departures = &[
    // The same is said where the folder may not be seen.
    ("the folder is not there", "error"),
    ("not there but listed", "error"),
    // A search that finds nothing is no missing key.
    ("find nothing", "{}"),
    ("find in no folder", "{}"),
];

const PASSWORD_DEPOT: Departures = &[
    // A part of a name may be one of several, of which the server's order would choose.
    ("a part of several", "error"),
    ("two of one name", "error"),
    ("an exact one behind", "exact"),
    ("several databases", "error"),
    ("the database behind", "exact"),
    // Nothing is part of every name.
    ("an empty key", "error"),
    ("an empty part", "error"),
    // It would empty the target.
    ("an empty answer", "error"),
    ("extract an empty answer", "error"),
];

/// Of what is no object ESO makes an empty map, which would empty the target.
const PULUMI: Departures = &[
    ("extract text", "error"),
    ("extract secret text", "error"),
    ("extract empty", "error"),
    ("extract number", "error"),
    ("extract float", "error"),
    ("extract large", "error"),
    ("extract exponent", "error"),
    ("extract small", "error"),
    ("extract true", "error"),
    ("extract false", "error"),
    ("extract null", "error"),
    ("extract list", "error"),
    ("extract json in text", "error"),
    ("extract unicode", "error"),
];

/// A search that finds nothing is no failure.
const BARBICAN: Departures = &[("find nothing", "{}")];

const DVLS: Departures = &[
    // The same is said where the vault may not be seen.
    ("the vault is not there", "error"),
    ("the list of a vault that is not there", "error"),
    // The address is this machine's own.
    ("plain http", "p"),
];

const CHEF: Departures = &[
    // What a key names is the same in data and in extract.
    ("extract an item", r#"{"id":"a","x":"1"}"#),
    ("a bag in data", r#"{"a":{"id":"a"}}"#),
];

/// By REST an empty text may be left out.
const YANDEX_LOCKBOX: Departures = &[("neither text nor bytes", r#"{"k":""}"#)];

stores! {
    barbican: 40, BARBICAN;
    chef: 30, CHEF;
    dvls: 40, DVLS;
    scaleway: 40, SCALEWAY;
    pulumi: 30, PULUMI;
    passworddepot: 60, PASSWORD_DEPOT;
    yandexcertificatemanager: 50, &[];
    yandexlockbox: 50, YANDEX_LOCKBOX;
    previder: 30, PREVIDER;
    fortanix: 30, &[];
    ovh: 40, OVH;
    senhasegura: 30, SENHASEGURA;
    beyondtrust: 90, BEYONDTRUST;
    beyondtrustworkloadcredentials: 40, BEYONDTRUST_WORKLOAD_CREDENTIALS;
}
