//! ExternalSecrets that ClusterExternalSecrets have made, on the wire.

use super::{Metadata, Operation, OwnerReference, Part, add, on_condition};
use pawl_domain::reconcile::Owner;
use pawl_domain::spread::{Child, Content};
use pawl_domain::{Namespace, ObjectName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An ExternalSecret in a list.
#[derive(Deserialize)]
pub(crate) struct ListedChild {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
}

impl ListedChild {
    /// Where it is, and what it is; `None` for what has no name that a namespace can have.
    pub(crate) fn into_child(self) -> Option<(Namespace, Child)> {
        let Metadata { namespace, uid, resource_version, labels, annotations, owner_references, .. } =
            self.metadata;
        let owners = owner_references.unwrap_or_default().into_iter().map(OwnerReference::into_owner);
        let child = Child {
            uid,
            resource_version,
            owners: owners.collect(),
            content: Content {
                labels: labels.unwrap_or_default(),
                annotations: annotations.unwrap_or_default(),
                spec: self.spec,
            },
            deleting: self.metadata.deletion_timestamp.is_some(),
        };
        Some((namespace.parse().ok()?, child))
    }
}

/// An ExternalSecret to be created.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewChild<'a> {
    api_version: &'a str,
    kind: &'static str,
    metadata: NewChildMetadata<'a>,
    spec: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewChildMetadata<'a> {
    name: &'a str,
    namespace: &'a str,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    owner_references: Vec<OwnerReference>,
}

impl<'a> NewChild<'a> {
    pub(crate) fn of(
        api_version: &'a str,
        (namespace, name): (&'a Namespace, &'a ObjectName),
        content: &'a Content,
        owners: &[Owner],
    ) -> Self {
        let metadata = NewChildMetadata {
            name: name.as_str(),
            namespace: namespace.as_str(),
            labels: &content.labels,
            annotations: &content.annotations,
            owner_references: owners.iter().map(OwnerReference::of).collect(),
        };
        Self { api_version, kind: "ExternalSecret", metadata, spec: &content.spec }
    }
}

/// The patch that gives an ExternalSecret of this version its content and owners.
pub(crate) fn child_update<'a>(
    resource_version: &'a str,
    content: &'a Content,
    owners: &[Owner],
) -> Vec<Operation<'a>> {
    vec![
        on_condition(resource_version),
        add("/metadata/labels", Part::Texts(&content.labels)),
        add("/metadata/annotations", Part::Texts(&content.annotations)),
        add("/metadata/ownerReferences", Part::Owners(owners.iter().map(OwnerReference::of).collect())),
        add("/spec", Part::Any(&content.spec)),
    ]
}
