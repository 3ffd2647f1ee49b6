//! The state of one sequence, in the form in which states are recorded.

use crate::snapshot::Snapshot;
use crate::{Event, Sequence};
use jiff::Timestamp;
use pawl_domain::hash::synced_resource_version;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The kinds whose Events are compared.
const TOLD_OF: [&str; 5] =
    ["ExternalSecret", "PushSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"];

/// What stands after a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) secrets: BTreeMap<String, Value>,
    pub(crate) status: BTreeMap<String, Value>,
    pub(crate) events: BTreeSet<Event>,
    /// Those of them that stood before and were counted up, but not any more for a while: by an attempt whose turn came
    /// before the step's actions had their effect. That it goes on failing shows in the status.
    pub(crate) lingering: BTreeSet<Event>,
    /// What the store holds under the sequence's name, by key, where the step says something of it.
    pub(crate) store: BTreeMap<String, Value>,
    /// What the next step's state is told apart from.
    pub(crate) memory: Memory,
}

/// What stood before, as far as it tells whether something was written since.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    /// Uid and resourceVersion of each Secret.
    pub(crate) secrets: BTreeMap<String, (String, String)>,
    /// The refreshTime of each ExternalSecret.
    refreshed: BTreeMap<String, Value>,
    /// The resourceVersion of each Event, by uid.
    events: BTreeMap<String, String>,
}

impl State {
    /// The part of a snapshot that belongs to this sequence, told apart from what stood before. What was told
    /// before `calm` only is over.
    pub(crate) fn of(sequence: &Sequence, snapshot: &Snapshot, before: &Memory, calm: Timestamp) -> Self {
        let mut state = Self::default();
        for namespace in sequence.namespaces() {
            let called = |object: &Value| {
                let name = text(object, "/metadata/name");
                if namespace == sequence.name { name } else { format!("{namespace}/{name}") }
            };
            let owners: BTreeSet<String> = ["ExternalSecret", "ConfigMap"]
                .into_iter()
                .flat_map(|kind| snapshot.of(kind, namespace))
                .map(|object| text(object, "/metadata/uid"))
                .collect();
            for secret in snapshot.of("Secret", namespace) {
                state.secret(called(secret), secret, &owners, before);
            }
            for declared in snapshot.of("ExternalSecret", namespace) {
                state.external_secret(called(declared), declared, before);
            }
            for declared in snapshot.of("PushSecret", namespace) {
                let mut status = without_times(&declared["status"]);
                if let Some(fields) = status.as_object_mut() {
                    fields.remove("syncedResourceVersion");
                    fields.extend(
                        declared
                            .pointer("/metadata/finalizers")
                            .map(|all| ("finalizers".to_owned(), all.clone())),
                    );
                }
                state.status.insert(format!("PushSecret {}", called(declared)), status);
            }
            for store in snapshot.of("SecretStore", namespace) {
                state
                    .status
                    .insert(format!("SecretStore {}", called(store)), without_times(&store["status"]));
            }
            for event in snapshot.of("Event", namespace) {
                state.event(event, sequence, before, calm);
            }
        }
        for store in snapshot.of("ClusterSecretStore", "") {
            if text(store, "/metadata/name") == sequence.name {
                let name = format!("ClusterSecretStore {}", sequence.name);
                state.status.insert(name, without_times(&store["status"]));
            }
        }
        for spread in snapshot.of("ClusterExternalSecret", "") {
            if text(spread, "/metadata/name") == sequence.name {
                let name = format!("ClusterExternalSecret {}", sequence.name);
                state.status.insert(name, cluster_external_secret(spread));
            }
        }
        // Events about cluster-wide objects are in the namespace `default`.
        for event in snapshot.of("Event", "default") {
            if text(event, "/involvedObject/name") == sequence.name {
                state.event(event, sequence, before, calm);
            }
        }
        state
    }

    fn secret(&mut self, name: String, secret: &Value, owners: &BTreeSet<String>, before: &Memory) {
        let (uid, version) = (text(secret, "/metadata/uid"), text(secret, "/metadata/resourceVersion"));
        let history = match before.secrets.get(&name) {
            None => "new",
            Some((old, _)) if *old != uid => "recreated",
            Some((_, old)) if *old != version => "written",
            Some(_) => "untouched",
        };
        let map = |pointer| secret.pointer(pointer).filter(|it| it.is_object()).cloned().unwrap_or(json!({}));
        let mut references: Vec<Value> = secret
            .pointer("/metadata/ownerReferences")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for owner in &mut references {
            let current = owner["uid"].as_str().is_some_and(|uid| owners.contains(uid));
            owner["uid"] = json!(if current { "current" } else { "other" });
        }
        let mut seen = json!({
            "type": secret["type"],
            "data": map("/data"),
            "labels": map("/metadata/labels"),
            "annotations": map("/metadata/annotations"),
            "ownerReferences": references,
            "history": history,
        });
        if secret["immutable"] == true {
            seen["immutable"] = json!(true);
        }
        if let Some(finalizers) = secret.pointer("/metadata/finalizers") {
            seen["finalizers"] = finalizers.clone();
        }
        if secret.pointer("/metadata/deletionTimestamp").is_some() {
            seen["deleting"] = json!(true);
        }
        self.memory.secrets.insert(name.clone(), (uid, version));
        self.secrets.insert(name, seen);
    }

    fn external_secret(&mut self, name: String, declared: &Value, before: &Memory) {
        let status = &declared["status"];
        let texts = |pointer| -> BTreeMap<String, String> {
            let map = declared.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
            map.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
        };
        let current = synced_resource_version(
            declared["metadata"]["generation"].as_i64().unwrap_or_default(),
            &texts("/metadata/annotations"),
            &texts("/metadata/labels"),
        );
        let synced = match status["syncedResourceVersion"].as_str() {
            None | Some("") => Value::Null,
            Some(version) => json!(if version == current { "current" } else { "other" }),
        };
        let refreshed = status["refreshTime"].clone();
        let moved = !refreshed.is_null() && before.refreshed.get(&name) != Some(&refreshed);
        let seen = json!({
            "conditions": without_times(&status["conditions"]).as_array().cloned().unwrap_or_default(),
            "syncedResourceVersion": synced,
            "binding": status["binding"]["name"].as_str().unwrap_or_default(),
            "refreshed": moved,
            "finalizers": declared["metadata"]["finalizers"].as_array().cloned().unwrap_or_default(),
        });
        self.memory.refreshed.insert(name.clone(), refreshed);
        self.status.insert(format!("ExternalSecret {name}"), seen);
    }

    fn event(&mut self, event: &Value, sequence: &Sequence, before: &Memory, calm: Timestamp) {
        let (uid, version) = (text(event, "/metadata/uid"), text(event, "/metadata/resourceVersion"));
        let known = before.events.get(&uid).cloned();
        let is_new = known.as_ref() != Some(&version);
        self.memory.events.insert(uid, version);
        let kind = text(event, "/involvedObject/kind");
        if !is_new || !TOLD_OF.contains(&kind.as_str()) {
            return;
        }
        let told = Event {
            kind,
            name: called(event, sequence),
            severity: text(event, "/type"),
            reason: text(event, "/reason"),
            message: text(event, "/message"),
        };
        let last = text(event, "/lastTimestamp").parse::<Timestamp>();
        if known.is_some() && last.is_ok_and(|last| last < calm) {
            self.lingering.insert(told.clone());
        }
        self.events.insert(told);
    }
}

/// The status as it is recorded: a condition without a message has an empty one, and the finalizers stand beside it.
fn cluster_external_secret(object: &Value) -> Value {
    let mut status = without_times(&object["status"]);
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        if condition["message"].is_null() {
            condition["message"] = json!("");
        }
    }
    status["finalizers"] = json!(object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default());
    status
}

/// The object that an Event is about, with its namespace where that is not the sequence's own.
fn called(event: &Value, sequence: &Sequence) -> String {
    let name = text(event, "/involvedObject/name");
    match text(event, "/involvedObject/namespace") {
        namespace if namespace.is_empty() || namespace == sequence.name => name,
        namespace => format!("{namespace}/{name}"),
    }
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn without_times(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !name.ends_with("Time"));
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_times(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(without_times).collect(),
        Value::Null => json!({}),
        other => other.clone(),
    }
}
