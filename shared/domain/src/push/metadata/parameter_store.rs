//! Metadata of AWS Parameter Store. Source: ESO's AWS provider, version 2.9, `PushSecretMetadataSpec` of parameterstore.

use super::{InvalidMetadata, description, marked, spec};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a parameter is told beside its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParameterMetadata {
    /// How the value is kept.
    pub kind: ParameterType,
    /// The KMS key of a `SecureString`.
    pub kms_key: String,
    /// Whether the parameter is an advanced one. Others are as AWS makes them.
    pub advanced: bool,
    /// The policies of an advanced parameter, as JSON.
    pub policies: Option<String>,
    /// Whether a whole Secret is written with its values as texts; in base64 otherwise.
    pub decoded: bool,
    /// All tags, the mark among them.
    pub tags: BTreeMap<String, String>,
    /// Whether the manifest names tags, so that others go. Where it names none, tags stay as they are.
    pub tags_are_given: bool,
    /// The parameter's description.
    pub description: String,
}

/// The types of parameters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParameterType {
    /// A text that is not encrypted.
    Text,
    /// Texts with commas between them.
    List,
    /// A text under a KMS key.
    Secure,
}

impl ParameterType {
    /// What the API calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::List => "StringList",
            Self::Secure => "SecureString",
        }
    }
}

impl ParameterMetadata {
    /// Reads `metadata`, with ESO's defaults.
    ///
    /// # Errors
    /// [`InvalidMetadata`] says what to write.
    pub fn parse(metadata: Option<&Value>) -> Result<Self, InvalidMetadata> {
        let mut fields = spec(metadata)?;
        let types = [ParameterType::Text, ParameterType::List, ParameterType::Secure]
            .map(|kind| (kind.as_str(), kind));
        let tiers = [("Standard", false), ("Advanced", true), ("Intelligent-Tiering", false)];
        let (mut advanced, mut policies) = (false, None);
        if let Some(mut tier) = fields.fields("tier")? {
            advanced = tier.word("type", &tiers)?.unwrap_or(false);
            policies = tier.raw("policies").map(|policies| policies.to_string());
            tier.end()?;
        }
        let tags = fields.texts("tags")?;
        let key = fields.text("kmsKeyID")?.filter(|key| !key.is_empty());
        let read = Self {
            kind: fields.word("secretType", &types)?.unwrap_or(ParameterType::Text),
            kms_key: key.unwrap_or_else(|| "alias/aws/ssm".to_owned()),
            advanced,
            policies: policies.filter(|_| advanced),
            decoded: fields.truth("encodeAsDecoded")?.unwrap_or(false),
            tags_are_given: tags.as_ref().is_some_and(|tags| !tags.is_empty()),
            tags: marked(tags)?,
            description: description(fields.text("description")?),
        };
        fields.end()?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::enveloped;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_as_in_eso() {
        let read = ParameterMetadata::parse(None).unwrap();
        assert_eq!(
            (read.kind, read.kms_key.as_str(), read.advanced, read.decoded),
            (ParameterType::Text, "alias/aws/ssm", false, false)
        );
        assert_eq!(read.description, "secret 'managed-by:external-secrets'");
        assert!(!read.tags_are_given && read.policies.is_none());
    }

    #[test]
    fn every_field_is_read() {
        let read = ParameterMetadata::parse(Some(&enveloped(&json!({
            "secretType": "SecureString",
            "kmsKeyID": "alias/mine",
            "tier": { "type": "Advanced", "policies": [{ "Type": "Expiration" }] },
            "encodeAsDecoded": true,
            "tags": { "team": "shop" },
            "description": "d",
        }))))
        .unwrap();
        assert_eq!(
            (read.kind, read.kms_key.as_str(), read.advanced, read.decoded),
            (ParameterType::Secure, "alias/mine", true, true)
        );
        assert_eq!(read.policies.as_deref(), Some("[{\"Type\":\"Expiration\"}]"));
        assert!(read.tags_are_given && read.tags.len() == 2);
    }

    #[test]
    fn policies_belong_to_advanced_parameters() {
        let spec = json!({ "tier": { "type": "Standard", "policies": [] } });
        assert_eq!(ParameterMetadata::parse(Some(&enveloped(&spec))).unwrap().policies, None);
        for (spec, words) in [
            (
                json!({ "secretType": "Secret" }),
                "metadata.spec.secretType is \"Secret\"; write one of String, StringList, SecureString",
            ),
            (json!({ "tier": { "type": "Big" } }), "metadata.spec.tier.type is \"Big\""),
            (json!({ "tier": { "kind": "Big" } }), "metadata.spec.tier has no field \"kind\""),
            (json!({ "encodeAsDecoded": "yes" }), "metadata.spec.encodeAsDecoded is no true or false"),
        ] {
            let error = ParameterMetadata::parse(Some(&enveloped(&spec))).unwrap_err().to_string();
            assert!(error.starts_with(words), "{spec}: {error}");
        }
    }
}
