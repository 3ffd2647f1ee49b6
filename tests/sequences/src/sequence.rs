//! The form in which sequences are recorded: one JSON object a line.

use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One recorded sequence.
#[derive(Clone, Debug, Deserialize)]
pub struct Sequence {
    /// Its name: also of its namespace, of its stores, and of the first part of its keys.
    pub name: String,
    /// The subject that it belongs to.
    pub group: String,
    /// False for kinds that Pawl did not serve when this was recorded.
    pub pawl: bool,
    /// What is done, and what stands afterwards.
    pub steps: Vec<Step>,
}

/// Groups of kinds that Pawl has learnt to serve since they were recorded.
const LEARNT: [&str; 2] = ["ces", "generator"];

impl Sequence {
    /// Whether Pawl serves its kinds.
    pub fn is_served(&self) -> bool {
        self.pawl || LEARNT.contains(&self.group.as_str())
    }
}

/// Actions and the state after them.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// What is done, in order.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
    /// What the operator left behind.
    pub expect: Expect,
}

/// One action: exactly one of `apply`, `create`, `patch`, `delete` and `store` is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "snake_case")]
pub struct Action {
    /// Server-side apply, as manager `user`, forced.
    pub apply: Option<Value>,
    /// POST, as manager `user`.
    pub create: Option<Value>,
    /// An edit by hand of this object: JSON merge patch, as manager `hand`.
    pub patch: Option<Named>,
    /// What that edit lays over the object.
    pub merge: Value,
    /// DELETE, and a wait until the object is gone.
    pub delete: Option<Named>,
    /// What is done in Secrets Manager: `put`, `delete`, `restore`, `tag`, `rollback` or `label`.
    pub store: Option<String>,
    /// The secret's name.
    pub key: String,
    /// Its value as text.
    pub string: Option<String>,
    /// Its value as bytes, in base64.
    pub binary_b64: Option<String>,
    /// The stages of the new version; none for what AWS gives it.
    pub stages: Option<Vec<String>>,
    /// Tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// Deletes at once instead of with a recovery window.
    pub force: bool,
    /// The stage that is moved.
    pub label: Option<String>,
    /// The stage of the version that it moves to; none takes it away.
    pub to: Option<String>,
    /// `ok`: that the object is not there is no failure.
    pub missing: Option<String>,
}

/// Names one object.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty for objects that have none.
    #[serde(default)]
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What the operator left behind after a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Expect {
    /// Every Secret by name.
    pub secrets: BTreeMap<String, Value>,
    /// The status of ExternalSecrets and stores, by kind and name.
    pub status: BTreeMap<String, Value>,
    /// The Events that are new or were counted up.
    pub events: Vec<Event>,
    /// What Secrets Manager holds under the sequence's name, by key; nothing where that is not told.
    pub store: Option<BTreeMap<String, Value>>,
    /// Events that only one of the recording's runs had.
    pub events_in_one_run_only: Vec<Event>,
    /// The actions that were refused, by number.
    pub refused: BTreeMap<usize, String>,
}

/// What an Event says, and of what.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub struct Event {
    /// The kind of the object that it is about.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub severity: String,
    /// The reason, in one word.
    pub reason: String,
    /// The text.
    pub message: String,
}

impl Sequence {
    /// The namespaces that are its own.
    pub fn namespaces(&self) -> BTreeSet<&str> {
        let actions = self.steps.iter().flat_map(|step| &step.actions);
        let objects = actions.flat_map(|action| [&action.apply, &action.create]).flatten();
        let made = objects.filter(|object| object["kind"] == "Namespace");
        made.filter_map(|object| object["metadata"]["name"].as_str()).chain([self.name.as_str()]).collect()
    }
}
