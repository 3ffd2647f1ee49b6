//! One pass of the sweep.

use jiff::Timestamp;
use pawl_domain::{Access, DeclarationId, IndexKey, Rules};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// One pass, and what is the same for all that it visits.
pub(super) struct Round {
    pub(super) started: Timestamp,
    /// Visits what is not due as well.
    pub(super) all: bool,
    /// When visits that are under way are cut off.
    pub(super) ends: Instant,
    /// What this pass tries again anyway, so that no visit needs to deliver it.
    pub(super) retried: BTreeSet<DeclarationId>,
    /// What stores may do. Deliveries ask anew.
    pub(super) rules: Arc<Rules>,
    /// What it looked up of declarations of which no listing tells everything.
    pub(super) special: Special,
}

/// The declarations under one index key, by the identities that they read with.
pub(super) type ByAccess = BTreeMap<Access, BTreeSet<DeclarationId>>;

/// What a pass looked up.
#[derive(Default)]
pub(super) struct Special(pub(super) Mutex<BTreeMap<IndexKey, Arc<OnceCell<ByAccess>>>>);
