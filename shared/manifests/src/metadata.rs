//! `metadata`, which all kinds have.

use super::ParseOptions;
use super::reader::{Fields, Notes};
use pawl_domain::{InvalidName, Namespace};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// What is read of an object's metadata.
pub(super) struct Metadata<N> {
    pub(super) name: N,
    pub(super) namespace: Option<Namespace>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) uid: Option<String>,
    /// Counts the edits of its spec, in a cluster.
    pub(super) generation: Option<i64>,
    /// Whether somebody has deleted the object, and it only waits for its finalizers.
    pub(super) deleting: bool,
}

/// Reads metadata and spec of an object, and closes it. `None` if a part without which nothing can be said is missing.
pub(super) fn read<'a, N: FromStr<Err = InvalidName>>(
    mut root: Fields<'a>,
) -> Option<(Metadata<N>, Fields<'a>)> {
    for field in ["metadata", "spec"] {
        if !root.has(field) {
            root.error(field, "is missing");
        }
    }
    let (metadata, spec) = parts(root);
    metadata.zip(spec)
}

/// The same of an object that may have no spec.
pub(super) fn with_or_without_spec<'a, N: FromStr<Err = InvalidName>>(
    mut root: Fields<'a>,
) -> Option<(Metadata<N>, Option<Fields<'a>>)> {
    if !root.has("metadata") {
        root.error("metadata", "is missing");
    }
    let (metadata, spec) = parts(root);
    Some((metadata?, spec))
}

fn parts<'a, N: FromStr<Err = InvalidName>>(
    mut root: Fields<'a>,
) -> (Option<Metadata<N>>, Option<Fields<'a>>) {
    root.without_effect(&["apiVersion", "kind", "status"]);
    let metadata = root.object("metadata").and_then(of_fields);
    let spec = root.object("spec");
    root.close();
    (metadata, spec)
}

fn of_fields<N: FromStr<Err = InvalidName>>(mut fields: Fields<'_>) -> Option<Metadata<N>> {
    fields.without_effect(&[
        "clusterName",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "finalizers",
        "generateName",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
    ]);
    let named = fields.required("name", "the object's name").is_some();
    let metadata = Metadata {
        name: if named { fields.name("name") } else { None },
        namespace: fields.name("namespace"),
        labels: fields.text_map("labels"),
        annotations: fields.text_map("annotations"),
        uid: fields.filled("uid").map(str::to_owned),
        generation: fields.value("generation").and_then(Value::as_i64),
        deleting: fields.has("deletionTimestamp"),
    };
    fields.close();
    let Metadata { name, namespace, labels, annotations, uid, generation, deleting } = metadata;
    Some(Metadata { name: name?, namespace, labels, annotations, uid, generation, deleting })
}

impl<N> Metadata<N> {
    /// The object's namespace, or the default one; noted if there is neither.
    pub(super) fn namespace(&self, options: &ParseOptions, notes: &Notes) -> Option<Namespace> {
        let namespace = self.namespace.clone().or_else(|| options.default_namespace.clone());
        if namespace.is_none() {
            notes.error("metadata.namespace", "is missing; write it, or give a default namespace");
        }
        namespace
    }
}
