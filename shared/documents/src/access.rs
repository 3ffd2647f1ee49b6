//! Names of marks.

use crate::part::{Fault, Out, Part};
use pawl_domain::Access;
use pawl_domain::grant::{Grant, Network, Reach};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

fields!(Access {
    "backend" => must backend,
    "cluster" => may cluster,
    "namespace" => may namespace,
    "tags" => may tags,
    "grant" => later grant,
});

fields!(Grant {
    "reach" => must reach,
    "shows_identity" => must shows_identity,
});

/// The addresses that are allowed; `null` where all are.
impl Part for Reach {
    fn write(&self, out: &mut Out) {
        match self {
            Self::Anywhere => Option::<BTreeSet<Network>>::None.write(out),
            Self::Guarded(allowed) => allowed.write(out),
        }
    }

    fn read(value: Value) -> Result<Self, Fault> {
        Ok(Option::read(value)?.map_or(Self::Anywhere, Self::Guarded))
    }
}

/// The name under which the ledger marks when something was done with this identity: `<what>/<SHA-256 of the identity>`.
/// An identity is long, and none of a mark reader's business.
pub fn mark_name(what: &str, access: &Access) -> String {
    let mut out = Out::default();
    access.write(&mut out);
    format!("{what}/{}", hex::encode(Sha256::digest(out.into_text())))
}
