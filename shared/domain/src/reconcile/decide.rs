//! The decision: create, update, delete or leave, and what is said of it.

use crate::declaration::{CreationPolicy, Declaration, DeletionPolicy};
use crate::reconcile::desired::{frozen, labelled_only, whole};
use crate::reconcile::ownership::refuse_foreign;
use crate::reconcile::{Desired, Existing, Parts, Refused};
use crate::record::Outcome;
use crate::render::Rendered;

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
    Leave,
}

/// What must happen to the target, and how it went once that is done.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What must happen first, even where the outcome is a refusal.
    pub action: Action,
    /// How it went. A refusal does not go away by trying again.
    pub outcome: Result<Outcome, Refused>,
}

/// Decides what must happen to the target of `declaration`, for which `rendered` was made, where `existing` stands.
///
/// A target that is refused is left, but for what ESO does to it all the same: it gets the managed label, and an
/// immutable one the rest of its metadata.
pub fn decide(declaration: &Declaration, rendered: &Rendered, existing: Option<&Existing>) -> Decision {
    let target = &declaration.target;
    if rendered.assembled_is_empty {
        match target.deletion {
            DeletionPolicy::Retain => return marking(existing, Ok(Outcome::Retained)),
            DeletionPolicy::Delete => return delete(declaration, existing),
            DeletionPolicy::Merge => {}
        }
    }
    match (target.creation, existing) {
        (CreationPolicy::None, _) => marking(existing, Ok(Outcome::NotWanted)),
        (CreationPolicy::Merge, None) => marking(None, Ok(Outcome::TargetMissing)),
        (_, None) => create(declaration, rendered),
        (_, Some(existing)) => update(declaration, rendered, existing),
    }
}

/// What happens to a target for which no template needs to be applied: one that is frozen as it stands, that somebody
/// else shall make first, or that is never written. `None` where it depends on what the template makes.
pub fn decide_untemplated(declaration: &Declaration, existing: Option<&Existing>) -> Option<Decision> {
    let target = &declaration.target;
    let untouched = match (target.creation, existing) {
        (CreationPolicy::None, _) | (CreationPolicy::Merge, None) => true,
        (_, None) => false,
        (_, Some(_)) => target.freezes(),
    };
    untouched.then(|| decide(declaration, &Rendered::default(), existing))
}

/// The managed label for a target that stands there without it. ESO sets it before it asks any store, so that also a
/// target for which nothing could be rendered has it.
pub fn marked(existing: Option<&Existing>) -> Action {
    match existing {
        Some(existing) => updating(existing, labelled_only(existing)),
        None => Action::Leave,
    }
}

fn marking(existing: Option<&Existing>, outcome: Result<Outcome, Refused>) -> Decision {
    Decision { action: marked(existing), outcome }
}

fn delete(declaration: &Declaration, existing: Option<&Existing>) -> Decision {
    let creation = declaration.target.creation;
    if creation != CreationPolicy::Owner {
        let target = declaration.target.name.clone();
        return marking(existing, Err(Refused::DeleteNeedsOwner { target, creation }));
    }
    let Some(existing) = existing else { return marking(None, Ok(Outcome::Deleted)) };
    // ESO deletes it even when another controller holds it; that loses what somebody else keeps there.
    if let Err(refused) = refuse_foreign(declaration, existing) {
        return marking(Some(existing), Err(refused));
    }
    let (uid, resource_version) = (existing.uid.clone(), existing.resource_version.clone());
    Decision { action: Action::Delete { uid, resource_version }, outcome: Ok(Outcome::Deleted) }
}

fn create(declaration: &Declaration, rendered: &Rendered) -> Decision {
    let desired = match whole(declaration, rendered, &Existing::default()) {
        Ok(desired) => desired,
        Err(refused) => return marking(None, Err(refused)),
    };
    Decision { action: Action::Create(desired), outcome: Ok(Outcome::Written) }
}

fn update(declaration: &Declaration, rendered: &Rendered, existing: &Existing) -> Decision {
    if let Err(refused) = refuse_foreign(declaration, existing) {
        return marking(Some(existing), Err(refused));
    }
    if declaration.target.freezes() {
        return written(updating(existing, frozen(declaration, existing)));
    }
    let mut action = match whole(declaration, rendered, existing) {
        Ok(desired) => updating(existing, desired),
        Err(refused) => return marking(Some(existing), Err(refused)),
    };
    // ESO still writes the metadata, with the hash of the data that cannot be written.
    if existing.immutable
        && let Action::Update { parts, .. } = &mut action
        && (parts.data || parts.kind)
    {
        *parts = Parts { data: false, kind: false, ..*parts };
        let action = if parts.is_empty() { Action::Leave } else { action };
        let target = declaration.target.name.clone();
        return Decision { action, outcome: Err(Refused::Immutable { target }) };
    }
    written(action)
}

fn written(action: Action) -> Decision {
    let outcome = if matches!(action, Action::Leave) { Outcome::Unchanged } else { Outcome::Written };
    Decision { action, outcome: Ok(outcome) }
}

fn updating(existing: &Existing, desired: Desired) -> Action {
    let parts = Parts::differing(existing, &desired);
    if parts.is_empty() {
        return Action::Leave;
    }
    Action::Update { resource_version: existing.resource_version.clone(), desired, parts }
}
