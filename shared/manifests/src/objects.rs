//! ConfigMaps and Secrets that stand beside ExternalSecrets: what their templates may be taken from.

use super::documents::documents;
use super::reader::{Fields, Notes};
use super::{Place, flatten, title};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::declaration::TemplateSource;
use pawl_domain::{Namespace, ObjectName, Problem, SecretValue};
use serde_json::Value;
use std::collections::BTreeMap;

/// A ConfigMap or Secret.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its kind and name.
    pub source: TemplateSource,
    /// Its data, decoded.
    pub data: BTreeMap<String, SecretValue>,
}

/// Reads all ConfigMaps and Secrets of a YAML or JSON text. What [`parse`](super::parse) says of the text is not said
/// again. `place` is as there; objects without a namespace are taken to be in `namespace`.
pub fn held(text: &str, place: &str, namespace: &Namespace) -> (Vec<Held>, Vec<Problem>) {
    let mut objects = Vec::new();
    for (order, document) in documents(text).into_iter().enumerate() {
        let place = Place { order, text: format!("{place}:{}", document.line) };
        if let Ok(value) = document.content {
            flatten(value, &place, &mut objects);
        }
    }
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for found in objects {
        let text = |field| found.value.get(field).and_then(Value::as_str);
        let secret = match (text("apiVersion"), text("kind")) {
            (Some("v1"), Some("Secret")) => true,
            (Some("v1"), Some("ConfigMap")) => false,
            _ => continue,
        };
        let notes = Notes::default();
        all.extend(Fields::of(&found.value, "", &notes).and_then(|root| read(root, secret, namespace)));
        problems.extend(notes.into_problems(&found.place.text, &title(&found.value)));
    }
    (all, problems)
}

fn read(mut root: Fields<'_>, secret: bool, namespace: &Namespace) -> Option<Held> {
    let mut metadata = root.object("metadata")?;
    let named = metadata.required("name", "the object's name").is_some();
    let name: Option<ObjectName> = if named { metadata.name("name") } else { None };
    let namespace = metadata.name("namespace").unwrap_or_else(|| namespace.clone());
    let mut data = BTreeMap::new();
    for (key, text) in root.text_map("data") {
        if !secret {
            data.insert(key, SecretValue::new(text));
        } else if let Ok(bytes) = STANDARD.decode(text.split_whitespace().collect::<String>()) {
            data.insert(key, SecretValue::new(bytes));
        } else {
            root.error(&format!("data[{key}]"), "is not base64; write it so, or write it in stringData");
        }
    }
    if secret {
        let texts = root.text_map("stringData").into_iter();
        data.extend(texts.map(|(key, text)| (key, SecretValue::new(text))));
    }
    let source = if secret { TemplateSource::Secret(name?) } else { TemplateSource::ConfigMap(name?) };
    Some(Held { namespace, source, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_as_a_cluster_holds_them() {
        let text = "\
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: a }, data: { t: '{{ .x }}' }, binaryData: { b: AA== } }
  - apiVersion: v1
    kind: Secret
    metadata: { name: b, namespace: till }
    data: { one: AP8=, two: b2xk }
    stringData: { two: new }
---
{ apiVersion: v1, kind: Secret, metadata: { name: c }, data: { bad: hunter2 } }
---
{ apiVersion: v1, kind: ConfigMap, metadata: {} }
---
{ apiVersion: apps/v1, kind: Deployment, metadata: { name: d } }
---
kind: [
";
        let (held, problems) = held(text, "f.yaml", &"shop".parse().unwrap());
        let shown = |held: &Held| {
            let data = held.data.iter().map(|(key, value)| format!("{key}={:?}", value.expose()));
            format!("{}/{} {}", held.namespace, held.source, data.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            held.iter().map(shown).collect::<Vec<_>>(),
            [
                "shop/configmap a t=[123, 123, 32, 46, 120, 32, 125, 125]",
                "till/secret b one=[0, 255] two=[110, 101, 119]",
                "shop/secret c ",
            ]
        );
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "f.yaml:11: Secret c: data[bad]: is not base64; write it so, or write it in stringData",
                "f.yaml:13: ConfigMap without a name: metadata.name: is missing; write the object's name",
            ]
        );
    }
}
