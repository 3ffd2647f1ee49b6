//! Stores beside ESO's own providers: for the same manifests, and the same pairs of requests and answers, what ESO 2.9 gave.
//! Each is read as a manifest, fetched or searched on the double, and rendered.
//!
//! A table has worlds, each a store with what its server answers, and cases, each a read or search in one of them. Where Pawl does
//! otherwise on purpose, the case says what it gives, and why.

use pawl_domain::declaration::Query;
use pawl_domain::{
    Declaration, Fetched, Find, Found, Functions, Home, Keep, Kind, Recipe, Remote, Store, TemplateSources,
    Values,
};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::FakeClusters;
use pawl_world::build::{cluster_name, declaration, namespace};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct World {
    world: String,
    store: String,
    kind: String,
    spec: Value,
    #[serde(default)]
    secrets: BTreeMap<String, BTreeMap<String, String>>,
    pairs: Vec<Value>,
    strange: Reply,
    refused: Reply,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    world: String,
    op: String,
    spec: Option<Value>,
    kind: Option<String>,
    #[serde(default, rename = "ref")]
    read: BTreeMap<String, String>,
    #[serde(default)]
    find: Value,
    #[serde(flatten)]
    eso: Gave,
    /// What Pawl gives in its place.
    pawl: Option<Gave>,
    why: Option<String>,
}

/// A value, the members of one or of what was found, or an error.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Gave {
    value: Option<String>,
    map: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

/// Plays a table, and gives how many cases are the same, and how many are chosen otherwise.
pub(crate) async fn play<S: Sources>(
    table: &str,
    sources: impl Fn(&Arc<FakeClusters>, &Pairs) -> S,
) -> (usize, usize) {
    let (mut worlds, mut wrong, mut counts) = (BTreeMap::new(), Vec::new(), (0, 0));
    for line in table.lines() {
        let Ok(case) = serde_json::from_str::<Case>(line) else {
            let world: World = serde_json::from_str(line).unwrap();
            worlds.insert(world.world.clone(), world);
            continue;
        };
        let world = &worlds[&case.world];
        let text: String = world.pairs.iter().map(|pair| format!("{pair}\n")).collect();
        let server = Pairs::start(&text, world.strange.clone(), world.refused.clone()).await.unwrap();
        let gave = gave(world, &case, &server, &sources).await;
        // What ESO's client asks otherwise may be answered as an unknown path here as well.
        let strays = server.strays();
        let want = case.pawl.as_ref().unwrap_or(&case.eso).converted();
        if gave != want {
            wrong.push(format!("{}: gave {gave:?}, not {want:?}; strays {strays:?}", case.case));
        }
        assert_eq!(case.pawl.is_some(), case.why.is_some(), "{}", case.case);
        match &case.pawl {
            Some(pawl) => {
                assert_ne!(
                    pawl.converted(),
                    case.eso.converted(),
                    "{}: it is no departure any more",
                    case.case
                );
                counts.1 += 1;
            }
            None => counts.0 += 1,
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    counts
}

impl Gave {
    /// With the keys that a Secret can have: the operator writes them so, and the provider does not.
    fn converted(&self) -> Self {
        let sign = |sign: char| if sign.is_ascii_alphanumeric() || "-._".contains(sign) { sign } else { '_' };
        let key = |key: &String| key.chars().map(sign).collect();
        let map =
            self.map.as_ref().map(|map| map.iter().map(|(name, text)| (key(name), text.clone())).collect());
        Self { map, ..self.clone() }
    }

    fn failed(error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..Self::default() }
    }
}

/// The store of a world, at this server.
fn store(world: &World, spec: &Value, kind: &str, server: &str) -> Option<Store> {
    let spec: Value = serde_json::from_str(&spec.to_string().replace("$SERVER", server)).unwrap();
    let metadata = match kind {
        "SecretStore" => json!({ "name": "store", "namespace": "shop" }),
        _ => json!({ "name": "store" }),
    };
    let manifest = json!({
        "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": metadata,
        "spec": { "provider": { world.store.as_str(): spec } },
    });
    from_object(manifest, "case", &ParseOptions::new(Home::Applied)).stores.into_iter().next()
}

async fn gave<S: Sources>(
    world: &World,
    case: &Case,
    server: &Pairs,
    sources: &impl Fn(&Arc<FakeClusters>, &Pairs) -> S,
) -> Gave {
    let (spec, kind) = (case.spec.as_ref().unwrap_or(&world.spec), case.kind.as_ref().unwrap_or(&world.kind));
    let Some(store) = store(world, spec, kind, server.address()) else { return Gave::failed("refused") };
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    for (at, data) in &world.secrets {
        clusters.edit(&format!("blue/{at}"), |secret| {
            data.iter().for_each(|(key, value)| secret.set(key, value))
        });
    }
    let (declaration, sources) = (case.declaration(), sources(&clusters, server));
    let found = match found(&sources, &store, &declaration).await {
        Ok(found) => found,
        Err(error) => {
            let shown = format!("{error:?}");
            assert!(!shown.contains("s3cr3t"), "{}: {shown}", case.case);
            return Gave::failed(if error.kind == Kind::NotFound { "not-found" } else { "error" });
        }
    };
    let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
    let recipe = Recipe::of(&declaration, &functions).unwrap();
    let Ok(rendered) = recipe.render(&Values(vec![found]), &TemplateSources::default()) else {
        return Gave::failed("error");
    };
    let texts = rendered
        .data
        .iter()
        .map(|(key, value)| (key.clone(), String::from_utf8_lossy(value.expose()).into_owned()));
    let mut texts: BTreeMap<String, String> = texts.collect();
    match case.op.as_str() {
        "get" => Gave { value: texts.remove("value"), ..Gave::default() },
        _ => Gave { map: Some(texts), ..Gave::default() },
    }
}

async fn found(sources: &impl Sources, store: &Store, declaration: &Declaration) -> Result<Found, Error> {
    let access = store.access(&cluster_name("blue"), &namespace("shop"));
    let shared = |fetched: Fetched| Arc::new(fetched);
    match &declaration.reads[0].query {
        Query::Key(remote) => {
            let wanted =
                Wanted { key: store.asked(remote), selector: remote.selector(store), part: Part::Value };
            sources.fetch(&access, &[wanted]).await.remove(0).map(|fetched| Found::One(shared(fetched)))
        }
        Query::Generate => panic!("a store makes nothing"),
        Query::Find(find) => {
            let keep = Keep::everything(store.location().provider);
            let found = sources.find(&access, find, &keep).await?;
            Ok(Found::Many(found.into_iter().map(|(name, fetched)| (name, shared(fetched))).collect()))
        }
    }
}

impl Case {
    fn declaration(&self) -> Declaration {
        let given = |name: &str| self.read.get(name).cloned();
        let reads = declaration("blue/shop/db").reads("");
        let mut declaration =
            if self.op == "get" { reads.into_key("value") } else { reads.into_every() }.build();
        declaration.reads[0].query = match self.op.as_str() {
            "find" => {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let tags = self.find["tags"].as_object().into_iter().flatten();
                Query::Find(Find {
                    path: text(&self.find["path"]),
                    name: text(&self.find["name"]["regexp"]),
                    tags: tags.map(|(tag, value)| (tag.clone(), text(value).unwrap())).collect(),
                })
            }
            _ => Query::Key(Remote {
                key: given("key").unwrap_or_default(),
                property: given("property"),
                version: given("version"),
                metadata: false,
            }),
        };
        declaration
    }
}

/// Puts an answer to a `GET` that shows this token.
pub(crate) fn put(pairs: &Pairs, path: &str, query: &[(&str, &str)], bearer: &str, reply: Reply) {
    let ask = query.iter().fold(Ask::get(path), |ask, (name, value)| ask.query(name, value));
    pairs.put(ask.header("authorization", bearer), reply);
}
