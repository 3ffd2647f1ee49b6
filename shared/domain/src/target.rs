//! What must happen to the target, given what stands there now. Pure: adapters only carry it out.
//!
//! Source of the rules: ESO's behaviour for `creationPolicy`, `deletionPolicy`, `immutable` and ownership, as its
//! controller shows it.

use crate::declaration::{CreationPolicy, Declaration, DeletionPolicy};
use crate::hash::{created_by, data_hash, of_text};
use crate::record::Outcome;
use crate::render::Rendered;
use crate::secret::SecretValue;
use std::collections::{BTreeMap, BTreeSet};

/// Marks every Secret that is kept up.
pub const MANAGED_LABEL: &str = "reconcile.external-secrets.io/managed";
/// Names the declaration that owns a Secret, hashed.
pub const CREATED_BY_LABEL: &str = "reconcile.external-secrets.io/created-by";
/// The hash of the data that was written last.
pub const DATA_HASH_ANNOTATION: &str = "reconcile.external-secrets.io/data-hash";
/// Annotations of this prefix speak to Pawl and are not taken over to targets.
pub const PAWL_PREFIX: &str = "pawl.dev/";

const MANAGER_PREFIX: &str = "externalsecrets.external-secrets.io/";

/// The field manager under which a declaration's writes are recorded: ESO's, so that either recognises the other's.
pub fn field_manager(external_secret: &str) -> String {
    let plain = format!("{MANAGER_PREFIX}{external_secret}");
    if plain.len() > 63 { format!("{MANAGER_PREFIX}sha3/{}", of_text(external_secret)) } else { plain }
}

/// The Secret as it stands in the cluster.
#[derive(Clone, Debug, Default)]
pub struct Existing {
    /// The object's uid.
    pub uid: String,
    /// The version that a write is conditional on.
    pub resource_version: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its owners.
    pub owners: Vec<Owner>,
    /// Its data.
    pub data: BTreeMap<String, SecretValue>,
    /// Whether it is immutable.
    pub immutable: bool,
    /// What this declaration's field manager wrote of it.
    pub own: OwnFields,
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

impl Owner {
    fn is_external_secret(&self) -> bool {
        self.kind == "ExternalSecret" && self.api_version.starts_with("external-secrets.io/")
    }
}

/// The Secret as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
    /// All owners.
    pub owners: Vec<Owner>,
    /// All data.
    pub data: BTreeMap<String, SecretValue>,
    /// Whether it is immutable.
    pub immutable: bool,
}

/// What must happen to the target.
#[derive(Clone, Debug)]
pub enum Action {
    /// Create it; if somebody was quicker, start again from the read.
    Create(Desired),
    /// Bring these parts to what is desired, on condition that it still has this resourceVersion.
    Update {
        /// The version that was looked at.
        resource_version: String,
        /// The whole Secret as it shall be.
        desired: Desired,
        /// The parts that differ; the others are not touched.
        parts: Parts,
    },
    /// Delete it, on condition that it is still this object in this version.
    Delete {
        /// The uid that was looked at.
        uid: String,
        /// The version that was looked at.
        resource_version: String,
    },
    /// Leave it.
    Leave(Outcome),
}

/// Which parts of a Secret an update touches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Parts {
    /// `metadata.labels`.
    pub labels: bool,
    /// `metadata.annotations`.
    pub annotations: bool,
    /// `metadata.ownerReferences`.
    pub owners: bool,
    /// `data`.
    pub data: bool,
    /// `immutable`.
    pub immutable: bool,
}

/// The target must not be touched.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Another ExternalSecret controls it.
    #[error("target is owned by another ExternalSecret ({0}); give one of them another target.name")]
    OwnedByAnother(String),
    /// Some controller that is no ExternalSecret owns it.
    #[error(
        "failed to take ownership of target secret: it is controlled by {0}; use another target.name or creationPolicy"
    )]
    Controlled(String),
    /// Its data differs, and it cannot be changed.
    #[error("could not update secret, target is immutable; delete the Secret so that it can be made again")]
    Immutable,
    /// deletionPolicy Delete goes with creationPolicy Owner only.
    #[error(
        "could not delete secret: creationPolicy is not Owner; deletionPolicy Delete needs creationPolicy Owner"
    )]
    DeleteNeedsOwner,
}

/// Decides what must happen to the target of `declaration`, for which `rendered` was made, where `existing` stands.
///
/// # Errors
/// [`Refused`] when the target belongs to somebody else or cannot change; nothing may be written then, and trying
/// again does not help.
pub fn decide(
    declaration: &Declaration,
    rendered: &Rendered,
    existing: Option<&Existing>,
) -> Result<Action, Refused> {
    let target = &declaration.target;
    if rendered.data.is_empty() {
        match target.deletion {
            DeletionPolicy::Retain => return Ok(Action::Leave(Outcome::Retained)),
            DeletionPolicy::Delete => return delete(declaration, existing),
            DeletionPolicy::Merge => {}
        }
    }
    let Some(existing) = existing else {
        return Ok(match target.creation {
            CreationPolicy::None => Action::Leave(Outcome::NotWanted),
            CreationPolicy::Merge => Action::Leave(Outcome::TargetMissing),
            CreationPolicy::Owner | CreationPolicy::Orphan | CreationPolicy::CreateOrMerge => {
                Action::Create(desired(declaration, rendered, &Existing::default()))
            }
        });
    };
    if target.creation != CreationPolicy::None {
        refuse_foreign(declaration, existing)?;
    }
    let desired = match target.creation {
        CreationPolicy::None => labelled_only(existing),
        _ if target.immutable => frozen(declaration, existing),
        _ => desired(declaration, rendered, existing),
    };
    let parts = differing(existing, &desired);
    if parts == Parts::default() {
        let unchanged =
            if target.creation == CreationPolicy::None { Outcome::NotWanted } else { Outcome::Unchanged };
        return Ok(Action::Leave(unchanged));
    }
    if parts.data && existing.immutable {
        return Err(Refused::Immutable);
    }
    Ok(Action::Update { resource_version: existing.resource_version.clone(), desired, parts })
}

/// Whether all data of the target is this declaration's, so that a target that stands as it was written last can be
/// written without being read first. Under the other policies what others hold in it is only known by reading.
pub fn replaces_all_data(declaration: &Declaration) -> bool {
    !declaration.target.immutable
        && matches!(declaration.target.creation, CreationPolicy::Owner | CreationPolicy::Orphan)
}

fn refuse_foreign(declaration: &Declaration, existing: &Existing) -> Result<(), Refused> {
    let Some(controller) = existing.owners.iter().find(|owner| owner.controller) else { return Ok(()) };
    if controller.is_external_secret() {
        if controller.name == declaration.id.name.as_str() {
            return Ok(());
        }
        return Err(Refused::OwnedByAnother(controller.name.clone()));
    }
    if declaration.target.creation == CreationPolicy::Owner {
        return Err(Refused::Controlled(format!("{} {}", controller.kind, controller.name)));
    }
    Ok(())
}

fn delete(declaration: &Declaration, existing: Option<&Existing>) -> Result<Action, Refused> {
    if declaration.target.creation != CreationPolicy::Owner {
        return Err(Refused::DeleteNeedsOwner);
    }
    let Some(existing) = existing else { return Ok(Action::Leave(Outcome::Deleted)) };
    // ESO deletes it even when another controller holds it; that loses what somebody else keeps there.
    refuse_foreign(declaration, existing)?;
    Ok(Action::Delete { uid: existing.uid.clone(), resource_version: existing.resource_version.clone() })
}

/// The Secret as the declaration wants it, laid over what stands there.
fn desired(declaration: &Declaration, rendered: &Rendered, existing: &Existing) -> Desired {
    let data = match declaration.target.creation {
        CreationPolicy::Merge | CreationPolicy::CreateOrMerge => {
            let mut data = without(&existing.data, &existing.own.data);
            data.extend(rendered.data.clone());
            data
        }
        CreationPolicy::Owner | CreationPolicy::Orphan | CreationPolicy::None => rendered.data.clone(),
    };
    let mut labels = without(&existing.labels, &existing.own.labels);
    labels.extend(declaration.labels.clone());
    let mut annotations = without(&existing.annotations, &existing.own.annotations);
    annotations.extend(declaration.annotations.clone());
    annotations.insert(DATA_HASH_ANNOTATION.to_owned(), data_hash(&data));
    marked(declaration, &mut labels);
    Desired {
        labels,
        annotations,
        owners: owners(declaration, existing),
        data,
        immutable: existing.immutable || declaration.target.immutable,
    }
}

/// ESO freezes an existing Secret with the data that it has.
fn frozen(declaration: &Declaration, existing: &Existing) -> Desired {
    let mut labels = existing.labels.clone();
    let mut annotations = existing.annotations.clone();
    marked(declaration, &mut labels);
    annotations.insert(DATA_HASH_ANNOTATION.to_owned(), data_hash(&existing.data));
    Desired {
        labels,
        annotations,
        owners: owners(declaration, existing),
        data: existing.data.clone(),
        immutable: true,
    }
}

/// Under creationPolicy None ESO marks a Secret that is there, and touches nothing else.
fn labelled_only(existing: &Existing) -> Desired {
    let mut labels = existing.labels.clone();
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    Desired {
        labels,
        annotations: existing.annotations.clone(),
        owners: existing.owners.clone(),
        data: existing.data.clone(),
        immutable: existing.immutable,
    }
}

fn marked(declaration: &Declaration, labels: &mut BTreeMap<String, String>) {
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    if declaration.target.creation == CreationPolicy::Owner {
        let id = &declaration.id;
        labels.insert(CREATED_BY_LABEL.to_owned(), created_by(id.namespace.as_str(), id.name.as_str()));
    } else {
        labels.remove(CREATED_BY_LABEL);
    }
}

/// The owner references with ours in place under Owner, and without it under every other policy.
fn owners(declaration: &Declaration, existing: &Existing) -> Vec<Owner> {
    let name = declaration.id.name.as_str();
    let ours = |owner: &Owner| owner.is_external_secret() && owner.name == name;
    if declaration.target.creation != CreationPolicy::Owner {
        return existing.owners.iter().filter(|owner| !ours(owner)).cloned().collect();
    }
    let Some(uid) = &declaration.uid else { return existing.owners.clone() };
    let reference = Owner {
        api_version: "external-secrets.io/v1".to_owned(),
        kind: "ExternalSecret".to_owned(),
        name: name.to_owned(),
        uid: uid.clone(),
        controller: true,
        block_owner_deletion: true,
    };
    let mut owners = existing.owners.clone();
    match owners.iter_mut().find(|owner| ours(owner)) {
        Some(owner) => *owner = reference,
        None => owners.push(reference),
    }
    owners
}

fn differing(existing: &Existing, desired: &Desired) -> Parts {
    Parts {
        labels: existing.labels != desired.labels,
        annotations: existing.annotations != desired.annotations,
        owners: existing.owners != desired.owners,
        data: existing.data != desired.data,
        immutable: existing.immutable != desired.immutable,
    }
}

fn without<V: Clone>(map: &BTreeMap<String, V>, keys: &BTreeSet<String>) -> BTreeMap<String, V> {
    map.iter().filter(|(key, _)| !keys.contains(*key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}
