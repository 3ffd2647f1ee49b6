//! Metadata of AWS Secrets Manager. Source: ESO's AWS provider, version 2.9, `PushSecretMetadataSpec` of secretsmanager.

use super::{Fields, InvalidMetadata, description, marked, spec};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a secret is told beside its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretMetadata {
    /// All tags, the mark among them.
    pub tags: BTreeMap<String, String>,
    /// Whether the manifest names tags, so that others go. Where it names none, tags stay as they are.
    pub tags_are_given: bool,
    /// Set when the secret is created.
    pub description: String,
    /// Whether the value is kept as text or as bytes.
    pub format: PushFormat,
    /// The KMS key, set when the secret is created.
    pub kms_key: String,
    /// The secret's resource policy; where there is none, the policy stays as it is.
    pub policy: Option<ResourcePolicy>,
    /// The regions that hold copies, and no others. `None` leaves them as they are.
    pub replicas: Option<Vec<String>>,
}

/// How a secret holds a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PushFormat {
    /// `SecretBinary`.
    Binary,
    /// `SecretString`.
    Text,
}

/// Where the resource policy of a secret comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResourcePolicy {
    /// Whether AWS refuses a policy that lets everybody in; AWS's own default where it is not said.
    pub block_public: Option<bool>,
    /// The kind of object that holds the policy's JSON.
    pub kind: PolicyPlace,
    /// The object's name, in the namespace of the PushSecret.
    pub name: String,
    /// The key in it.
    pub key: String,
}

/// What holds a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyPlace {
    /// A `ConfigMap`.
    ConfigMap,
    /// A `Secret`.
    Secret,
}

impl SecretMetadata {
    /// Reads `metadata`, with ESO's defaults.
    ///
    /// # Errors
    /// [`InvalidMetadata`] says what to write.
    pub fn parse(metadata: Option<&Value>) -> Result<Self, InvalidMetadata> {
        let mut fields = spec(metadata)?;
        let tags = fields.texts("tags")?;
        let formats = [("binary", PushFormat::Binary), ("string", PushFormat::Text)];
        let key = fields.text("kmsKeyId")?.filter(|key| !key.is_empty());
        let read = Self {
            tags_are_given: tags.as_ref().is_some_and(|tags| !tags.is_empty()),
            tags: marked(tags)?,
            description: description(fields.text("description")?),
            format: fields.word("secretPushFormat", &formats)?.unwrap_or(PushFormat::Binary),
            kms_key: key.unwrap_or_else(|| "alias/aws/secretsmanager".to_owned()),
            policy: fields.fields("resourcePolicy")?.map(policy).transpose()?,
            replicas: fields.list("replicationLocations")?,
        };
        fields.end()?;
        Ok(read)
    }
}

fn policy(mut fields: Fields) -> Result<ResourcePolicy, InvalidMetadata> {
    let block_public = fields.truth("blockPublicPolicy")?;
    let source = fields.fields("policySourceRef")?;
    let mut source =
        source.ok_or_else(|| InvalidMetadata(format!("{} is missing", fields.at("policySourceRef"))))?;
    let kinds = [("ConfigMap", PolicyPlace::ConfigMap), ("Secret", PolicyPlace::Secret)];
    let lacks = |what: String| InvalidMetadata(format!("{what} is missing; name the object with the policy"));
    let read = ResourcePolicy {
        block_public,
        kind: source.word("kind", &kinds)?.ok_or_else(|| lacks(source.at("kind")))?,
        name: source.text("name")?.ok_or_else(|| lacks(source.at("name")))?,
        key: source.text("key")?.ok_or_else(|| lacks(source.at("key")))?,
    };
    source.end()?;
    fields.end()?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::super::enveloped;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_as_in_eso() {
        let read = SecretMetadata::parse(None).unwrap();
        assert_eq!(read.tags, BTreeMap::from([("managed-by".to_owned(), "external-secrets".to_owned())]));
        assert_eq!((read.tags_are_given, read.format), (false, PushFormat::Binary));
        assert_eq!(read.description, "secret 'managed-by:external-secrets'");
        assert_eq!(
            (read.kms_key.as_str(), read.policy, read.replicas),
            ("alias/aws/secretsmanager", None, None)
        );
    }

    #[test]
    fn every_field_is_read() {
        let read = SecretMetadata::parse(Some(&enveloped(&json!({
            "tags": { "team": "shop", "cost": 7, "on": true },
            "description": "d",
            "secretPushFormat": "string",
            "KMSKEYID": "alias/mine",
            "resourcePolicy": {
                "blockPublicPolicy": true,
                "policySourceRef": { "kind": "ConfigMap", "name": "policies", "key": "db.json" },
            },
            "replicationLocations": ["eu-west-1"],
        }))))
        .unwrap();
        let tags: Vec<_> = read.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(tags, ["cost=7", "managed-by=external-secrets", "on=true", "team=shop"]);
        assert!(read.tags_are_given);
        assert_eq!(
            (read.description.as_str(), read.format, read.kms_key.as_str()),
            ("d", PushFormat::Text, "alias/mine")
        );
        assert_eq!(read.replicas, Some(vec!["eu-west-1".to_owned()]));
        let policy = read.policy.unwrap();
        assert_eq!(
            (policy.kind, policy.name.as_str(), policy.key.as_str()),
            (PolicyPlace::ConfigMap, "policies", "db.json")
        );
        assert_eq!(policy.block_public, Some(true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (spec, words) in [
            (json!({ "tags": { "managed-by": "me" } }), "metadata.spec.tags may not have managed-by"),
            (json!({ "tags": ["a"] }), "metadata.spec.tags is no object of texts"),
            (json!({ "tags": { "a": {} } }), "metadata.spec.tags is no object of texts"),
            (
                json!({ "secretPushFormat": "text" }),
                "metadata.spec.secretPushFormat is \"text\"; write one of binary, string",
            ),
            (json!({ "kmsKey": "x" }), "metadata.spec has no field \"kmsKey\""),
            (json!({ "resourcePolicy": {} }), "metadata.spec.resourcePolicy.policySourceRef is missing"),
            (
                json!({ "resourcePolicy": { "policySourceRef": { "kind": "Pod" } } }),
                "metadata.spec.resourcePolicy.policySourceRef.kind is \"Pod\"",
            ),
            (
                json!({ "replicationLocations": "eu-west-1" }),
                "metadata.spec.replicationLocations is no list of texts",
            ),
        ] {
            let error = SecretMetadata::parse(Some(&enveloped(&spec))).unwrap_err().to_string();
            assert!(error.starts_with(words), "{spec}: {error}");
        }
    }
}
