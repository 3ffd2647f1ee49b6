//! Remembers objects that were seen, to tell a change of their spec from a change of their status.

use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The metadata that a watch looks at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) resource_version: String,
    uid: String,
    generation: i64,
    labels: Value,
    annotations: Value,
    deletion_timestamp: Value,
    owner_references: Option<Vec<SeenOwner>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SeenOwner {
    kind: String,
    controller: bool,
}

impl Seen {
    /// Whether a ClusterExternalSecret made it.
    pub(super) fn has_parent(&self) -> bool {
        let owners = self.owner_references.iter().flatten();
        owners.into_iter().any(|owner| owner.controller && owner.kind == "ClusterExternalSecret")
    }
}

/// An object of which only that metadata is looked at.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SeenObject {
    #[serde(default)]
    pub(super) metadata: Seen,
}

/// Two numbers for each object, whatever its size. Of two objects whose numbers collide, a change could go unseen until the
/// next index.
#[derive(Debug, Default)]
pub(super) struct Memory {
    meanings: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Memory {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.meanings.clear();
    }

    /// Remembers an object. `false` if nothing but its status changed since it was seen last: as ESO, by generation, labels
    /// and annotations.
    pub(super) fn is_news(&mut self, seen: &Seen) -> bool {
        let meaning = (
            &seen.uid,
            seen.generation,
            seen.labels.to_string(),
            seen.annotations.to_string(),
            seen.deletion_timestamp.to_string(),
        );
        let meaning = self.hasher.hash_one(meaning);
        let place = self.place(seen);
        self.meanings.insert(place, meaning) != Some(meaning)
    }

    /// Forgets an object that is gone.
    pub(super) fn remove(&mut self, seen: &Seen) {
        let place = self.place(seen);
        self.meanings.remove(&place);
    }

    fn place(&self, seen: &Seen) -> u64 {
        self.hasher.hash_one((&seen.namespace, &seen.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_is_no_news() {
        let mut memory = Memory::default();
        let mut is_news = |metadata: Value| {
            let object = json!({ "metadata": metadata, "status": {} });
            memory.is_news(&serde_json::from_value::<SeenObject>(object).unwrap().metadata)
        };
        let app = |version: &str, generation: i64, labels: Value| {
            json!({
                "name": "app", "namespace": "shop", "uid": "u", "resourceVersion": version, "generation": generation,
                "labels": labels,
            })
        };
        assert!(is_news(app("1", 1, json!({}))));
        assert!(!is_news(app("2", 1, json!({}))));
        assert!(is_news(app("3", 2, json!({}))));
        assert!(is_news(app("4", 2, json!({ "a": "b" }))));
        assert!(!is_news(app("5", 2, json!({ "a": "b" }))));
        let again = json!({ "name": "app", "namespace": "shop", "uid": "v", "generation": 2, "labels": { "a": "b" } });
        assert!(is_news(again), "another object of the same name");
    }
}
