//! Metadata of Secrets in another cluster. Source: ESO's Kubernetes provider, version 2.9, `PushSecretMetadataSpec`.

use super::{InvalidMetadata, spec};
use serde_json::Value;
use std::collections::BTreeMap;

/// Labels or annotations.
type Marks = BTreeMap<String, String>;

/// What a Secret gets beside its data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KubernetesMetadata {
    /// How the manifest's labels and annotations go with those of the pushed Secret.
    source: MergePolicy,
    /// How the outcome goes with those that stand at the target.
    target: MergePolicy,
    labels: Marks,
    annotations: Marks,
    /// The namespace that is written to in place of the store's; for ClusterSecretStores.
    pub remote_namespace: Option<String>,
}

/// How labels and annotations meet others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MergePolicy {
    /// They are put over the others.
    #[default]
    Merge,
    /// They take the others' place.
    Replace,
    /// The others stay, and nothing is put.
    Ignore,
}

impl KubernetesMetadata {
    /// Reads `metadata`, with ESO's defaults.
    ///
    /// # Errors
    /// [`InvalidMetadata`] says what to write.
    pub fn parse(metadata: Option<&Value>) -> Result<Self, InvalidMetadata> {
        let (merge, replace) = (("Merge", MergePolicy::Merge), ("Replace", MergePolicy::Replace));
        let mut fields = spec(metadata)?;
        let read = Self {
            source: fields.word("sourceMergePolicy", &[merge, replace])?.unwrap_or_default(),
            target: fields
                .word("targetMergePolicy", &[merge, replace, ("Ignore", MergePolicy::Ignore)])?
                .unwrap_or_default(),
            labels: fields.texts("labels")?.unwrap_or_default(),
            annotations: fields.texts("annotations")?.unwrap_or_default(),
            remote_namespace: fields.text("remoteNamespace")?.filter(|name| !name.is_empty()),
        };
        fields.end()?;
        Ok(read)
    }

    /// The labels of the target, of those of the pushed Secret and those that stand.
    pub fn labels(&self, pushed: &Marks, standing: &Marks) -> Marks {
        self.merged(&self.labels, pushed, standing)
    }

    /// The annotations of the target, likewise.
    pub fn annotations(&self, pushed: &Marks, standing: &Marks) -> Marks {
        self.merged(&self.annotations, pushed, standing)
    }

    fn merged(&self, written: &Marks, pushed: &Marks, standing: &Marks) -> Marks {
        let over = |below: &Marks, above: &Marks| {
            let mut both = below.clone();
            both.extend(above.clone());
            both
        };
        let ours = if self.source == MergePolicy::Replace { written.clone() } else { over(pushed, written) };
        match self.target {
            MergePolicy::Merge => over(standing, &ours),
            MergePolicy::Replace => ours,
            MergePolicy::Ignore => standing.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::enveloped;
    use super::*;
    use serde_json::json;

    fn marks(text: &str) -> Marks {
        text.split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    }

    #[test]
    fn labels_meet_as_the_policies_say() {
        for (spec, want) in [
            (json!({}), "a=pushed b=pushed d=standing"),
            (
                json!({ "labels": { "b": "written", "c": "written" } }),
                "a=pushed b=written c=written d=standing",
            ),
            (
                json!({ "labels": { "b": "written" }, "sourceMergePolicy": "Replace" }),
                "a=standing b=written d=standing",
            ),
            (json!({ "targetMergePolicy": "Replace" }), "a=pushed b=pushed"),
            (json!({ "sourceMergePolicy": "Replace", "targetMergePolicy": "Replace" }), ""),
            (json!({ "labels": { "b": "written" }, "targetMergePolicy": "Ignore" }), "a=standing d=standing"),
        ] {
            let read = KubernetesMetadata::parse(Some(&enveloped(&spec))).unwrap();
            let got = read.labels(&marks("a=pushed b=pushed"), &marks("a=standing d=standing"));
            assert_eq!(got, marks(want), "{spec}");
            let none = read.annotations(&Marks::new(), &Marks::new());
            assert_eq!(none, Marks::new(), "{spec}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (spec, words) in [
            (
                json!({ "sourceMergePolicy": "Ignore" }),
                "metadata.spec.sourceMergePolicy is \"Ignore\"; write one of Merge, Replace",
            ),
            (json!({ "targetMergePolicy": "x" }), "metadata.spec.targetMergePolicy is \"x\""),
            (json!({ "namespace": "x" }), "metadata.spec has no field \"namespace\""),
        ] {
            let error = KubernetesMetadata::parse(Some(&enveloped(&spec))).unwrap_err().to_string();
            assert!(error.starts_with(words), "{spec}: {error}");
        }
        let read =
            KubernetesMetadata::parse(Some(&enveloped(&json!({ "remoteNamespace": "other" })))).unwrap();
        assert_eq!(read.remote_namespace.as_deref(), Some("other"));
    }
}
