//! One case of a table, and what comes of it.

use super::spec::Spec;
use crate::given;
use pawl_domain::declaration::TemplateSource;
use pawl_domain::{
    Fetched, Found, Provider, Query, Read, Recipe, Rendered, SecretValue, TemplateSources, Values,
};
use pawl_golang::base64;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A case, with what is given to all of its table laid under it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "x")]
    _x: Option<Value>,
    #[serde(default = "secrets_manager")]
    store: Provider,
    #[serde(default)]
    values: BTreeMap<String, Bytes>,
    #[serde(default)]
    found: BTreeMap<String, Bytes>,
    #[serde(default)]
    objects: BTreeMap<String, BTreeMap<String, Bytes>>,
    spec: Spec,
    gives: Option<Gives>,
    fails: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    empty: bool,
    #[serde(default)]
    random: bool,
}

/// What came of it, or should.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    data: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    empty: bool,
    random: bool,
}

impl Case {
    pub(super) fn of(given: &Value, own: &Value) -> Result<Self, serde_json::Error> {
        let mut case = given.as_object().cloned().unwrap_or_default();
        case.extend(own.as_object().cloned().unwrap_or_default());
        if own.get("gives").is_some() {
            case.remove("fails");
        }
        let x = case.get("x").cloned().unwrap_or_default();
        let mut case = Value::Object(case);
        replace(&mut case, &x);
        serde_json::from_value(case)
    }

    pub(super) fn outcome(&self) -> Result<Outcome, String> {
        let recipe =
            Recipe::of(&self.spec.declaration(), &given::FUNCTIONS).map_err(|error| error.to_string())?;
        let rendered = recipe.render(&self.values(), &self.sources()).map_err(|error| error.to_string())?;
        let Rendered { data, labels, annotations, assembled_is_empty: empty, random, templated, placed } =
            rendered;
        assert!(placed.is_empty(), "no object of another kind is made");
        assert_eq!(templated, self.spec.declaration().target.template.is_some());
        Ok(Outcome { data: shown(&data), labels, annotations, empty, random })
    }

    pub(super) fn expected(&self) -> Result<Outcome, String> {
        if let Some(fails) = &self.fails {
            return Err(fails.clone());
        }
        let data = match self.gives.as_ref().expect("a case gives something or fails") {
            Gives::Value(text) => [("v".to_owned(), SecretValue::new(text.clone()))].into(),
            Gives::Data(data) => data.iter().map(|(key, bytes)| (key.clone(), bytes.value())).collect(),
        };
        Ok(Outcome {
            data: shown(&data),
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            empty: self.empty,
            random: self.random,
        })
    }

    fn values(&self) -> Values {
        let fetched = |bytes: &Bytes| {
            let (value, version, labels) = (bytes.value(), given::version("1"), Vec::new());
            Arc::new(Fetched { provider: self.store, value, version, labels })
        };
        let found = |read: &Read| match &read.query {
            Query::Key(remote) => match self.values.get(&remote.key) {
                Some(bytes) => Found::One(fetched(bytes)),
                None => Found::Missing,
            },
            Query::Find(_) | Query::Generate => {
                Found::Many(self.found.iter().map(|(name, bytes)| (name.clone(), fetched(bytes))).collect())
            }
        };
        Values(self.spec.declaration().reads.iter().map(found).collect())
    }

    fn sources(&self) -> TemplateSources {
        let source = |(name, data): (&String, &BTreeMap<String, Bytes>)| {
            let source = match name.split_once('/').expect("an object is configmap/<name> or secret/<name>") {
                ("configmap", name) => TemplateSource::ConfigMap(name.parse().unwrap()),
                (_, name) => TemplateSource::Secret(name.parse().unwrap()),
            };
            (source, data.iter().map(|(key, bytes)| (key.clone(), bytes.value())).collect())
        };
        TemplateSources(self.objects.iter().map(source).collect())
    }
}

/// Puts `x` in the place of every `$x`.
fn replace(value: &mut Value, x: &Value) {
    match value {
        Value::String(text) if text == "$x" => *value = x.clone(),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, x)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, x)),
        _ => {}
    }
}

/// Data that failing tests can show: text where it is such.
fn shown(data: &BTreeMap<String, SecretValue>) -> BTreeMap<String, String> {
    let text = |value: &SecretValue| match value.expose_str() {
        Some(text) => text.to_owned(),
        None => format!("base64 {}", base64::encode(base64::Encoding::Standard, value.expose())),
    };
    data.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Binary { base64: String },
}

impl Bytes {
    fn value(&self) -> SecretValue {
        SecretValue::new(match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Binary { base64 } => base64::decode(base64::Encoding::Standard, base64).unwrap(),
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Gives {
    Value(String),
    Data(BTreeMap<String, Bytes>),
}

fn secrets_manager() -> Provider {
    Provider::SecretsManager
}
