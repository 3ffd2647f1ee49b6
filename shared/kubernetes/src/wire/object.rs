//! The JSON of objects that are no Secrets.

use super::{Metadata, NewMetadata, Secret};
use pawl_domain::declaration::Manifest;
use pawl_domain::reconcile::{Content, Desired, Existing, OwnFields};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An object of any kind.
#[derive(Deserialize)]
pub(crate) struct AnyObject {
    #[serde(default)]
    metadata: Metadata,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl AnyObject {
    /// The object as the domain sees it. Of fields that managers wrote nothing is told: ESO does not look at them here.
    pub(crate) fn into_existing(self) -> Existing {
        let secret = Secret { metadata: self.metadata, kind: String::new(), data: None, immutable: None };
        let existing = secret.into_existing("");
        Existing { content: Some(Content::of(self.fields)), own: OwnFields::default(), ..existing }
    }
}

/// An object of another kind to be created.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewObject<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: NewMetadata<'a>,
    #[serde(flatten)]
    content: Option<&'a Map<String, Value>>,
}

impl<'a> NewObject<'a> {
    pub(crate) fn of(kind: &'a Manifest, namespace: &'a str, name: &'a str, desired: &'a Desired) -> Self {
        Self {
            api_version: &kind.api_version,
            kind: &kind.kind,
            metadata: NewMetadata::of(namespace, name, desired),
            content: desired.content.as_ref().map(Content::expose),
        }
    }
}

/// How many bytes fields need at most as JSON: in texts, each byte may become six.
pub(crate) fn length(fields: &Map<String, Value>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 32,
            Value::String(text) => text.len() * 6 + 4,
            Value::Array(items) => items.iter().map(of).sum::<usize>() + items.len() + 4,
            Value::Object(members) => length(members),
        }
    }
    // A patch repeats what stands around each.
    fields.iter().map(|(key, value)| key.len() * 6 + of(value) + 64).sum::<usize>() + 4
}
