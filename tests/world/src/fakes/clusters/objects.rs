//! Objects that are no Secrets.

use super::port::{conflict, no_namespace};
use super::{FakeClusters, State, place};
use pawl_domain::declaration::Manifest;
use pawl_domain::reconcile::{Action, Content, Desired, Existing, Parts};
use pawl_domain::{DeclarationId, ObjectName, Step};
use pawl_ports::Error;
use serde_json::{Map, Value};

impl FakeClusters {
    /// An object `<cluster>/<namespace>/<name>` of this kind as it stands.
    pub fn object(&self, kind: &Manifest, text: &str) -> Option<Existing> {
        let (cluster, (namespace, name)) = place(text);
        self.with(&cluster, |state| state.objects.get(&(namespace, kind.clone(), name)).cloned())
    }

    /// Somebody else makes an object, or edits it: it holds these fields then.
    pub fn set_object(&self, kind: &Manifest, text: &str, fields: Value) {
        let (cluster, (namespace, name)) = place(text);
        self.ensure_namespace(&cluster, &namespace);
        self.with(&cluster, |state| {
            let at = (namespace, kind.clone(), name);
            let mut object = state.objects.get(&at).cloned().unwrap_or_default();
            object.content = Some(Content::of(fields.as_object().cloned().unwrap_or_default()));
            state.store_object(at, object);
        });
    }
}

type At = (pawl_domain::Namespace, Manifest, ObjectName);

fn at(id: &DeclarationId, kind: &Manifest, target: &ObjectName) -> At {
    (id.namespace.clone(), kind.clone(), target.clone())
}

impl State {
    pub(super) fn object(
        &self,
        id: &DeclarationId,
        kind: &Manifest,
        target: &ObjectName,
    ) -> Option<Existing> {
        self.objects.get(&at(id, kind, target)).cloned()
    }

    pub(super) fn act_on_object(
        &mut self,
        id: &DeclarationId,
        kind: &Manifest,
        target: &ObjectName,
        action: &Action,
    ) -> Result<Option<String>, Error> {
        if !self.namespaces.contains_key(&id.namespace) {
            return Err(no_namespace(Step::Write, &id.cluster, &id.namespace));
        }
        let at = at(id, kind, target);
        let standing = self.objects.get(&at).cloned();
        let of_version = |version: &str| {
            let standing = standing.clone().filter(|standing| standing.resource_version == version);
            standing.ok_or_else(|| conflict(id, target))
        };
        match action {
            Action::Leave => Ok(None),
            Action::Create(_) if standing.is_some() => Err(conflict(id, target)),
            Action::Create(desired) => {
                Ok(Some(self.store_object(at, taken_over(Existing::default(), desired, Parts::ALL))))
            }
            Action::Update { resource_version, desired, parts } => {
                let object = taken_over(of_version(resource_version)?, desired, *parts);
                Ok(Some(self.store_object(at, object)))
            }
            Action::Delete { resource_version, .. } => {
                of_version(resource_version)?;
                self.turn += 1;
                self.objects.remove(&at);
                Ok(None)
            }
        }
    }

    pub(super) fn remove_object(&mut self, id: &DeclarationId, kind: &Manifest, target: &ObjectName) {
        self.objects.remove(&at(id, kind, target));
    }

    fn store_object(&mut self, at: At, mut object: Existing) -> String {
        self.turn += 1;
        if object.uid.is_empty() {
            object.uid = format!("00000000-0000-4000-8000-{:012}", self.turn);
        }
        object.resource_version = self.turn.to_string();
        let version = object.resource_version.clone();
        self.objects.insert(at, object);
        version
    }
}

/// The object with these parts of what is desired; fields that are not desired stay.
fn taken_over(mut object: Existing, desired: &Desired, parts: Parts) -> Existing {
    if parts.labels {
        object.labels = desired.labels.clone();
    }
    if parts.annotations {
        object.annotations = desired.annotations.clone();
    }
    if parts.finalizers {
        object.finalizers = desired.finalizers.clone();
    }
    if parts.owners {
        object.owners = desired.owners.clone();
    }
    if let Some(desired) = desired.content.as_ref().filter(|_| parts.content) {
        let mut fields: Map<String, Value> =
            object.content.as_ref().map(|content| content.expose().clone()).unwrap_or_default();
        fields.extend(desired.expose().clone());
        object.content = Some(Content::of(fields));
    }
    object
}
