//! `spec.target` of an ExternalSecret.

use super::template;
use super::version::Version;
use crate::reader::Fields;
use pawl_domain::ObjectName;
use pawl_domain::declaration::{CreationPolicy, DeletionPolicy, Manifest, Target};

const CREATION_POLICIES: [(&str, CreationPolicy); 5] = [
    ("Owner", CreationPolicy::Owner),
    ("Orphan", CreationPolicy::Orphan),
    ("Merge", CreationPolicy::Merge),
    ("None", CreationPolicy::None),
    // The last, for v1beta1 lacks it.
    ("CreateOrMerge", CreationPolicy::CreateOrMerge),
];

const DELETION_POLICIES: [(&str, DeletionPolicy); 3] = [
    ("Delete", DeletionPolicy::Delete),
    ("Merge", DeletionPolicy::Merge),
    ("Retain", DeletionPolicy::Retain),
];

/// The target; without `spec.target` that of the ExternalSecret's own name.
pub(super) fn read(spec: &mut Fields<'_>, own_name: &ObjectName, version: Version) -> Target {
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
    let creations = match version {
        Version::V1 => &CREATION_POLICIES[..],
        Version::V1Beta1 => &CREATION_POLICIES[..CREATION_POLICIES.len() - 1],
    };
    target.creation = fields.choice("creationPolicy", creations).unwrap_or_default();
    target.deletion = fields.choice("deletionPolicy", &DELETION_POLICIES).unwrap_or_default();
    target.immutable = fields.flag("immutable");
    let manifest = version.reads(&mut fields, "manifest").then(|| fields.object("manifest")).flatten();
    let manifest = manifest.map(read_manifest);
    let of_secret =
        manifest.as_ref().is_none_or(|manifest| manifest.as_ref().is_some_and(Manifest::is_secret));
    target.manifest = manifest.flatten();
    target.template = fields.object("template").map(|fields| template::read(fields, of_secret, version));
    refuse_contradiction(&fields, &target);
    fields.close();
    target
}

fn read_manifest(mut fields: Fields<'_>) -> Option<Manifest> {
    let api_version = fields.required("apiVersion", "the object's apiVersion, such as v1").map(str::to_owned);
    let kind = fields.required("kind", "the object's kind, such as ConfigMap").map(str::to_owned);
    fields.close();
    Some(Manifest { api_version: api_version?, kind: kind? })
}

/// ESO's webhook lets Delete with Orphan pass; it then fails when the store has nothing any more, as it does here.
fn refuse_contradiction(fields: &Fields<'_>, target: &Target) {
    use CreationPolicy::{CreateOrMerge, Merge, None, Orphan, Owner};
    match (target.deletion, target.creation) {
        (DeletionPolicy::Delete, Merge | None | CreateOrMerge) => fields.hopeless(
            "deletionPolicy",
            "Delete does not go with this creationPolicy: the Secret may be somebody else's; write Retain or Merge",
        ),
        (DeletionPolicy::Merge, None) => fields.hopeless(
            "deletionPolicy",
            "Merge does not go with creationPolicy None, which writes nothing; write Retain",
        ),
        (DeletionPolicy::Delete, Owner | Orphan) | (DeletionPolicy::Merge | DeletionPolicy::Retain, _) => {}
    }
}
