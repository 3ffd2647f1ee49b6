//! Which object of a cluster is read or written, and for whom.

use pawl_domain::declaration::Manifest;
use pawl_domain::record::FormerTarget;
use pawl_domain::{Declaration, DeclarationId, ObjectName};

/// An object of a cluster, and the declaration that it is read or written for.
#[derive(Clone, Copy, Debug)]
pub struct TargetRef<'a> {
    /// The declaration. The object is in its cluster and namespace.
    pub of: &'a DeclarationId,
    /// The kind of the object; `None` for a Secret.
    pub kind: Option<&'a Manifest>,
    /// The name of the object.
    pub name: &'a ObjectName,
}

impl<'a> TargetRef<'a> {
    /// The target that a declaration names.
    pub fn of(declaration: &'a Declaration) -> Self {
        let target = &declaration.target;
        Self { of: &declaration.id, kind: target.generic(), name: &target.name }
    }

    /// A target that a declaration named before.
    pub fn former(of: &'a DeclarationId, former: &'a FormerTarget) -> Self {
        Self { of, kind: former.manifest.as_ref(), name: &former.name }
    }

    /// A Secret.
    pub fn secret(of: &'a DeclarationId, name: &'a ObjectName) -> Self {
        Self { of, kind: None, name }
    }
}
