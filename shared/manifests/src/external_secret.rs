//! ExternalSecret to declarations, one for each cluster that it goes to.
//!
//! Source of fields, defaults and admission rules: ESO's CRD and validating webhook, version 2.9.

mod find;
pub(super) mod placement;
mod reads;
mod refresh;
pub(super) mod rewrite;
mod strategies;
mod target;
pub(super) mod template;
mod version;

pub(super) use refresh::interval;
pub(super) use version::Version;

use crate::reader::Fields;
use crate::{ParseOptions, compile, metadata};
use pawl_domain::hash::synced_resource_version;
use pawl_domain::reconcile::PAWL_PREFIX;
use pawl_domain::{Cluster, Declaration, DeclarationId, Home, ObjectName};

/// The declarations of an ExternalSecret. Whether they may be used, the notes tell.
pub(super) fn read(
    root: Fields<'_>,
    version: Version,
    options: &ParseOptions,
    known: &[Cluster],
) -> Vec<Declaration> {
    let notes = root.notes();
    let Some((metadata, mut spec)) = metadata::read::<ObjectName>(root) else { return Vec::new() };
    // On its way out, an object declares nothing any more; what becomes of its target is then its owner's matter.
    if metadata.deleting && matches!(options.home, Home::Cluster(_)) {
        return Vec::new();
    }
    let Some(namespace) = metadata.namespace(options, notes) else { return Vec::new() };
    let target = target::read(&mut spec, &metadata.name, version);
    let refresh = refresh::read(&mut spec, version);
    let stores = reads::Stores::of(&mut spec, &options.home, &namespace, version);
    let reads = reads::read(&mut spec, &stores, &target);
    spec.close();
    let in_cluster = matches!(options.home, Home::Cluster(_));
    let generation = metadata.generation.filter(|_| in_cluster);
    let synced =
        generation.map(|edit| synced_resource_version(edit, &metadata.annotations, &metadata.labels));
    let mut annotations = metadata.annotations;
    let clusters = placement::clusters(&annotations, options, known, notes);
    annotations.retain(|key, _| !key.starts_with(PAWL_PREFIX));
    let declaration = |cluster| Declaration {
        id: DeclarationId { cluster, namespace: namespace.clone(), name: metadata.name.clone() },
        home: options.home.clone(),
        uid: metadata.uid.clone().filter(|_| in_cluster),
        labels: metadata.labels.clone(),
        annotations: annotations.clone(),
        reads: reads.clone(),
        target: target.clone(),
        refresh: refresh.clone(),
        synced: synced.clone(),
        set: None,
        pattern: None,
    };
    let declarations: Vec<Declaration> = clusters.into_iter().map(declaration).collect();
    // They differ in nothing that is rendered.
    if let Some(any) = declarations.first().filter(|_| !notes.is_refused()) {
        compile::recipe(any, notes);
    }
    declarations
}
