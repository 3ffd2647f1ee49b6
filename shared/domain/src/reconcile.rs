//! What must happen to the target, given what stands there now. Pure: adapters only carry it out.
//!
//! Source of the rules: ESO's behaviour for `creationPolicy`, `deletionPolicy`, `immutable`, templates and ownership, as
//! its controller shows it.

mod decide;
mod deed;
mod desired;
mod object;
mod ownership;
mod refused;
mod replacement;
mod standing;

pub use crate::content::{Content, Misplaced, Placement, Token, path_of};
pub use decide::{Action, Decision, decide, decide_untemplated, marked};
pub use deed::Deed;
pub use object::{Desired, Existing, OwnFields, Owner, Parts};
pub use refused::Refused;
pub use replacement::Replacement;

use crate::hash::of_text;

/// Marks every Secret that is kept up.
pub const MANAGED_LABEL: &str = "reconcile.external-secrets.io/managed";
/// Names the declaration that owns a Secret, hashed.
pub const CREATED_BY_LABEL: &str = "reconcile.external-secrets.io/created-by";
/// The hash of the data that was written last.
pub const DATA_HASH_ANNOTATION: &str = "reconcile.external-secrets.io/data-hash";
/// Annotations of this prefix speak to Pawl and are not taken over to targets.
pub const PAWL_PREFIX: &str = "pawl.dev/";

const MANAGER_PREFIX: &str = "externalsecrets.external-secrets.io/";

/// The field manager under which a declaration's writes are recorded: ESO's, so that either recognises the other's.
pub fn field_manager(external_secret: &str) -> String {
    let plain = format!("{MANAGER_PREFIX}{external_secret}");
    if plain.len() > 63 { format!("{MANAGER_PREFIX}sha3/{}", of_text(external_secret)) } else { plain }
}
