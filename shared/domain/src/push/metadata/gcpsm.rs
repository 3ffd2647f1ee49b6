//! Metadata of Google Secret Manager. Source: ESO's GCP provider, version 2.9, `PushSecretMetadataSpec`.

use super::{InvalidMetadata, MANAGED_BY, MANAGER, spec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Labels or annotations.
type Marks = BTreeMap<String, String>;

/// What a secret is told beside its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GcpMetadata {
    /// Whether there is any metadata; where there is none, labels and annotations stay as they are.
    is_given: bool,
    labels: Marks,
    annotations: Marks,
    /// Whether labels that stand at the secret stay, and win over the manifest's.
    merges: bool,
    /// The topics that are told of changes, set when the secret is created.
    pub topics: Vec<String>,
    /// The KMS key, set when the secret is created.
    kms_key: Option<String>,
    /// Where the secret is kept, set when it is created; everywhere where none is named.
    locations: Vec<String>,
}

impl GcpMetadata {
    /// Reads `metadata`, with ESO's defaults.
    ///
    /// # Errors
    /// [`InvalidMetadata`] says what to write.
    pub fn parse(metadata: Option<&Value>) -> Result<Self, InvalidMetadata> {
        let mut fields = spec(metadata)?;
        let location = fields.text("replicationLocation")?.filter(|location| !location.is_empty());
        let locations = fields.list("replicationLocations")?.unwrap_or_default();
        let read = Self {
            is_given: metadata.is_some_and(|metadata| !metadata.is_null()),
            labels: fields.texts("labels")?.unwrap_or_default(),
            annotations: fields.texts("annotations")?.unwrap_or_default(),
            merges: fields.word("mergePolicy", &[("Replace", false), ("Merge", true)])?.unwrap_or(false),
            topics: fields.list("topics")?.unwrap_or_default(),
            kms_key: fields.text("cmekKeyName")?.filter(|key| !key.is_empty()),
            locations: if locations.is_empty() { location.into_iter().collect() } else { locations },
        };
        fields.end()?;
        Ok(read)
    }

    /// The labels that a secret should have, of those that stand there.
    pub fn labels(&self, standing: &Marks) -> Marks {
        let mut labels = if self.is_given { self.labels.clone() } else { standing.clone() };
        if self.merges {
            labels.extend(standing.clone());
        }
        labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
        labels
    }

    /// The annotations that it should have, likewise.
    pub fn annotations(&self, standing: &Marks) -> Marks {
        if self.is_given { self.annotations.clone() } else { standing.clone() }
    }

    /// How a new secret is kept, as the API writes it.
    pub fn replication(&self) -> Value {
        let encrypted = self.kms_key.as_ref().map(|key| json!({ "kmsKeyName": key }));
        let replica = |mut replica: Value| {
            if let Some(encrypted) = &encrypted {
                replica["customerManagedEncryption"] = encrypted.clone();
            }
            replica
        };
        if self.locations.is_empty() {
            return json!({ "automatic": replica(json!({})) });
        }
        let replicas: Vec<_> =
            self.locations.iter().map(|location| replica(json!({ "location": location }))).collect();
        json!({ "userManaged": { "replicas": replicas } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::enveloped;
    use super::*;

    fn marks(text: &str) -> Marks {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn labels_meet_as_the_policy_says() {
        let standing = marks("a=standing b=standing");
        for (spec, want) in [
            (None, "a=standing b=standing managed-by=external-secrets"),
            (Some(json!({ "labels": { "a": "new" } })), "a=new managed-by=external-secrets"),
            (
                Some(json!({ "labels": { "a": "new", "c": 1 }, "mergePolicy": "Merge" })),
                "a=standing b=standing c=1 managed-by=external-secrets",
            ),
        ] {
            let metadata = spec.as_ref().map(enveloped);
            let read = GcpMetadata::parse(metadata.as_ref()).unwrap();
            assert_eq!(read.labels(&standing), marks(want), "{spec:?}");
        }
    }

    #[test]
    fn a_secret_is_kept_where_it_is_said() {
        for (spec, want) in [
            (json!({}), json!({ "automatic": {} })),
            (json!({ "cmekKeyName": "k" }), json!({ "automatic": { "customerManagedEncryption": { "kmsKeyName": "k" } } })),
            (
                json!({ "replicationLocation": "old", "replicationLocations": ["eu", "us"], "cmekKeyName": "k" }),
                json!({ "userManaged": { "replicas": [
                    { "location": "eu", "customerManagedEncryption": { "kmsKeyName": "k" } },
                    { "location": "us", "customerManagedEncryption": { "kmsKeyName": "k" } },
                ] } }),
            ),
            (json!({ "replicationLocation": "eu" }), json!({ "userManaged": { "replicas": [{ "location": "eu" }] } })),
        ] {
            let read = GcpMetadata::parse(Some(&enveloped(&spec))).unwrap();
            assert_eq!(read.replication(), want, "{spec}");
        }
        let error = GcpMetadata::parse(Some(&enveloped(&json!({ "mergePolicy": "Ignore" })))).unwrap_err();
        assert!(error.to_string().starts_with("metadata.spec.mergePolicy is \"Ignore\""), "{error}");
    }
}
