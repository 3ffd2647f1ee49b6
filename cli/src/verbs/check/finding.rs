//! What was found of a declaration, as a problem of its manifest.

use crate::verbs::manifests::Source;
use pawl_domain::{Declaration, DeclarationId, Problem};
use pawl_manifests::lint::Finding;

/// The same with file and object.
pub(super) fn at(finding: Finding, source: &Source, declaration: &Declaration) -> Problem {
    let DeclarationId { namespace, name, .. } = &declaration.id;
    Problem {
        severity: finding.severity,
        place: source.place.clone(),
        object: format!("ExternalSecret {namespace}/{name}"),
        field: finding.field,
        message: finding.message,
    }
}
