//! A target as a document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::Declaration;
use pawl_domain::reconcile::Desired;
use pawl_golang::{json, yaml};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The Secret, or the object of another kind, in the words of Kubernetes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Secret {
    api_version: String,
    kind: String,
    metadata: Metadata,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    immutable: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    string_data: BTreeMap<String, String>,
    /// What an object of another kind holds.
    #[serde(flatten)]
    content: Map<String, Value>,
}

#[derive(Serialize)]
struct Metadata {
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    finalizers: Vec<String>,
}

impl Secret {
    /// With `decode` texts stand in `stringData`, where people can read them.
    pub(super) fn new(declaration: &Declaration, desired: Desired, decode: bool) -> Self {
        let manifest = declaration.target.generic();
        let (mut data, mut string_data) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in desired.data {
            match value.expose_str().filter(|_| decode) {
                Some(text) => string_data.insert(key, text.to_owned()),
                None => data.insert(key, STANDARD.encode(value.expose())),
            };
        }
        Self {
            api_version: manifest.map_or("v1", |manifest| &manifest.api_version).to_owned(),
            kind: manifest.map_or("Secret", |manifest| &manifest.kind).to_owned(),
            metadata: Metadata {
                name: declaration.target.name.to_string(),
                namespace: declaration.id.namespace.to_string(),
                labels: desired.labels,
                annotations: desired.annotations,
                finalizers: desired.finalizers,
            },
            type_: manifest.is_none().then(|| desired.kind.unwrap_or_else(|| "Opaque".to_owned())),
            immutable: desired.immutable,
            data,
            string_data,
            content: desired.content.map(|content| content.expose().clone()).unwrap_or_default(),
        }
    }

    /// As Kubernetes' own tools write YAML: what they read back must be the same, also where YAML 1.1 sees more than
    /// a text.
    fn yaml(&self) -> String {
        // Plain data with text keys has a JSON form, and any JSON has one in YAML.
        let tree = serde_json::to_vec(self).ok().and_then(|text| json::decode(text).ok());
        tree.and_then(|tree| yaml::write(&tree).ok()).unwrap_or_default()
    }
}

/// One YAML document after the other.
pub(super) fn stream(secrets: &[Secret]) -> String {
    secrets.iter().map(Secret::yaml).collect::<Vec<_>>().join("---\n")
}

/// A JSON list that `kubectl` takes.
pub(super) fn list(secrets: &[Secret]) -> String {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": secrets });
    format!("{list:#}\n")
}
