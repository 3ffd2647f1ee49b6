use super::{FakeClusters, State, StoredSecret};
use crate::calls::Calls;
use crate::door::{Passage, lock};
use crate::fault::Point;
use pawl_domain::hash::created_by;
use pawl_domain::push::{ByNameOrLabels, PushData};
use pawl_domain::reconcile::{
    Action, CREATED_BY_LABEL, Desired, Existing, MANAGED_LABEL, Parts, Replacement, field_manager,
};
use pawl_domain::{
    Cluster, ClusterName, Complaint, DeclarationId, Home, Kind, Manifests, Namespace, ObjectName, PushSecret,
    SecretValue, SourceSecret, Step, StoreId,
};
use pawl_ports::{Clusters, Error, PushStatus, Status, StoreStatus, TargetRef, TemplateKind, Workload};
use std::collections::BTreeMap;

/// The most bytes that the data of a Secret may have. Source: Kubernetes, `MaxSecretSize`.
const MAX_BYTES: usize = 1024 * 1024;

impl Clusters for FakeClusters {
    async fn read(&self, target: TargetRef<'_>) -> Result<Option<Existing>, Error> {
        let passage = self.of(target.of, Point::Read, |calls| calls.reads += 1).await?;
        let found = self.state(&target.of.cluster, Step::Read, |state| Ok(state.seen(target)))?;
        passage.leave(found)
    }

    async fn apply(&self, target: TargetRef<'_>, action: &Action) -> Result<Option<String>, Error> {
        if let Action::Leave = action {
            return Ok(None);
        }
        let passage = self.of(target.of, Point::Write, |calls| count(calls, action)).await?;
        let act = |state: &mut State| match target.kind {
            None => state.act(target.of, target.name, action),
            Some(kind) => state.act_on_object(target.of, kind, target.name, action),
        };
        let version = self.state(&target.of.cluster, Step::Write, act)?;
        passage.leave(version)
    }

    async fn replace(
        &self,
        id: &DeclarationId,
        target: &ObjectName,
        resource_version: &str,
        replacement: &Replacement,
    ) -> Result<String, Error> {
        let passage = self.of(id, Point::Write, |calls| calls.replaces += 1).await?;
        let version = self.state(&id.cluster, Step::Write, |state| {
            let stands = state.standing(id, target, resource_version)?;
            if stands.immutable {
                return Err(conflict(id, target));
            }
            check_data(id, target, &replacement.data)?;
            let (mut labels, mut annotations) = (stands.labels.clone(), stands.annotations.clone());
            labels.extend(replacement.labels.clone());
            annotations.extend(replacement.annotations.clone());
            let desired =
                Desired { labels, annotations, data: replacement.data.clone(), ..Desired::default() };
            let parts = Parts { data: true, labels: true, annotations: true, ..Parts::default() };
            state.update(id, target, stands, &desired, parts)
        })?;
        passage.leave(version)
    }

    async fn delete_owned(&self, target: TargetRef<'_>) -> Result<bool, Error> {
        let passage = self.of(target.of, Point::Write, |calls| calls.deletes += 1).await?;
        let deleted = self.state(&target.of.cluster, Step::Write, |state| Ok(state.delete_owned(target)))?;
        passage.leave(deleted)
    }

    async fn template_source(
        &self,
        id: &DeclarationId,
        kind: TemplateKind,
        name: &ObjectName,
    ) -> Result<BTreeMap<String, SecretValue>, Error> {
        let subjects = [id.cluster.as_str(), &id.to_string()];
        let passage = self.door.pass(Point::Read, &subjects, |calls| calls.template_reads += 1).await?;
        let at = (id.namespace.clone(), name.clone());
        let data = self.state(&id.cluster, Step::Render, |state| {
            let data = match kind {
                TemplateKind::Secret => state.secrets.get(&at).map(|secret| secret.data.clone()),
                TemplateKind::ConfigMap => state.config_maps.get(&at).map(|data| {
                    data.iter().map(|(key, text)| (key.clone(), SecretValue::new(text.as_str()))).collect()
                }),
            };
            data.ok_or_else(|| {
                let message = format!("{kind:?} {}/{name} does not exist; create it", id.namespace);
                Error::new(Step::Render, Kind::NotFound, message)
            })
        })?;
        passage.leave(data)
    }

    async fn namespace_labels(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
    ) -> Result<BTreeMap<String, String>, Error> {
        let subjects = [cluster.as_str(), &format!("{cluster}/{namespace}")];
        let count = |calls: &mut Calls| calls.namespace_reads += 1;
        let passage = self.door.pass(Point::NamespaceLabels, &subjects, count).await?;
        let labels = self.state(cluster, Step::Read, |state| {
            let labels = state.namespaces.get(namespace).cloned();
            labels.ok_or_else(|| no_namespace(Step::Read, cluster, namespace))
        })?;
        passage.leave(labels)
    }

    async fn managed(
        &self,
        cluster: &ClusterName,
    ) -> Result<BTreeMap<(Namespace, ObjectName), String>, Error> {
        let count = |calls: &mut Calls| calls.managed_lists += 1;
        let passage = self.door.pass(Point::Managed, &[cluster.as_str()], count).await?;
        let managed = self.state(cluster, Step::Read, |state| {
            let marked =
                |secret: &StoredSecret| secret.labels.get(MANAGED_LABEL).is_some_and(|mark| mark == "true");
            let managed = state.secrets.iter().filter(|(_, secret)| marked(secret));
            Ok(managed.map(|(at, secret)| (at.clone(), secret.resource_version.clone())).collect())
        })?;
        passage.leave(managed)
    }

    async fn manifests(&self, cluster: &Cluster) -> Result<Manifests, Error> {
        let name = &cluster.name;
        let count = |calls: &mut Calls| calls.manifest_lists += 1;
        let passage = self.door.pass(Point::Manifests, &[name.as_str()], count).await?;
        let manifests = self.state(name, Step::Read, |state| Ok(state.manifests.clone()))?;
        passage.leave(manifests)
    }

    async fn stores(&self, cluster: &Cluster) -> Result<Manifests, Error> {
        let name = &cluster.name;
        let count = |calls: &mut Calls| calls.store_lists += 1;
        let passage = self.door.pass(Point::Manifests, &[name.as_str()], count).await?;
        let found = self.state(name, Step::Read, |state| Ok(state.manifests.clone()))?;
        passage.leave(Manifests { stores: found.stores, standing: found.standing, ..Manifests::default() })
    }

    async fn publish(&self, id: &DeclarationId, status: &Status) -> Result<(), Error> {
        let passage = self.of(id, Point::Publish, |calls| calls.publishes += 1).await?;
        self.state(&id.cluster, Step::Write, |state| {
            state.published.push((id.clone(), status.clone()));
            Ok(())
        })?;
        passage.leave(())
    }

    /// Nothing runs here.
    async fn workloads(&self, cluster: &ClusterName, _: &Namespace) -> Result<Vec<Workload>, Error> {
        let count = |calls: &mut Calls| calls.managed_lists += 1;
        let passage = self.door.pass(Point::Managed, &[cluster.as_str()], count).await?;
        passage.leave(self.state(cluster, Step::Lookup, |_| Ok(Vec::new()))?)
    }

    async fn push_sources(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        choice: &ByNameOrLabels,
    ) -> Result<Vec<SourceSecret>, Error> {
        let subjects = [cluster.as_str(), &format!("{cluster}/{namespace}")];
        let passage = self.door.pass(Point::Read, &subjects, |calls| calls.source_reads += 1).await?;
        let found = self.state(cluster, Step::Read, |state| {
            let own = state.secrets.iter().filter(|((at, _), _)| at == namespace);
            let chosen = own.filter(|((_, name), secret)| match choice {
                ByNameOrLabels::Name(wanted) => name == wanted,
                ByNameOrLabels::Labels(selector) => selector.matches(&secret.labels),
            });
            let source = |((_, name), secret): (&(Namespace, ObjectName), &StoredSecret)| SourceSecret {
                name: name.clone(),
                kind: if secret.kind.is_empty() { "Opaque".to_owned() } else { secret.kind.clone() },
                labels: secret.labels.clone(),
                annotations: secret.annotations.clone(),
                data: secret.data.clone(),
            };
            Ok(chosen.map(source).map(SourceSecret::without_copies).collect())
        })?;
        passage.leave(found)
    }

    async fn finalize_push(
        &self,
        push: &PushSecret,
        wanted: bool,
    ) -> Result<Option<Vec<(StoreId, PushData)>>, Error> {
        let passage = self.of(&push.id, Point::Write, |calls| calls.finalizers += 1).await?;
        let pushed = self.state(&push.id.cluster, Step::Write, |state| {
            if !wanted {
                state.finalized.remove(&push.id);
            } else if !push.deleting {
                state.finalized.insert(push.id.clone());
            }
            Ok(state.pushed.get(&push.id).cloned().unwrap_or_default())
        })?;
        passage.leave(Some(pushed))
    }

    async fn publish_push(&self, id: &DeclarationId, status: &PushStatus) -> Result<(), Error> {
        let passage = self.of(id, Point::Publish, |calls| calls.publishes += 1).await?;
        self.state(&id.cluster, Step::Write, |state| {
            state.told_pushes.push((id.clone(), status.clone()));
            Ok(())
        })?;
        passage.leave(())
    }

    async fn publish_store(&self, store: &StoreId, status: &StoreStatus) -> Result<(), Error> {
        let Home::Cluster(cluster) = &store.home else { return Ok(()) };
        let passage =
            self.door.pass(Point::Publish, &[cluster.as_str()], |calls| calls.publishes += 1).await?;
        self.state(cluster, Step::Write, |state| {
            state.told_stores.push((store.clone(), status.clone()));
            Ok(())
        })?;
        passage.leave(())
    }
}

fn count(calls: &mut Calls, action: &Action) {
    match action {
        Action::Create(_) => calls.creates += 1,
        Action::Update { .. } => calls.updates += 1,
        Action::Delete { .. } => calls.deletes += 1,
        Action::Leave => {}
    }
}

impl FakeClusters {
    async fn of(
        &self,
        id: &DeclarationId,
        point: Point,
        count: impl FnOnce(&mut Calls),
    ) -> Result<Passage, Error> {
        let subjects = [id.to_string(), id.cluster.to_string(), format!("{}/{}", id.cluster, id.namespace)];
        let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
        self.door.pass(point, &subjects, count).await
    }

    pub(super) fn state<T>(
        &self,
        cluster: &ClusterName,
        step: Step,
        look: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut clusters = lock(&self.clusters);
        let missing =
            || Error::new(step, Kind::NotFound, format!("cluster {cluster} is not known; declare it"));
        look(clusters.get_mut(cluster).ok_or_else(missing)?)
    }
}

impl State {
    /// The target as the declaration's field manager sees it.
    fn seen(&self, TargetRef { of, kind, name }: TargetRef<'_>) -> Option<Existing> {
        match kind {
            None => {
                let secret = self.secrets.get(&at(of, name))?;
                Some(secret.seen_by(&field_manager(of.name.as_str())))
            }
            Some(kind) => self.object(of, kind, name),
        }
    }

    /// Deletes the target if its label says that the declaration made it.
    fn delete_owned(&mut self, target: TargetRef<'_>) -> bool {
        let TargetRef { of, kind, name } = target;
        let ours = created_by(of.namespace.as_str(), of.name.as_str());
        let found = self.seen(target);
        if found.and_then(|found| found.labels.get(CREATED_BY_LABEL).cloned()) != Some(ours) {
            return false;
        }
        self.turn += 1;
        match kind {
            None => drop(self.secrets.remove(&at(of, name))),
            Some(kind) => self.remove_object(of, kind, name),
        }
        true
    }

    fn act(
        &mut self,
        id: &DeclarationId,
        target: &ObjectName,
        action: &Action,
    ) -> Result<Option<String>, Error> {
        match action {
            Action::Leave => Ok(None),
            Action::Create(desired) => {
                if !self.namespaces.contains_key(&id.namespace) {
                    return Err(no_namespace(Step::Write, &id.cluster, &id.namespace));
                }
                if self.secrets.contains_key(&at(id, target)) {
                    return Err(conflict(id, target));
                }
                self.update(id, target, StoredSecret::default(), desired, Parts::ALL).map(Some)
            }
            Action::Update { resource_version, desired, parts } => {
                let stands = self.standing(id, target, resource_version)?;
                self.update(id, target, stands, desired, *parts).map(Some)
            }
            Action::Delete { uid, resource_version } => {
                let stands = self.standing(id, target, resource_version)?;
                if stands.uid != *uid {
                    return Err(conflict(id, target));
                }
                self.turn += 1;
                self.secrets.remove(&at(id, target));
                Ok(None)
            }
        }
    }

    /// The target, if it is still the one that was looked at.
    fn standing(
        &self,
        id: &DeclarationId,
        target: &ObjectName,
        resource_version: &str,
    ) -> Result<StoredSecret, Error> {
        if !self.namespaces.contains_key(&id.namespace) {
            return Err(no_namespace(Step::Write, &id.cluster, &id.namespace));
        }
        let stands =
            self.secrets.get(&at(id, target)).filter(|found| found.resource_version == resource_version);
        stands.cloned().ok_or_else(|| conflict(id, target))
    }

    fn update(
        &mut self,
        id: &DeclarationId,
        target: &ObjectName,
        mut secret: StoredSecret,
        desired: &Desired,
        parts: Parts,
    ) -> Result<String, Error> {
        let (was_immutable, old_data, old_kind) =
            (secret.immutable, secret.data.clone(), secret.kind.clone());
        secret.take_over(&field_manager(id.name.as_str()), desired, parts);
        if was_immutable && (secret.data != old_data || !secret.immutable) {
            return Err(invalid(
                id,
                target,
                "the Secret is immutable; delete it so that it can be made again",
            )
            .complaining(Complaint::Immutable));
        }
        if !secret.uid.is_empty() && secret.kind != old_kind {
            return Err(invalid(id, target, "type: field is immutable"));
        }
        check_data(id, target, &secret.data)?;
        Ok(self.store(&at(id, target), secret))
    }
}

fn check_data(
    id: &DeclarationId,
    target: &ObjectName,
    data: &BTreeMap<String, SecretValue>,
) -> Result<(), Error> {
    if let Some(key) = data.keys().find(|key| !is_key(key)) {
        return Err(invalid(id, target, &format!("{key:?} cannot be a key of a Secret; rename it")));
    }
    if data.values().map(SecretValue::len).sum::<usize>() > MAX_BYTES {
        return Err(invalid(id, target, "the data is too long; declare less of it"));
    }
    Ok(())
}

fn invalid(id: &DeclarationId, target: &ObjectName, why: &str) -> Error {
    Error::new(Step::Write, Kind::Invalid, format!("{}/{}/{target}: {why}", id.cluster, id.namespace))
}

fn at(id: &DeclarationId, target: &ObjectName) -> (Namespace, ObjectName) {
    (id.namespace.clone(), target.clone())
}

/// Whether Kubernetes takes this as a key of a Secret.
fn is_key(key: &str) -> bool {
    let odd = |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    !key.is_empty() && key.len() <= 253 && key != "." && !key.starts_with("..") && !key.bytes().any(odd)
}

pub(super) fn conflict(id: &DeclarationId, target: &ObjectName) -> Error {
    let place = format!("{}/{}/{target}", id.cluster, id.namespace);
    let message = format!("{place}: the Secret is not what was looked at; start again from the read");
    Error::new(Step::Write, Kind::Conflict, message)
}

pub(super) fn conflict_at(cluster: &ClusterName, (namespace, name): &(Namespace, ObjectName)) -> Error {
    let message = format!(
        "ExternalSecret {cluster}/{namespace}/{name} is not what was looked at; start again from the look"
    );
    Error::new(Step::Write, Kind::Conflict, message)
}

pub(super) fn no_namespace(step: Step, cluster: &ClusterName, namespace: &Namespace) -> Error {
    Error::new(step, Kind::NotFound, format!("{cluster}: namespace {namespace} does not exist; create it"))
}
