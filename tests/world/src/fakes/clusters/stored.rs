use pawl_domain::SecretValue;
use pawl_domain::reconcile::{Desired, Existing, OwnFields, Owner, Parts};
use std::collections::{BTreeMap, BTreeSet};

/// A Secret as an API server keeps it.
#[derive(Clone, Debug, Default)]
pub struct StoredSecret {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// `type`; empty for `Opaque`.
    pub kind: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its finalizers.
    pub finalizers: Vec<String>,
    /// Its owners.
    pub owners: Vec<Owner>,
    /// Its data.
    pub data: BTreeMap<String, SecretValue>,
    /// Whether it is immutable.
    pub immutable: bool,
    /// Who wrote which fields last, by field manager. Edits of a test have no manager unless it names one here.
    pub managers: BTreeMap<String, OwnFields>,
}

impl StoredSecret {
    /// Sets one entry of the data.
    pub fn set(&mut self, key: &str, value: &str) {
        self.data.insert(key.to_owned(), SecretValue::new(value));
    }

    /// As a field manager sees it.
    pub(super) fn seen_by(&self, manager: &str) -> Existing {
        Existing {
            uid: self.uid.clone(),
            resource_version: self.resource_version.clone(),
            kind: if self.kind.is_empty() { "Opaque".to_owned() } else { self.kind.clone() },
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            finalizers: self.finalizers.clone(),
            owners: self.owners.clone(),
            data: self.data.clone(),
            content: None,
            immutable: self.immutable,
            deleting: false,
            own: self.managers.get(manager).cloned().unwrap_or_default(),
        }
    }

    /// Takes over parts of what is desired. As in an API server, a manager comes to own exactly what it changed.
    pub(super) fn take_over(&mut self, manager: &str, desired: &Desired, parts: Parts) {
        if parts.labels {
            self.own(manager, |fields| &mut fields.labels, changed(&self.labels, &desired.labels));
            self.labels = desired.labels.clone();
        }
        if parts.annotations {
            self.own(
                manager,
                |fields| &mut fields.annotations,
                changed(&self.annotations, &desired.annotations),
            );
            self.annotations = desired.annotations.clone();
        }
        if parts.data {
            self.own(manager, |fields| &mut fields.data, changed(&self.data, &desired.data));
            self.data = desired.data.clone();
        }
        if parts.finalizers {
            self.finalizers = desired.finalizers.clone();
        }
        if parts.kind {
            self.kind = desired.kind.clone().unwrap_or_default();
        }
        if parts.owners {
            self.owners = desired.owners.clone();
        }
        if parts.immutable {
            self.immutable = desired.immutable;
        }
    }

    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.uid == other.uid
            && self.kind == other.kind
            && self.labels == other.labels
            && self.finalizers == other.finalizers
            && self.annotations == other.annotations
            && self.owners == other.owners
            && self.data == other.data
            && self.immutable == other.immutable
            && self.managers == other.managers
    }

    fn own(
        &mut self,
        manager: &str,
        part: impl Fn(&mut OwnFields) -> &mut BTreeSet<String>,
        (set, gone): (BTreeSet<String>, BTreeSet<String>),
    ) {
        for fields in self.managers.values_mut() {
            part(fields).retain(|key| !set.contains(key) && !gone.contains(key));
        }
        part(self.managers.entry(manager.to_owned()).or_default()).extend(set);
    }
}

/// The keys that were set to something new, and those that went.
fn changed<V: PartialEq>(
    old: &BTreeMap<String, V>,
    new: &BTreeMap<String, V>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let set = new.iter().filter(|(key, value)| old.get(*key) != Some(value)).map(|(key, _)| key.clone());
    let gone = old.keys().filter(|key| !new.contains_key(*key)).cloned();
    (set.collect(), gone.collect())
}
