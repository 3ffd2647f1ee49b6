//! A ClusterExternalSecret that stands in a cluster, and what is to be done to its children.
//!
//! Source of names, ownership, order and status: ESO's controller of ClusterExternalSecrets, version 2.9.

use super::{Namespaces, Selection};
use crate::name::{Namespace, ObjectName};
use crate::reconcile::Owner;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The kind of the owner that children name.
const KIND: &str = "ClusterExternalSecret";
/// The group of it; children that an older version owns are children all the same.
const GROUP: &str = "external-secrets.io";
/// What children name as the version of their owner.
const API_VERSION: &str = "external-secrets.io/v1";
/// What ESO puts on every ClusterExternalSecret, to clean up before it goes.
const FINALIZER: &str = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";
/// Why a child is not made where an ExternalSecret of somebody else has its name, in ESO's words.
const TAKEN: &str = "external secret already exists in namespace";
/// The namespace that failures are told of that concern all, in ESO's words.
const UNKNOWN: &str = "unknown";

/// A ClusterExternalSecret as it stands in a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent {
    /// Its name.
    pub name: ObjectName,
    /// Its uid, which children name.
    pub uid: String,
    /// Its version, for a change of its finalizers.
    pub resource_version: String,
    /// The name of its children.
    pub child: ObjectName,
    /// Where children are wanted, or why that cannot be told.
    pub selection: Result<Selection, String>,
    /// What its children say.
    pub content: Content,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
    /// Whether somebody has deleted it, and it only waits for its finalizers.
    pub deleting: bool,
    /// Its status as it stands.
    pub told: Told,
}

/// What an ExternalSecret says, as far as its parent decides it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// `metadata.labels`, all of them.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`, all of them.
    pub annotations: BTreeMap<String, String>,
    /// `spec`, as it is written.
    pub spec: Value,
}

/// An ExternalSecret that has the name of a child.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its uid.
    pub uid: String,
    /// Its version: it is changed and deleted only as it was seen.
    pub resource_version: String,
    /// Its owners.
    pub owners: Vec<Owner>,
    /// What it says.
    pub content: Content,
    /// Whether somebody has deleted it, and it only waits for its finalizers.
    pub deleting: bool,
}

/// All ExternalSecrets of one name, by namespace.
pub type Family = BTreeMap<Namespace, Child>;

/// The status of a ClusterExternalSecret, without its condition, which follows from the failures.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// Whether the condition Ready is there, and what it says.
    pub ready: Option<bool>,
    /// `externalSecretName`.
    pub child: Option<ObjectName>,
    /// `failedNamespaces`, with why.
    pub failed: BTreeMap<String, String>,
    /// `provisionedNamespaces`.
    pub provisioned: BTreeSet<Namespace>,
}

impl Told {
    /// The status after children were put into `provisioned` and were not into `failed`.
    pub fn of(
        child: &ObjectName,
        provisioned: BTreeSet<Namespace>,
        failed: BTreeMap<String, String>,
    ) -> Self {
        Self { ready: Some(failed.is_empty()), child: Some(child.clone()), failed, provisioned }
    }

    /// The same status where children of this name are about to be made: none stands yet.
    #[must_use]
    pub fn naming(&self, child: &ObjectName) -> Self {
        Self { child: Some(child.clone()), ready: self.ready, ..Self::default() }
    }

    /// The same status with a failure that concerns no single namespace; what stands of children is left.
    #[must_use]
    pub fn failing(&self, why: &str) -> Self {
        let failed = BTreeMap::from([(UNKNOWN.to_owned(), why.to_owned())]);
        Self { ready: Some(false), failed, ..self.clone() }
    }
}

/// What is to be done to one child.
#[derive(Clone, Debug, PartialEq)]
pub enum ChildAction {
    /// It is made, with these owners.
    Create(Vec<Owner>),
    /// It gets the content and these owners.
    Update {
        /// The version that it must still have.
        resource_version: String,
        /// All owners, others' among them.
        owners: Vec<Owner>,
    },
    /// It is deleted.
    Delete {
        /// The uid that it must still have.
        uid: String,
        /// The version that it must still have.
        resource_version: String,
    },
}

/// What is to be done to the children of one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is to be done, by namespace; deletions are to be done first.
    pub actions: Vec<(Namespace, ChildAction)>,
    /// Where all is well already.
    pub standing: BTreeSet<Namespace>,
    /// Where nothing can be done, and why.
    pub refused: BTreeMap<Namespace, String>,
}

impl Plan {
    /// Whether anything is deleted.
    pub fn deletes(&self) -> bool {
        self.actions.iter().any(|(_, action)| matches!(action, ChildAction::Delete { .. }))
    }
}

impl Parent {
    /// Whether this one, seen later, wants the same children in the same places.
    pub fn wants_as(&self, earlier: &Self) -> bool {
        let wants = |it: &Self| (it.uid.clone(), it.child.clone(), it.selection.clone(), it.deleting);
        wants(self) == wants(earlier)
    }

    /// What brings the children to where they are wanted. A child that is being deleted stays as it is; once it is gone it is
    /// made anew.
    pub fn plan(&self, selection: &Selection, namespaces: &Namespaces, family: &Family) -> Plan {
        let wanted: BTreeMap<_, _> = selection.of(namespaces).collect();
        let mut plan =
            Plan { actions: self.removals(family, |at| !wanted.contains_key(at)), ..Plan::default() };
        for (namespace, _) in wanted.into_iter().filter(|(_, state)| !state.deleting) {
            match family.get(namespace) {
                None => {
                    plan.actions.push((namespace.clone(), ChildAction::Create(self.owners(&[]))));
                }
                Some(child) if !self.owns(child) => {
                    plan.refused.insert(namespace.clone(), TAKEN.to_owned());
                }
                Some(child) => {
                    let owners = self.owners(&child.owners);
                    if child.deleting || child.content == self.content && child.owners == owners {
                        plan.standing.insert(namespace.clone());
                    } else {
                        let resource_version = child.resource_version.clone();
                        plan.actions
                            .push((namespace.clone(), ChildAction::Update { resource_version, owners }));
                    }
                }
            }
        }
        plan
    }

    /// What deletes the children of this family, those of its former name or of all.
    pub fn farewell(&self, family: &Family) -> Plan {
        Plan { actions: self.removals(family, |_| true), ..Plan::default() }
    }

    /// The name that the children had before, where it is another one by now.
    pub fn former(&self) -> Option<&ObjectName> {
        self.told.child.as_ref().filter(|former| **former != self.child)
    }

    /// Its finalizers without ESO's, where it has that and is being deleted: Pawl puts none, and where ESO is gone nobody else
    /// takes it off.
    pub fn released(&self) -> Option<Vec<String>> {
        let holds = self.deleting && self.finalizers.iter().any(|it| it == FINALIZER);
        holds.then(|| self.finalizers.iter().filter(|it| *it != FINALIZER).cloned().collect())
    }

    fn removals(
        &self,
        family: &Family,
        leaves: impl Fn(&Namespace) -> bool,
    ) -> Vec<(Namespace, ChildAction)> {
        let gone = family.iter().filter(|(at, child)| leaves(at) && !child.deleting && self.owns(child));
        let removal = |(at, child): (&Namespace, &Child)| {
            let Child { uid, resource_version, .. } = child.clone();
            (at.clone(), ChildAction::Delete { uid, resource_version })
        };
        gone.map(removal).collect()
    }

    /// Whether an ExternalSecret is a child: by the name of the controller, not by its uid, so that the children of one that was
    /// deleted and made anew are taken over.
    fn owns(&self, child: &Child) -> bool {
        child.owners.iter().any(|owner| owner.controller && self.is(owner))
    }

    fn is(&self, owner: &Owner) -> bool {
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        group == GROUP && owner.kind == KIND && owner.name == self.name.as_str()
    }

    /// These owners with the parent as the controller.
    fn owners(&self, standing: &[Owner]) -> Vec<Owner> {
        let own = Owner {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            name: self.name.to_string(),
            uid: self.uid.clone(),
            controller: true,
            block_owner_deletion: true,
        };
        let mut owners: Vec<Owner> = standing.to_vec();
        match owners.iter_mut().find(|owner| self.is(owner)) {
            Some(standing) => *standing = own,
            None => owners.push(own),
        }
        owners
    }
}
