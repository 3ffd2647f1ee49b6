//! A target as it stands, and as it shall be.

use crate::hash::data_hash;
use crate::reconcile::{Content, DATA_HASH_ANNOTATION, MANAGED_LABEL};
use crate::render::Rendered;
use crate::secret::SecretValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The Secret as it stands in the cluster.
#[derive(Clone, Default)]
pub struct Existing {
    /// The object's uid.
    pub uid: String,
    /// The version that a write is conditional on.
    pub resource_version: String,
    /// `type`, which never changes.
    pub kind: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its finalizers, in order.
    pub finalizers: Vec<String>,
    /// Its owners.
    pub owners: Vec<Owner>,
    /// Its data.
    pub data: BTreeMap<String, SecretValue>,
    /// What it holds, where it is no Secret; its data is empty then.
    pub content: Option<Content>,
    /// Whether it is immutable.
    pub immutable: bool,
    /// Whether it waits for its finalizers to be gone.
    pub deleting: bool,
    /// What this declaration's field manager wrote of it.
    pub own: OwnFields,
}

impl Existing {
    /// Whether it carries the label of what is kept up.
    pub fn is_managed(&self) -> bool {
        self.labels.get(MANAGED_LABEL).is_some_and(|value| value == "true")
    }

    /// Puts what stands here in the place of what was rendered under the same name: for what chance made, and would
    /// make otherwise each time.
    pub fn outlasts(&self, rendered: &mut Rendered) {
        fn keep<V: Clone>(made: &mut BTreeMap<String, V>, standing: &BTreeMap<String, V>) {
            for (key, value) in made {
                if let Some(standing) = standing.get(key) {
                    value.clone_from(standing);
                }
            }
        }
        if let Some(content) = &self.content {
            rendered.placed = content.placements();
        }
        keep(&mut rendered.data, &self.data);
        keep(&mut rendered.labels, &self.labels);
        keep(&mut rendered.annotations, &self.annotations);
    }

    /// The hash of its data, or of its content where it is no Secret.
    pub(super) fn hash(&self) -> String {
        self.content.as_ref().map_or_else(|| data_hash(&self.data), Content::hash)
    }

    /// Whether the data is what was written last, as ESO tells: it is marked, and its hash is that of the data.
    pub fn is_as_written(&self) -> bool {
        self.is_managed() && self.annotations.get(DATA_HASH_ANNOTATION) == Some(&self.hash())
    }
}

/// What a field manager wrote of a Secret, by key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OwnFields {
    /// Keys in `data`.
    pub data: BTreeSet<String>,
    /// Keys in `metadata.labels`.
    pub labels: BTreeSet<String>,
    /// Keys in `metadata.annotations`.
    pub annotations: BTreeSet<String>,
}

/// One owner reference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// Such as `external-secrets.io/v1`.
    pub api_version: String,
    /// Such as `ExternalSecret`.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's uid.
    pub uid: String,
    /// Whether this owner is the managing controller.
    pub controller: bool,
    /// Whether the owner's deletion waits for this object's.
    pub block_owner_deletion: bool,
}

/// The Secret as it shall be.
#[derive(Clone, Default, PartialEq)]
pub struct Desired {
    /// `type`; `None` where nobody declares one: a new Secret is `Opaque` then, another stays what it is.
    pub kind: Option<String>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
    /// All finalizers, in order.
    pub finalizers: Vec<String>,
    /// All owners.
    pub owners: Vec<Owner>,
    /// All data.
    pub data: BTreeMap<String, SecretValue>,
    /// The fields that are written of an object that is no Secret; others stay.
    pub content: Option<Content>,
    /// Whether it is immutable.
    pub immutable: bool,
}

impl Desired {
    /// The Secret as it stands, to be changed from there.
    pub(super) fn as_is(existing: &Existing) -> Self {
        Self {
            kind: None,
            labels: existing.labels.clone(),
            annotations: existing.annotations.clone(),
            finalizers: existing.finalizers.clone(),
            owners: existing.owners.clone(),
            data: existing.data.clone(),
            content: None,
            immutable: existing.immutable,
        }
    }
}

/// Of labels and annotations the keys only: tools keep copies of data in them.
impl fmt::Debug for Existing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Existing")
            .field("uid", &self.uid)
            .field("resource_version", &self.resource_version)
            .field("kind", &self.kind)
            .field("labels", &self.labels.keys())
            .field("annotations", &self.annotations.keys())
            .field("finalizers", &self.finalizers)
            .field("owners", &self.owners)
            .field("data", &self.data)
            .field("content", &self.content)
            .field("immutable", &self.immutable)
            .field("deleting", &self.deleting)
            .field("own", &self.own)
            .finish()
    }
}

/// Of labels and annotations the keys only: templates may put values into them.
impl fmt::Debug for Desired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desired")
            .field("kind", &self.kind)
            .field("labels", &self.labels.keys())
            .field("annotations", &self.annotations.keys())
            .field("finalizers", &self.finalizers)
            .field("owners", &self.owners)
            .field("data", &self.data)
            .field("content", &self.content)
            .field("immutable", &self.immutable)
            .finish()
    }
}

/// Which parts of a Secret an update touches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Parts {
    /// `type`. The API server refuses to change it, and says so.
    pub kind: bool,
    /// `metadata.labels`.
    pub labels: bool,
    /// `metadata.annotations`.
    pub annotations: bool,
    /// `metadata.finalizers`.
    pub finalizers: bool,
    /// `metadata.ownerReferences`.
    pub owners: bool,
    /// `data`.
    pub data: bool,
    /// The fields of an object that is no Secret.
    pub content: bool,
    /// `immutable`.
    pub immutable: bool,
}

impl Parts {
    /// Every part.
    pub const ALL: Self = Self {
        kind: true,
        labels: true,
        annotations: true,
        finalizers: true,
        owners: true,
        data: true,
        content: true,
        immutable: true,
    };

    /// The parts in which what is desired differs from what stands.
    pub(super) fn differing(existing: &Existing, desired: &Desired) -> Self {
        Self {
            kind: desired.kind.as_ref().is_some_and(|kind| *kind != existing.kind),
            labels: existing.labels != desired.labels,
            annotations: existing.annotations != desired.annotations,
            finalizers: existing.finalizers != desired.finalizers,
            owners: existing.owners != desired.owners,
            data: existing.data != desired.data,
            content: desired.content.as_ref().is_some_and(|content| {
                !existing.content.as_ref().is_some_and(|standing| content.stands_in(standing))
            }),
            immutable: existing.immutable != desired.immutable,
        }
    }

    /// Whether nothing is touched.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_show_by_their_keys() {
        let annotations: BTreeMap<_, _> = [("note".to_owned(), "canary".to_owned())].into();
        let existing = Existing { annotations, ..Existing::default() };
        for shown in [format!("{existing:?}"), format!("{:?}", Desired::as_is(&existing))] {
            assert!(shown.contains("note") && !shown.contains("canary"), "{shown}");
        }
    }
}
