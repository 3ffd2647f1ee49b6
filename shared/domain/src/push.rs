//! What a PushSecret writes into a store: one key at a time, of a Secret that stands in a cluster.

mod declared;
mod expand;
mod ledger;
pub mod metadata;
mod problem;
pub mod property;
mod recipe;
mod value;

pub use declared::{
    ByNameOrLabels, PushData, PushDataTo, PushDeletion, PushSecret, PushSource, PushUpdate, StoreChoice,
};
pub use expand::{Entries, StoreOf};
pub use ledger::{PushRecord, PushedEntry, Standing};
pub use problem::PushProblem;
pub use recipe::{PushRecipe, SourceSecret};
pub use value::{AsText, ValueError};

use crate::secret::SecretValue;
use std::collections::BTreeMap;
use std::fmt;

/// Where one entry of a PushSecret goes: ESO's `match.remoteRef`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RemoteEntry {
    /// ESO's `remoteKey`: the key in the store, as the manifest writes it.
    pub key: String,
    /// The part of the key's value that is written; the rest of it stays. `None` writes the whole value.
    pub property: Option<String>,
}

/// How ESO writes it in a PushSecret's status: `key`, or `key/property`.
impl fmt::Display for RemoteEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        self.property.as_ref().map_or(Ok(()), |property| write!(f, "/{property}"))
    }
}

/// What is written to one [`RemoteEntry`].
#[derive(Clone, PartialEq)]
pub struct Pushed {
    /// Where it goes.
    pub to: RemoteEntry,
    /// The key of the Secret that is written; `None` writes the whole Secret, which most stores keep as a JSON object of
    /// texts.
    pub secret_key: Option<String>,
    /// The data that is pushed, after template, conversion and matching: all of the Secret, or what a bundle of `dataTo`
    /// holds. Contains `secret_key` where there is one.
    pub data: BTreeMap<String, SecretValue>,
    /// The type of the Secret, such as `Opaque`.
    pub secret_type: String,
    /// The Secret's labels, for stores that copy them.
    pub labels: BTreeMap<String, String>,
    /// The Secret's annotations, for stores that copy them.
    pub annotations: BTreeMap<String, String>,
    /// ESO's `metadata`: what the provider is told besides, not yet read.
    pub metadata: Option<serde_json::Value>,
}

/// Of labels and annotations the keys only: tools keep copies of data in them.
impl fmt::Debug for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushed")
            .field("to", &self.to)
            .field("secret_key", &self.secret_key)
            .field("data", &self.data)
            .field("secret_type", &self.secret_type)
            .field("labels", &self.labels.keys())
            .field("annotations", &self.annotations.keys())
            .field("metadata", &self.metadata)
            .finish()
    }
}

/// What became of a push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PushOutcome {
    /// The store was written to.
    Written {
        /// The id of the version that came of it, as the store's events name it; `None` where the store does not tell.
        version: Option<String>,
    },
    /// The store held these bytes and these properties already: it was not written to.
    Unchanged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_data_in_annotations_show_nowhere_and_are_not_pushed() {
        let (applied, canary) = ("kubectl.kubernetes.io/last-applied-configuration", "canary");
        let annotations: BTreeMap<_, _> =
            [applied, "note"].map(|key| (key.to_owned(), canary.to_owned())).into();
        let source = SourceSecret {
            name: "src".parse().unwrap(),
            kind: "Opaque".to_owned(),
            labels: [("team".to_owned(), canary.to_owned())].into(),
            annotations: annotations.clone(),
            data: [("key".to_owned(), SecretValue::new(canary))].into(),
        };
        let pushed = Pushed {
            to: RemoteEntry { key: "k".to_owned(), property: None },
            secret_key: None,
            data: source.data.clone(),
            secret_type: source.kind.clone(),
            labels: source.labels.clone(),
            annotations,
            metadata: None,
        };
        for shown in [format!("{source:?}"), format!("{pushed:?}")] {
            assert!(!shown.contains(canary) && shown.contains("note") && shown.contains("team"), "{shown}");
        }
        assert_eq!(source.without_copies().annotations.keys().collect::<Vec<_>>(), ["note"]);
    }
}
