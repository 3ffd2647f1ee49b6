//! Names of marks.

use pawl_domain::Access;
use sha2::{Digest, Sha256};

fields!(Access {
    "backend" => must backend,
    "cluster" => may cluster,
    "namespace" => may namespace,
    "tags" => may tags,
});

/// The name under which the ledger marks when something was done with this identity: `<what>/<SHA-256 of the identity>`.
/// An identity is long, and none of a mark reader's business.
pub fn mark_name(what: &str, access: &Access) -> String {
    let mut out = crate::part::Out::default();
    crate::part::Part::write(access, &mut out);
    format!("{what}/{}", hex::encode(Sha256::digest(out.into_text())))
}
