//! ExternalSecret to declarations, one for each cluster that it goes to.
//!
//! Source of fields, defaults and admission rules: ESO's CRD and validating webhook, version 2.9.

use super::reader::Fields;
use super::{ParseOptions, metadata, placement, reads};
use pawl_domain::declaration::{CreationPolicy, DeletionPolicy, Refresh, RefreshPolicy, Target};
use pawl_domain::target::PAWL_PREFIX;
use pawl_domain::{Cluster, Declaration, DeclarationId, Home, ObjectName};
use pawl_golang::duration;
use std::time::Duration;

const DEFAULT_REFRESH_INTERVAL: Duration = Duration::from_secs(60 * 60);

const CREATION_POLICIES: [(&str, CreationPolicy); 5] = [
    ("Owner", CreationPolicy::Owner),
    ("Orphan", CreationPolicy::Orphan),
    ("Merge", CreationPolicy::Merge),
    ("None", CreationPolicy::None),
    ("CreateOrMerge", CreationPolicy::CreateOrMerge),
];

const DELETION_POLICIES: [(&str, DeletionPolicy); 3] = [
    ("Delete", DeletionPolicy::Delete),
    ("Merge", DeletionPolicy::Merge),
    ("Retain", DeletionPolicy::Retain),
];

const REFRESH_POLICIES: [(&str, RefreshPolicy); 3] = [
    ("CreatedOnce", RefreshPolicy::CreatedOnce),
    ("Periodic", RefreshPolicy::Periodic),
    ("OnChange", RefreshPolicy::OnChange),
];

/// The declarations of an ExternalSecret. Whether they may be used, the notes tell.
pub(super) fn read(root: Fields<'_>, options: &ParseOptions, known: &[Cluster]) -> Vec<Declaration> {
    let notes = root.notes();
    let Some((metadata, mut spec)) = metadata::read::<ObjectName>(root) else { return Vec::new() };
    // On its way out, an object declares nothing any more; what becomes of its target is then its owner's matter.
    if metadata.deleting && matches!(options.home, Home::Cluster(_)) {
        return Vec::new();
    }
    let Some(namespace) = metadata.namespace(options, notes) else { return Vec::new() };
    let target = target(&mut spec, &metadata.name);
    let refresh = refresh(&mut spec);
    spec.unsupported("syncWindows");
    let stores = reads::Stores::of(&mut spec, &options.home, &namespace);
    let reads = reads::read(&mut spec, &stores, &target);
    spec.close();
    let mut annotations = metadata.annotations;
    let clusters = placement::clusters(&annotations, options, known, notes);
    annotations.retain(|key, _| !key.starts_with(PAWL_PREFIX));
    let declaration = |cluster| Declaration {
        id: DeclarationId { cluster, namespace: namespace.clone(), name: metadata.name.clone() },
        home: options.home.clone(),
        uid: metadata.uid.clone().filter(|_| matches!(options.home, Home::Cluster(_))),
        labels: metadata.labels.clone(),
        annotations: annotations.clone(),
        reads: reads.clone(),
        target: target.clone(),
        refresh: refresh.clone(),
    };
    clusters.into_iter().map(declaration).collect()
}

fn target(spec: &mut Fields<'_>, own_name: &ObjectName) -> Target {
    let mut target = Target {
        name: own_name.clone(),
        creation: CreationPolicy::default(),
        deletion: DeletionPolicy::default(),
        immutable: false,
        template: None,
        manifest: None,
    };
    let Some(mut fields) = spec.object("target") else { return target };
    if let Some(name) = fields.name("name") {
        target.name = name;
    }
    target.creation = fields.choice("creationPolicy", &CREATION_POLICIES).unwrap_or_default();
    target.deletion = fields.choice("deletionPolicy", &DELETION_POLICIES).unwrap_or_default();
    target.immutable = fields.flag("immutable");
    fields.unsupported("template");
    fields.unsupported("manifest");
    refuse_contradiction(&fields, &target);
    fields.close();
    target
}

/// ESO's webhook lets Delete with Orphan pass; it then fails when the store has nothing any more, as it does here.
fn refuse_contradiction(fields: &Fields<'_>, target: &Target) {
    use CreationPolicy::{CreateOrMerge, Merge, None, Orphan, Owner};
    match (target.deletion, target.creation) {
        (DeletionPolicy::Delete, Merge | None | CreateOrMerge) => fields.error(
            "deletionPolicy",
            "Delete does not go with this creationPolicy: the Secret may be somebody else's; write Retain or Merge",
        ),
        (DeletionPolicy::Merge, None) => fields.error(
            "deletionPolicy",
            "Merge does not go with creationPolicy None, which writes nothing; write Retain",
        ),
        (DeletionPolicy::Delete, Owner | Orphan) | (DeletionPolicy::Merge | DeletionPolicy::Retain, _) => {}
    }
}

fn refresh(spec: &mut Fields<'_>) -> Refresh {
    let policy = spec.choice("refreshPolicy", &REFRESH_POLICIES).unwrap_or_default();
    let Some(text) = spec.text("refreshInterval") else {
        return Refresh { policy, interval: DEFAULT_REFRESH_INTERVAL, windows: None };
    };
    let interval = duration::parse(text).unwrap_or_else(|error| {
        spec.error("refreshInterval", format!("{error}; write it as 1h or 90s"));
        duration::Duration::default()
    });
    // Below zero ESO reads once, as at zero.
    Refresh { policy, interval: interval.to_std().unwrap_or_default(), windows: None }
}
