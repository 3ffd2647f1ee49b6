//! The form in which cases are recorded: one JSON object a line.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One recorded case.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// Its name, which its ExternalSecret bears too.
    pub name: String,
    /// The subject that it belongs to.
    pub group: String,
    /// What the store holds.
    pub store: Store,
    /// What stands in the cluster before; `metadata.managedFields[0].manager` tells who made it, where somebody did.
    pub existing: Vec<Value>,
    /// The manifest as it was submitted.
    pub external_secret: Value,
    /// What the operator left behind.
    pub expect: Expect,
}

/// The content of a store.
#[derive(Clone, Debug, Deserialize)]
pub struct Store {
    /// `SecretsManager`, `ParameterStore` or `fake`.
    pub kind: String,
    /// Its keys. Those of the AWS stores bear the case's name, so that all cases share one account.
    pub entries: Vec<Entry>,
}

/// One key.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// A value of text.
    pub string: Option<String>,
    /// A binary value, in base64.
    pub binary_b64: Option<String>,
    /// A parameter's type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// Its versions, oldest first, in place of a single value.
    pub versions: Option<Vec<Version>>,
}

/// One version of a key: Secrets Manager has `id` and `stages`, a fake store `version`, a parameter its place.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the recording")]
pub struct Version {
    pub id: Option<String>,
    pub version: Option<String>,
    pub string: String,
    pub stages: Option<Vec<String>>,
}

/// What the operator left behind.
#[derive(Clone, Debug, Deserialize)]
pub struct Expect {
    /// The target, or none.
    pub secret: Option<Value>,
    /// The Ready condition.
    pub ready: Option<Ready>,
    /// The text of the last warning, or none.
    pub event: Option<String>,
}

/// The Ready condition, without its times.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Kubernetes conditions")]
pub struct Ready {
    pub status: String,
    pub reason: String,
    pub message: String,
}

impl Case {
    /// The name of its target.
    pub fn target(&self) -> &str {
        self.external_secret.pointer("/spec/target/name").and_then(Value::as_str).unwrap_or(&self.name)
    }
}
