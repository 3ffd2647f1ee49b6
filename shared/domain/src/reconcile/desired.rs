//! The Secret as a declaration wants it, laid over what stands there.

use crate::declaration::{CreationPolicy, Declaration, Manifest};
use crate::hash::data_hash;
use crate::reconcile::ownership::{mark, owners};
use crate::reconcile::{Content, DATA_HASH_ANNOTATION, Desired, Existing, MANAGED_LABEL, Misplaced, Refused};
use crate::render::Rendered;
use std::collections::{BTreeMap, BTreeSet};

/// With all that was rendered. Without a template the target takes over the ExternalSecret's own labels and
/// annotations, with one only the template's; what this declaration wrote before and does not want any more goes.
///
/// # Errors
/// Where something is to be placed in an object that is no Secret, something else stands in the way.
pub(super) fn whole(
    declaration: &Declaration,
    rendered: &Rendered,
    existing: &Existing,
) -> Result<Desired, Refused> {
    let adds = matches!(declaration.target.creation, CreationPolicy::Merge | CreationPolicy::CreateOrMerge);
    let data = if adds {
        let mut data = without(&existing.data, &existing.own.data);
        data.extend(rendered.data.clone());
        data
    } else {
        rendered.data.clone()
    };
    let content = match declaration.target.generic() {
        Some(manifest) => {
            Some(content(declaration, manifest, rendered, existing.content.as_ref().filter(|_| adds))?)
        }
        None => None,
    };
    let hash = content.as_ref().map_or_else(|| data_hash(&data), Content::hash);
    let ours = Ours::of(declaration, rendered, hash);
    let mut labels = without(&existing.labels, &existing.own.labels);
    labels.extend(ours.labels);
    // Who keeps it up by now may have no label that somebody else left.
    mark(declaration, &mut labels);
    let mut annotations = without(&existing.annotations, &existing.own.annotations);
    annotations.extend(ours.annotations);
    let template = declaration.target.template.as_ref();
    Ok(Desired {
        kind: template
            .and_then(|template| template.kind.clone())
            .filter(|kind| !kind.is_empty() && content.is_none()),
        labels,
        annotations,
        finalizers: finalizers(declaration, existing),
        owners: owners(declaration, existing),
        immutable: existing.immutable || (declaration.target.immutable && content.is_none()),
        data,
        content,
    })
}

/// The labels and annotations that a declaration gives to its target, whether or not that is read first.
pub(super) struct Ours {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Ours {
    /// `hash` is that of all data that the target has then.
    pub(super) fn of(declaration: &Declaration, rendered: &Rendered, hash: String) -> Self {
        let (labels, annotations) = if rendered.templated {
            (&rendered.labels, &rendered.annotations)
        } else {
            (&declaration.labels, &declaration.annotations)
        };
        let (mut labels, mut annotations) = (labels.clone(), annotations.clone());
        annotations.insert(DATA_HASH_ANNOTATION.to_owned(), hash);
        mark(declaration, &mut labels);
        Self { labels, annotations }
    }
}

/// What was rendered, laid over what stands there already or over a new object.
fn content(
    declaration: &Declaration,
    manifest: &Manifest,
    rendered: &Rendered,
    standing: Option<&Content>,
) -> Result<Content, Refused> {
    let mut content = standing.cloned().unwrap_or_else(|| Content::empty(manifest));
    for placement in &rendered.placed {
        content.lay(placement).map_err(|Misplaced { path }| Refused::Misplaced {
            kind: manifest.kind.clone(),
            target: declaration.target.name.clone(),
            path,
        })?;
    }
    Ok(content)
}

/// ESO freezes an existing Secret with the data that it has.
pub(super) fn frozen(declaration: &Declaration, existing: &Existing) -> Desired {
    let mut desired = Desired::as_is(existing);
    mark(declaration, &mut desired.labels);
    desired.annotations.insert(DATA_HASH_ANNOTATION.to_owned(), data_hash(&existing.data));
    desired.owners = owners(declaration, existing);
    desired.immutable = true;
    desired
}

/// ESO marks a Secret that is there before it does anything else, and so even where it then touches nothing.
pub(super) fn labelled_only(existing: &Existing) -> Desired {
    let mut desired = Desired::as_is(existing);
    desired.labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    desired
}

/// Finalizers are added and never taken away. The API server takes none for what is being deleted.
fn finalizers(declaration: &Declaration, existing: &Existing) -> Vec<String> {
    let mut finalizers = existing.finalizers.clone();
    let wanted = declaration.target.template.iter().flat_map(|template| &template.finalizers);
    for finalizer in wanted.filter(|_| !existing.deleting) {
        if !finalizers.contains(finalizer) {
            finalizers.push(finalizer.clone());
        }
    }
    finalizers
}

fn without<V: Clone>(map: &BTreeMap<String, V>, keys: &BTreeSet<String>) -> BTreeMap<String, V> {
    map.iter().filter(|(key, _)| !keys.contains(*key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}
