//! Who a target belongs to.

use crate::declaration::{CreationPolicy, Declaration};
use crate::hash::created_by;
use crate::reconcile::{CREATED_BY_LABEL, Existing, MANAGED_LABEL, Owner, Refused};
use std::collections::BTreeMap;

/// Refuses what belongs to somebody else: an object that another ExternalSecret controls is nobody else's under any
/// policy, one that some other controller has cannot be owned too. ESO compares names and neither uid nor version.
pub(super) fn refuse_foreign(declaration: &Declaration, existing: &Existing) -> Result<(), Refused> {
    let Some(controller) = existing.owners.iter().find(|owner| owner.controller) else { return Ok(()) };
    let target = declaration.target.name.clone();
    if is_external_secret(controller) {
        if controller.name == declaration.id.name.as_str() {
            return Ok(());
        }
        return Err(Refused::OwnedByAnother { target, owner: controller.name.clone() });
    }
    if declaration.target.creation == CreationPolicy::Owner {
        let Owner { kind, name, .. } = controller.clone();
        return Err(Refused::Controlled { namespace: declaration.id.namespace.clone(), target, kind, name });
    }
    Ok(())
}

/// Sets the labels that say who keeps a target up.
pub(super) fn mark(declaration: &Declaration, labels: &mut BTreeMap<String, String>) {
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    if declaration.target.creation == CreationPolicy::Owner {
        let id = &declaration.id;
        labels.insert(CREATED_BY_LABEL.to_owned(), created_by(id.namespace.as_str(), id.name.as_str()));
    } else {
        labels.remove(CREATED_BY_LABEL);
    }
}

/// The owner references with ours in place under Owner, and without it under every other policy.
pub(super) fn owners(declaration: &Declaration, existing: &Existing) -> Vec<Owner> {
    let name = declaration.id.name.as_str();
    let ours = |owner: &Owner| is_external_secret(owner) && owner.name == name;
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

fn is_external_secret(owner: &Owner) -> bool {
    owner.kind == "ExternalSecret" && owner.api_version.starts_with("external-secrets.io/")
}
