//! ESO's `metadata` of a PushSecret: what a provider is told beside the value.
//!
//! Most providers read an envelope, `kind: PushSecretMetadata`, whose `spec` is the provider's own: [`spec`] opens it, and one
//! module for each provider reads it. Fields are found without regard to case, numbers and truth values are taken for texts
//! where a text belongs, and a field that is not known is refused. Source: ESO's `metadata.ParseMetadataParameters`.

mod fields;
mod kubernetes;
mod parameter_store;
mod secrets_manager;

pub use fields::{Fields, InvalidMetadata};
pub use kubernetes::{KubernetesMetadata, MergePolicy};
pub use parameter_store::{ParameterMetadata, ParameterType};
pub use secrets_manager::{PolicyPlace, PushFormat, ResourcePolicy, SecretMetadata};

use serde_json::Value;
use std::collections::BTreeMap;

const API_VERSION: &str = "kubernetes.external-secrets.io/v1alpha1";
const KIND: &str = "PushSecretMetadata";

/// The mark of what a PushSecret manages, a tag or label: its key.
pub const MANAGED_BY: &str = "managed-by";
/// Its value. The same as ESO's, so that either takes over from the other.
pub const MANAGER: &str = "external-secrets";

/// The `spec` of the envelope; no fields where there is no metadata.
///
/// # Errors
/// [`InvalidMetadata`] for another apiVersion or kind, and for anything beside the envelope's fields.
pub fn spec(metadata: Option<&Value>) -> Result<Fields, InvalidMetadata> {
    let Some(metadata) = metadata.filter(|metadata| !metadata.is_null()) else {
        return Ok(Fields::default());
    };
    let mut envelope = Fields::of("metadata", metadata)?;
    for (field, want) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if envelope.text(field)?.as_deref() != Some(want) {
            return Err(InvalidMetadata(format!("metadata.{field} is not {want}; write this")));
        }
    }
    let spec = envelope.fields("spec")?;
    envelope.end()?;
    Ok(spec.unwrap_or_default())
}

/// Tags as a provider gets them: the manifest's, with the mark among them.
///
/// # Errors
/// [`InvalidMetadata`] when the manifest writes the mark itself.
fn marked(tags: Option<BTreeMap<String, String>>) -> Result<BTreeMap<String, String>, InvalidMetadata> {
    let mut tags = tags.unwrap_or_default();
    if tags.insert(MANAGED_BY.to_owned(), MANAGER.to_owned()).is_some() {
        let what = format!("metadata.spec.tags may not have {MANAGED_BY}; leave it out, it is always set");
        return Err(InvalidMetadata(what));
    }
    Ok(tags)
}

/// What ESO describes as its own, where the manifest describes nothing.
fn description(written: Option<String>) -> String {
    let written = written.filter(|written| !written.is_empty());
    written.unwrap_or_else(|| format!("secret '{MANAGED_BY}:{MANAGER}'"))
}

#[cfg(test)]
pub(crate) fn enveloped(spec: &Value) -> Value {
    serde_json::json!({ "apiVersion": API_VERSION, "kind": KIND, "spec": spec })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_envelope_is_opened() {
        let said = |metadata: Value| spec(Some(&metadata)).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(said(enveloped(&json!({ "a": 1 }))), Ok(()));
        assert_eq!(said(enveloped(&Value::Null)), Ok(()));
        assert_eq!(said(Value::Null), Ok(()));
        assert!(spec(None).unwrap().end().is_ok());
        for (metadata, words) in [
            (json!({ "secretPushFormat": "string" }), "metadata.apiVersion is not"),
            (json!({ "apiVersion": API_VERSION, "kind": "Other" }), "metadata.kind is not"),
            (json!({ "apiVersion": "v1", "kind": KIND }), "metadata.apiVersion is not"),
            (json!({ "apiVersion": API_VERSION, "kind": KIND, "more": 1 }), "metadata has no field \"more\""),
            (json!({ "apiVersion": API_VERSION, "kind": KIND, "spec": [] }), "metadata.spec is no object"),
            (json!("text"), "metadata is no object"),
        ] {
            let error = said(metadata.clone()).unwrap_err();
            assert!(error.starts_with(words), "{metadata}: {error}");
        }
    }
}
