//! What ESO's own provider gave for the same manifest, read and answers of the server, beside what Pawl gives.
//!
//! Each line of a table is a case: the store's spec, where it is not that of all; what the server holds or answers; a read, an
//! `extract` or a `find`; and what ESO 2.9 gave, run against a server with the same answers.

use pawl_domain::declaration::Query;
use pawl_domain::{
    Declaration, Find, Found, Functions, Home, Keep, Kind, Recipe, Remote, Store, TemplateSources, Values,
};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{Part, Sources, Wanted};
use pawl_servers::pairs::{Ask, Pairs, Reply};
use pawl_world::build::{cluster_name, declaration, namespace};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    spec: Option<Value>,
    /// What the server holds.
    #[serde(default)]
    pub(crate) state: Value,
    /// What it answers.
    #[serde(default)]
    pub(crate) pairs: Vec<Value>,
    #[serde(default, rename = "ref")]
    read: BTreeMap<String, String>,
    #[serde(default)]
    extract: bool,
    find: Option<Search>,
    /// What ESO gave: a value, a map, or an error.
    value: Option<String>,
    map: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    ask: Ask,
    reply: Reply,
}

#[derive(Deserialize)]
struct Search {
    name: Option<String>,
    path: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// The cases of a table.
pub(crate) fn cases(table: &str) -> Vec<Case> {
    table.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Compares what Pawl gave for each case with what ESO did, but for the departures: cases in which Pawl does otherwise on
/// purpose, and what it gives there.
pub(crate) fn same(gave: &[(&Case, String)], departures: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (case, gave) in gave {
        let eso = case.gave();
        let departure = departures.iter().find(|(name, _)| *name == case.name).map(|(_, gives)| *gives);
        let want = departure.map_or_else(|| eso.clone(), str::to_owned);
        if *gave != want {
            wrong.push(format!("{}: gave {gave}, not {want}", case.name));
        }
        if departure.is_some() && eso == want {
            wrong.push(format!("{}: it is no departure any more", case.name));
        }
    }
    for (name, _) in departures {
        if !gave.iter().any(|(case, _)| case.name == *name) {
            wrong.push(format!("{name}: there is no such case"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Case {
    /// A double of what the server answers, with what it answers in all cases.
    pub(crate) async fn double(&self, common: &str) -> Pairs {
        let server =
            Pairs::start(common, Reply::of(404, json!({})), Reply::of(401, json!({}))).await.unwrap();
        for pair in &self.pairs {
            let pair: Pair =
                serde_json::from_str(&pair.to_string().replace("$SERVER", server.address())).unwrap();
            server.put(pair.ask, pair.reply);
        }
        server
    }

    /// Takes a property that is not there for an error, where ESO takes it for a key that does not exist.
    pub(crate) fn no_missing_property(&mut self) -> Option<()> {
        self.error.take_if(|error| *error == "not-found")?;
        self.error = Some("error".to_owned());
        Some(())
    }

    /// What ESO gave, as one text.
    fn gave(&self) -> String {
        match (&self.value, &self.map, &self.error) {
            (Some(value), _, _) => value.clone(),
            (_, Some(map), _) => as_data(map.clone()),
            // Whoever panics gives nothing.
            (_, _, Some(error)) => if error == "panic" { "error" } else { error }.to_owned(),
            _ => panic!("{}: it has no outcome", self.name),
        }
    }

    /// The store, of the spec that all cases have that have none of their own.
    fn store(&self, common: &str, server: &str) -> Option<Store> {
        let spec = self.spec.as_ref().map_or_else(|| common.to_owned(), Value::to_string);
        // The oracle's server has a certificate, and the double none.
        let spec = spec.replace("$SERVER", server).replace(r#""caBundle":"x","#, "");
        let provider: Value = serde_json::from_str(&spec).unwrap();
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": { "name": "store", "namespace": "shop" }, "spec": { "provider": provider },
        });
        from_object(object, "case", &ParseOptions::new(Home::Applied)).stores.pop()
    }

    fn declaration(&self) -> Declaration {
        let given = |name: &str| self.read.get(name).cloned();
        let remote = Remote {
            key: given("key").unwrap_or_default(),
            property: given("property"),
            version: given("version"),
            metadata: given("metadataPolicy").as_deref() == Some("Fetch"),
        };
        let reads = declaration("blue/shop/db").reads("");
        let mut declaration = if self.extract { reads.into_every() } else { reads.into_key("value") }.build();
        declaration.reads[0].query = Query::Key(remote);
        declaration
    }

    /// What Pawl gives, as one text.
    pub(crate) async fn played(&self, sources: &impl Sources, common: &str, server: &str) -> String {
        self.gives(sources, common, server).await.unwrap_or_else(|error| error.to_owned())
    }

    async fn gives(
        &self,
        sources: &impl Sources,
        common: &str,
        server: &str,
    ) -> Result<String, &'static str> {
        let store = self.store(common, server).ok_or("error")?;
        let access = store.access(&cluster_name("blue"), &namespace("shop"));
        let told = |error: &pawl_ports::Error| match error.kind {
            Kind::NotFound => "not-found",
            _ => "error",
        };
        if let Some(Search { name, path, tags }) = &self.find {
            let find = Find { name: name.clone(), path: path.clone(), tags: tags.clone() };
            let keep = Keep::everything(access.backend.location().provider);
            let found = sources.find(&access, &find, &keep).await.map_err(|error| told(&error))?;
            let texts =
                found.into_iter().map(|(key, fetched)| (key, fetched.value.expose_str().unwrap().to_owned()));
            return Ok(as_data(texts.collect()));
        }
        let declaration = self.declaration();
        let Query::Key(remote) = &declaration.reads[0].query else { panic!("it reads a key") };
        let part = if remote.metadata { Part::Metadata } else { Part::Value };
        let wanted = Wanted { key: store.asked(remote), selector: remote.selector(&store), part };
        let fetched = sources.fetch(&access, &[wanted]).await.remove(0).map_err(|error| told(&error))?;
        let functions = Functions::new(|| jiff::Timestamp::UNIX_EPOCH);
        let recipe = Recipe::of(&declaration, &functions).unwrap();
        let values = Values(vec![Found::One(Arc::new(fetched))]);
        let rendered = recipe.render(&values, &TemplateSources::default()).map_err(|_| "error")?;
        let texts =
            rendered.data.iter().map(|(key, value)| (key.clone(), value.expose_str().unwrap().to_owned()));
        let mut texts: BTreeMap<_, _> = texts.collect();
        Ok(if self.extract { as_data(texts) } else { texts.remove("value").unwrap() })
    }
}

/// The members as a text, by the names that a Secret gives them: the operator writes another sign for a slash, and the provider
/// does not.
fn as_data(map: BTreeMap<String, String>) -> String {
    let keys = map.into_iter().map(|(key, value)| (key.replace(['/', ':', ' '], "_"), value));
    json!(keys.collect::<BTreeMap<_, _>>()).to_string()
}
