//! ClusterExternalSecrets, and the ExternalSecrets that are made of them.

use super::port::{conflict_at, no_namespace};
use super::{FakeClusters, State, place};
use crate::door::Passage;
use crate::fault::Point;
use pawl_domain::spread::{Child, ChildAction, Content, Family, NamespaceState, Namespaces, Parent, Told};
use pawl_domain::{Cluster, ClusterName, Namespace, ObjectName, Step};
use pawl_ports::{Error, Families, Parents};
use std::collections::BTreeMap;

impl FakeClusters {
    /// A ClusterExternalSecret comes into being, or is edited: its status stays as it was told.
    pub fn set_parent(&self, cluster: &ClusterName, parent: Parent) {
        self.with(cluster, |state| {
            let told = state.parents.get(&parent.name).map(|standing| standing.told.clone());
            let parent = Parent { told: told.unwrap_or(parent.told.clone()), ..parent };
            state.parents.insert(parent.name.clone(), parent);
        });
    }

    /// A ClusterExternalSecret goes, and the garbage collector takes its children along.
    pub fn remove_parent(&self, cluster: &ClusterName, name: &ObjectName) {
        self.with(cluster, |state| {
            let Some(parent) = state.parents.remove(name) else { return };
            state.children.retain(|_, child| child.owners.iter().all(|owner| owner.uid != parent.uid));
        });
    }

    /// The status of a ClusterExternalSecret, as it was told last.
    pub fn told(&self, cluster: &ClusterName, name: &ObjectName) -> Told {
        self.with(cluster, |state| {
            state.parents.get(name).map(|parent| parent.told.clone()).unwrap_or_default()
        })
    }

    /// The ExternalSecrets that were made in a cluster, or by somebody else beside them, by `<namespace>/<name>`.
    pub fn children(&self, cluster: &ClusterName) -> BTreeMap<String, Child> {
        self.with(cluster, |state| {
            let named = state
                .children
                .iter()
                .map(|((namespace, name), child)| (format!("{namespace}/{name}"), child.clone()));
            named.collect()
        })
    }

    /// Somebody edits an ExternalSecret `<cluster>/<namespace>/<name>`, or makes it.
    pub fn edit_child(&self, text: &str, edit: impl FnOnce(&mut Child)) {
        let (cluster, at) = place(text);
        self.with(&cluster, |state| {
            state.turn += 1;
            let new = || Child {
                uid: format!("child-{}", state.turn),
                resource_version: String::new(),
                owners: Vec::new(),
                content: Content::default(),
                deleting: false,
            };
            let mut child = state.children.get(&at).cloned().unwrap_or_else(new);
            edit(&mut child);
            child.resource_version = state.turn.to_string();
            state.children.insert(at, child);
        });
    }

    /// Somebody deletes an ExternalSecret `<cluster>/<namespace>/<name>`.
    pub fn delete_child(&self, text: &str) {
        let (cluster, at) = place(text);
        self.with(&cluster, |state| state.children.remove(&at));
    }

    async fn look(&self, cluster: &Cluster, point: Point) -> Result<Passage, Error> {
        self.door.pass(point, &[cluster.name.as_str()], |calls| calls.family_reads += 1).await
    }
}

impl Families for FakeClusters {
    async fn parents(&self, cluster: &Cluster) -> Result<Parents, Error> {
        let passage = self.look(cluster, Point::Manifests).await?;
        let known =
            self.state(&cluster.name, Step::Read, |state| Ok(state.parents.values().cloned().collect()))?;
        passage.leave(Parents { known, problems: Vec::new() })
    }

    async fn namespaces(&self, cluster: &Cluster) -> Result<Namespaces, Error> {
        let passage = self.look(cluster, Point::NamespaceLabels).await?;
        let found = self.state(&cluster.name, Step::Read, |state| {
            let meant = |name: &Namespace| cluster.namespaces.is_empty() || cluster.namespaces.contains(name);
            let all = state.namespaces.iter().filter(|(name, _)| meant(name));
            let seen = |labels: &BTreeMap<String, String>| NamespaceState {
                labels: labels.clone(),
                deleting: false,
            };
            Ok(all.map(|(name, labels)| (name.clone(), seen(labels))).collect())
        })?;
        passage.leave(found)
    }

    async fn family(&self, cluster: &Cluster, child: &ObjectName) -> Result<Family, Error> {
        let passage = self.look(cluster, Point::Family).await?;
        let found = self.state(&cluster.name, Step::Read, |state| {
            let named = state.children.iter().filter(|((_, name), _)| name == child);
            Ok(named.map(|((namespace, _), child)| (namespace.clone(), child.clone())).collect())
        })?;
        passage.leave(found)
    }

    async fn act_on_child(
        &self,
        cluster: &Cluster,
        (namespace, name): (&Namespace, &ObjectName),
        action: &ChildAction,
        content: &Content,
    ) -> Result<(), Error> {
        let subjects = [cluster.name.as_str(), &format!("{}/{namespace}", cluster.name)];
        let passage = self.door.pass(Point::Child, &subjects, |calls| calls.family_writes += 1).await?;
        let at = (namespace.clone(), name.clone());
        self.state(&cluster.name, Step::Write, |state| {
            if !state.namespaces.contains_key(namespace) {
                return Err(no_namespace(Step::Write, &cluster.name, namespace));
            }
            state.act_on_child(&cluster.name, at, action, content)
        })?;
        passage.leave(())
    }

    async fn tell_parent(&self, cluster: &Cluster, parent: &ObjectName, told: &Told) -> Result<(), Error> {
        let passage =
            self.door.pass(Point::Publish, &[cluster.name.as_str()], |calls| calls.publishes += 1).await?;
        self.state(&cluster.name, Step::Write, |state| {
            if let Some(parent) = state.parents.get_mut(parent) {
                parent.told = told.clone();
            }
            Ok(())
        })?;
        passage.leave(())
    }

    async fn release_parent(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        finalizers: &[String],
    ) -> Result<(), Error> {
        let passage =
            self.door.pass(Point::Child, &[cluster.name.as_str()], |calls| calls.family_writes += 1).await?;
        self.state(&cluster.name, Step::Write, |state| {
            if finalizers.is_empty() {
                state.parents.remove(&parent.name);
            }
            Ok(())
        })?;
        passage.leave(())
    }
}

impl State {
    fn act_on_child(
        &mut self,
        cluster: &ClusterName,
        at: (Namespace, ObjectName),
        action: &ChildAction,
        content: &Content,
    ) -> Result<(), Error> {
        self.turn += 1;
        let turn = self.turn;
        let standing = self.children.get_mut(&at);
        let conflict = || conflict_at(cluster, &at);
        match (action, standing) {
            (ChildAction::Create(_), Some(_)) => return Err(conflict()),
            (ChildAction::Create(owners), None) => {
                let child = Child {
                    uid: format!("child-{turn}"),
                    resource_version: turn.to_string(),
                    owners: owners.clone(),
                    content: content.clone(),
                    deleting: false,
                };
                self.children.insert(at, child);
            }
            (ChildAction::Update { resource_version, owners }, Some(child))
                if child.resource_version == *resource_version =>
            {
                child.owners.clone_from(owners);
                child.content = content.clone();
                child.resource_version = turn.to_string();
            }
            (ChildAction::Update { .. }, _) => return Err(conflict()),
            (ChildAction::Delete { uid, resource_version }, Some(child)) => {
                if child.uid != *uid || child.resource_version != *resource_version {
                    return Err(conflict());
                }
                self.children.remove(&at);
            }
            (ChildAction::Delete { .. }, None) => {}
        }
        Ok(())
    }
}
