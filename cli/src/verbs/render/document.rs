//! A Secret as a document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::Declaration;
use pawl_domain::target::Desired;
use pawl_golang::{json, yaml};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The Secret, in the words of Kubernetes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Secret {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    #[serde(rename = "type")]
    type_: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    immutable: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    string_data: BTreeMap<String, String>,
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
        let (mut data, mut string_data) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in desired.data {
            match value.expose_str().filter(|_| decode) {
                Some(text) => string_data.insert(key, text.to_owned()),
                None => data.insert(key, STANDARD.encode(value.expose())),
            };
        }
        Self {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata {
                name: declaration.target.name.to_string(),
                namespace: declaration.id.namespace.to_string(),
                labels: desired.labels,
                annotations: desired.annotations,
                finalizers: desired.finalizers,
            },
            type_: desired.kind.unwrap_or_else(|| "Opaque".to_owned()),
            immutable: desired.immutable,
            data,
            string_data,
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
