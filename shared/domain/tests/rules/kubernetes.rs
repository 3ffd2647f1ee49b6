//! What ESO's own code for Kubernetes, version 2.9, made of Secrets and of other objects, read in every way: `kubernetes.jsonl`
//! has what it was given and what came of it.

use crate::given;
use pawl_domain::declaration::Into as Becomes;
use pawl_domain::entries::{self, Entries};
use pawl_domain::{Fetched, Find, Found, Provider, Query, Read, Remote, SecretValue, Values};
use pawl_golang::base64::{self, Encoding};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

const TABLE: &str = include_str!("../kubernetes.jsonl");

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Object { object: String, store: Provider, text: String },
    Case(Case),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    of: String,
    #[serde(default)]
    metadata: bool,
    #[serde(default)]
    extract: bool,
    #[serde(default)]
    find: bool,
    property: Option<String>,
    gives: Option<String>,
    every: Option<BTreeMap<String, String>>,
    fails: Option<bool>,
}

#[derive(Deserialize)]
struct About {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Case {
    /// In base64.
    fn want(&self) -> Option<BTreeMap<String, String>> {
        // Names that are no keys are converted later, in ESO as here.
        let key = |name: &String| name.replace('/', "_");
        let every =
            self.every.as_ref().map(|every| every.iter().map(|(name, value)| (key(name), value.clone())));
        let one = self.gives.iter().map(|value| ("v".to_owned(), value.clone()));
        assert!(self.fails.is_some() ^ (self.every.is_some() || self.gives.is_some()), "{self:?}");
        self.fails.is_none().then(|| one.chain(every.into_iter().flatten()).collect())
    }

    fn outcome(&self, provider: Provider, text: &str) -> Option<BTreeMap<String, String>> {
        let value = match (provider.as_str(), self.metadata) {
            ("crd", _) => entries::object(text.as_bytes()).unwrap(),
            (_, false) => SecretValue::new(text),
            (_, true) => {
                let About { labels, annotations } = serde_json::from_str(text).unwrap();
                Entries::about(labels.as_ref(), annotations.as_ref()).to_value()
            }
        };
        let fetched = Fetched { provider, value, version: given::version("1"), labels: Vec::new() };
        let remote = Remote { property: self.property.clone(), metadata: self.metadata, ..Remote::default() };
        let every = || Becomes::Every { conversion: None, rewrite: Vec::new() };
        let (query, into, found) = match (self.find, self.extract) {
            (true, _) => {
                let found = BTreeMap::from([("v".to_owned(), Arc::new(fetched))]);
                (Query::Find(Find::default()), every(), Found::Many(found))
            }
            (false, true) => (Query::Key(remote), every(), Found::One(Arc::new(fetched))),
            (false, false) => {
                (Query::Key(remote), Becomes::Key("v".to_owned()), Found::One(Arc::new(fetched)))
            }
        };
        let declaration = given::reading([Read { query, into, ..given::read("k") }]);
        let rendered = given::rendered(&declaration, &Values(vec![found])).ok()?;
        let text = |value: &SecretValue| base64::encode(Encoding::Standard, value.expose());
        Some(rendered.data.iter().map(|(key, value)| (key.clone(), text(value))).collect())
    }
}

#[test]
fn objects_give_what_they_give_to_eso() {
    let (mut objects, mut cases) = (BTreeMap::new(), 0);
    for line in TABLE.lines() {
        match serde_json::from_str(line).unwrap() {
            Line::Object { object, store, text } => drop(objects.insert(object, (store, text))),
            Line::Case(case) => {
                let (provider, text) = &objects[&case.of];
                assert_eq!(case.outcome(*provider, text), case.want(), "{case:?}");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 276);
}
