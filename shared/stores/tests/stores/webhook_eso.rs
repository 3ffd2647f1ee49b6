//! Webhooks beside ESO's own provider: manifests, reads and answers, with what ESO 2.9 asked the server and gave for its answer.
//! Each is read as a manifest, fetched from the double, and rendered.

use crate::webhook::sources;
use pawl_domain::declaration::Query;
use pawl_domain::query::Told;
use pawl_domain::{
    Declaration, Found, Functions, Home, Kind, Recipe, Remote, Store, TemplateSources, Values,
};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{Part, Sources, Wanted};
use pawl_servers::webhook::{Api, Asked};
use pawl_world::build::{cluster_name, declaration, namespace};
use pawl_world::{FakeClock, FakeClusters};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const CASES: &str = include_str!("data/webhook.jsonl");

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    spec: Value,
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
    #[serde(rename = "ref")]
    read: BTreeMap<String, String>,
    answer: Answer,
    #[serde(default)]
    extract: bool,
    /// What ESO asked.
    asked: Vec<Request>,
    /// What it gave: a value, the members of one, or an error.
    value: Option<String>,
    map: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    labels: BTreeMap<String, String>,
    data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: [(&str, &str); 5] = [
    // Whom Secrets are shown to is for the manifest to say, not for its templates.
    ("a url that is a template", "error"),
    // It would lead to what is above the path that was written.
    ("dots in the path", "error"),
    ("a key of dots", "error"),
    // A value is printed before it is known that its members are wanted.
    ("extract a list of objects", r#"{"a":"1"}"#),
    ("extract text in text", "{}"),
];

/// Addresses that are written in another way and mean the same.
const WRITTEN_OTHERWISE: [&str; 2] = ["quotes in the query", "signs in the path"];

#[tokio::test]
async fn manifests_ask_and_give_what_those_of_eso_do() {
    let (mut wrong, mut departures, mut count) = (Vec::new(), 0, 0);
    for line in CASES.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let (gave, asked) = played(&case).await;
        count += 1;
        let departure = DEPARTURES.iter().find(|(name, _)| *name == case.name).map(|(_, gives)| *gives);
        departures += usize::from(departure.is_some());
        let eso = case.gave();
        let want = departure.map_or_else(|| eso.clone(), str::to_owned);
        if gave != want {
            wrong.push(format!("{}: gave {gave}, not {want}", case.name));
        }
        assert!(departure.is_none() || eso != want, "{}: it is no departure any more", case.name);
        if departure.is_none() && eso != "error" {
            let same = asked.len() == 1 && case.asked.len() == 1 && is_same(&case, &asked[0]);
            if !same {
                wrong.push(format!("{}: asked {asked:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((count, departures), (214, DEPARTURES.len()), "nothing of the table was left out");
}

impl Case {
    /// What ESO gave, as one text.
    fn gave(&self) -> String {
        match (&self.value, &self.map, &self.error) {
            (Some(value), _, _) => value.clone(),
            // No key of a Secret has a slash; the operator writes another sign for it, and the provider does not.
            (_, Some(map), _) => {
                let keys = map.iter().map(|(key, value)| (key.replace('/', "_"), value));
                json!(keys.collect::<BTreeMap<_, _>>()).to_string()
            }
            (_, _, Some(error)) => error.clone(),
            _ => panic!("{}: it has no outcome", self.name),
        }
    }

    fn manifest(&self, server: &str) -> Value {
        let text = self.spec.to_string().replace("$SERVER", server);
        let spec: Value = serde_json::from_str(&text).unwrap();
        let metadata = match self.kind.as_str() {
            "SecretStore" => json!({ "name": "store", "namespace": "shop" }),
            _ => json!({ "name": "store" }),
        };
        let (version, kind) = ("external-secrets.io/v1", self.kind.as_str());
        json!({
            "apiVersion": version, "kind": kind, "metadata": metadata, "spec": { "provider": { "webhook": spec } },
        })
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
        let mut declaration = if self.extract { reads.into_every() } else { reads.into_key("value") }.build();
        declaration.reads[0].query = Query::Key(remote);
        declaration
    }
}

/// What Pawl gives, as one text, and what it asked.
async fn played(case: &Case) -> (String, Vec<Asked>) {
    let api = Api::start().await.unwrap();
    let Answer { status, headers, body } = &case.answer;
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // As often as ESO follows a redirect, and once more.
    for _ in 0..12 {
        api.answer(*status, &headers, body);
    }
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    for (at, given) in &case.secrets {
        clusters.edit(&format!("blue/{at}"), |secret| {
            secret.labels = given.labels.clone();
            for (key, value) in &given.data {
                secret.set(key, value);
            }
        });
    }
    let gave = gave(case, api.address(), &clusters).await;
    (gave.unwrap_or_else(|error| error.to_owned()), api.asked())
}

async fn gave(case: &Case, server: &str, clusters: &Arc<FakeClusters>) -> Result<String, &'static str> {
    let options = ParseOptions::new(Home::Applied);
    let read = from_object(case.manifest(server), "case", &options);
    let store: &Store = read.stores.first().ok_or("error")?;
    let access = store.access(&cluster_name("blue"), &namespace("shop"));
    let declaration = case.declaration();
    let Query::Key(remote) = &declaration.reads[0].query else { panic!("it reads a key") };
    let wanted = Wanted { key: store.asked(remote), selector: remote.selector(store), part: Part::Value };
    assert_eq!(Told::from_text(&wanted.key), Told::by(remote), "{}", case.name);
    let mut answers = sources(clusters, &FakeClock::default()).fetch(&access, &[wanted]).await;
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
    Ok(if case.extract {
        json!(texts).to_string()
    } else {
        rendered.data["value"].expose_str().unwrap().to_owned()
    })
}

fn is_same(case: &Case, asked: &Asked) -> bool {
    let eso = &case.asked[0];
    let unimportant = ["accept", "content-length", "host", "transfer-encoding"];
    let mut headers = asked.headers.clone();
    headers.retain(|name, _| !unimportant.contains(&name.as_str()));
    let theirs = eso.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let uri = match WRITTEN_OTHERWISE.contains(&case.name.as_str()) {
        true => asked.uri != eso.uri && decoded(&asked.uri) == decoded(&eso.uri),
        false => asked.uri == eso.uri,
    };
    uri && asked.method == eso.method && asked.body == eso.body && headers == theirs.collect()
}

/// A path and query without percent signs.
fn decoded(uri: &str) -> String {
    let mut out = Vec::new();
    let mut rest = uri.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = (first == b'%').then(|| std::str::from_utf8(&behind[..2]).unwrap());
        out.push(digits.map_or(first, |digits| u8::from_str_radix(digits, 16).unwrap()));
        rest = if digits.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(out).unwrap()
}
